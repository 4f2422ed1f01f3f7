/** The gateway's own audit: with which command line it runs, and what is not believed of it. */
import { describe, expect, it } from "vitest";
import { nativeCollector } from "../../../../../../agent/host/posture/collectors/gateway/native.ts";
import { recordedMachine, type Recorded } from "../../recorded-machine.ts";
import { fact, row, settings, written } from "../../checks/gateway-facts.ts";

const FINDINGS = JSON.stringify({
  findings: [
    { checkId: "gateway.loopback_no_auth", severity: "critical" },
    { checkId: "fs.config.perms_writable", severity: "critical" },
  ],
});

async function audited(recorded: Recorded, source: "configuration" | "environment" = "configuration") {
  const of = { ...written(settings()), secret: { source, characters: 64, bits: 250 } };
  const soFar = {
    "gateway.found": fact("gateway.found", [row]),
    "gateway.settings": fact("gateway.settings", [of]),
    "gateway.version": fact("gateway.version", [
      { gateway: row.gateway, version: "2026.9.6", path: "/usr/lib/node_modules/openclaw/package.json", affecting: [] },
    ]),
  };
  const facts = await nativeCollector().collect({ machine: recordedMachine(recorded), soFar, directory: undefined });
  return facts["gateway.native"];
}

describe("the gateway's own audit", () => {
  it("runs in a unit without a network, as the gateway's user, with no secret in its command line", async () => {
    let line: readonly string[] = [];
    const unit = (argv: readonly string[]) => {
      line = argv;
      return FINDINGS;
    };
    const files = { "/run/systemd/system/x": "" };
    const found = await audited({ files, programs: { "systemd-run": unit } });
    expect(line).toEqual(
      expect.arrayContaining(["--property=PrivateNetwork=yes", "--property=NoNewPrivileges=yes", "--uid=1000"]),
    );
    expect(line.slice(-5)).toEqual([
      "node",
      "/usr/lib/node_modules/openclaw/openclaw.mjs",
      "security",
      "audit",
      "--json",
    ]);
    expect(line.join(" ")).not.toMatch(/TOKEN|PASSWORD/);
    expect(found).toMatchObject({ value: [{ critical: ["gateway.loopback_no_auth", "fs.config.perms_writable"] }] });
  });
  it("runs in a network of its own where there is no systemd", async () => {
    let line: readonly string[] = [];
    await audited({
      programs: {
        unshare: (argv) => {
          line = argv;
          return FINDINGS;
        },
      },
    });
    expect(line.slice(0, 6)).toEqual(["unshare", "--net", "--", "setpriv", "--reuid=1000", "--regid=1000"]);
  });
  it("is not believed that there is no secret where the secret was kept from it", async () => {
    const found = await audited({ programs: { unshare: FINDINGS } }, "environment");
    expect(found).toMatchObject({ value: [{ critical: ["fs.config.perms_writable"] }] });
  });
  it.each<[string, Recorded, string]>([
    ["without root", { isRoot: false, programs: { unshare: FINDINGS } }, "not_root"],
    ["without the program", {}, "missing_tool"],
    ["that says nothing", { programs: { unshare: "" } }, "malformed"],
    ["that takes too long", { programs: { unshare: { kind: "timeout" } } }, "timeout"],
  ])("%s is not known", async (...[, recorded, why]) => {
    expect(await audited(recorded)).toMatchObject({ kind: "unknown", why });
  });
});
