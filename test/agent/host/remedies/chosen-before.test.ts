/** A fix that names nothing is a daily command: what somebody chose by a critical one is not widened by it. Needs root. */
import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { remedies } from "../../../../agent/host/remedies/table.ts";
import { survey } from "../../../../agent/host/remedies/survey.ts";
import { failed, isRoot, ok, StandIn } from "./stand-in.ts";
import type { CheckId } from "../../../../protocol/posture.ts";
import type { FixOptions } from "../../../../protocol/posture/options.ts";

const TABLE = "/etc/clawhold/nft/clawhold.nft";
const EGRESS = "/etc/clawhold/nft/clawhold_egress.nft";
const ALLOW = "/etc/ssh/sshd_config.d/00-clawhold-allowlist.conf";
const ADMINS: FixOptions = { sshFrom: "admins", admins: ["203.0.113.67"] };

let host: StandIn;

beforeEach(() => {
  host = new StandIn();
  host.program = (argv) => {
    if (argv.join(" ") === "nft -j list ruleset") return ok('{"nftables":[]}');
    return argv.at(-1) === "firewalld.service" ? failed("inactive") : undefined;
  };
});
afterEach(() => host.remove());

async function partOf(check: CheckId, options: FixOptions = {}) {
  const seen = await survey(host.hands, { freePort: 24_022, approvedRules: undefined });
  const gateway = { port: 18_789, uid: 4_242, user: "openclaw", home: "/home/openclaw", unit: undefined };
  const part = remedies[check]?.({ check, options, survey: { ...seen, gateway }, isProfile: false });
  if (part === undefined) throw new Error(check);
  return part;
}

/** As if it had been applied to its end. */
async function stand(check: CheckId, options: FixOptions): Promise<void> {
  const { desired, closing } = await partOf(check, options);
  for (const one of [...desired, ...(closing?.desired ?? [])]) if (one.kind === "file") host.write(one.path, one.text);
}

describe.skipIf(!isRoot)("what was chosen before stays", () => {
  it("SSH for listed addresses, in a table of our own", async () => {
    await stand("fw.default-deny", ADMINS);
    expect(host.read(TABLE)).toContain("ip saddr 203.0.113.67 tcp dport 22 accept");
    expect(host.read(TABLE)).not.toContain("\n    tcp dport 22 accept");
    const { desired, deeds } = await partOf("fw.default-deny");
    expect([desired, deeds]).toEqual([[], []]);
    // Whoever names openings anew has chosen anew.
    const { desired: other } = await partOf("fw.default-deny", { openings: [] });
    expect(JSON.stringify(other)).toContain(String.raw`\n    tcp dport 22 accept`);
  });

  it("SSH for listed addresses, in ufw", async () => {
    for (const program of ["usr/sbin/ufw"]) host.write(`/${program}`, "");
    mkdirSync(path.join(host.root, "etc/ufw"), { recursive: true });
    host.write("/etc/default/ufw", 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\n');
    host.write("/etc/ufw/ufw.conf", "ENABLED=yes\n");
    host.write("/etc/ufw/user.rules", "### tuple ### allow tcp 22 0.0.0.0/0 any 203.0.113.67 in comment=00\n");
    const { deeds, proofs } = await partOf("fw.default-deny");
    expect(deeds.map(({ argv }) => argv.join(" "))).toEqual(["ufw reload"]);
    expect(proofs).toEqual([{ kind: "outside", ssh: [], isClosed: true }]);
  });

  it("where the gateway may connect to", async () => {
    await stand("fw.egress.gateway", { egress: [{ to: "198.51.100.7", port: 443, reason: "provider" }] });
    expect(host.read(EGRESS)).toContain("198.51.100.7");
    expect((await partOf("fw.egress.gateway")).desired).toEqual([]);
  });

  it("and what nobody chose is made anew", async () => {
    await stand("fw.egress.gateway", {});
    expect((await partOf("fw.egress.gateway")).desired).not.toEqual([]);
  });

  it("who may sign in, though others have a key by now", async () => {
    await stand("ssh.allowlist", { sshUsers: ["owner"] });
    expect(host.read(ALLOW)).toContain("AllowUsers owner\n");
    host.write("/etc/passwd", `${host.read("/etc/passwd")}guest:x:0:0::/home/guest:/bin/bash\n`);
    host.write("/home/guest/.ssh/authorized_keys", "ssh-ed25519 AAAA guest\n");
    chmodSync(path.join(host.root, "home/guest/.ssh/authorized_keys"), 0o644);
    const part = await partOf("ssh.allowlist");
    expect(part).toMatchObject({ desired: [], effects: [] });
    expect(part.blocked).toBeUndefined();
    expect(JSON.stringify((await partOf("ssh.allowlist", { sshUsers: ["guest", "owner"] })).desired)).toContain(
      "AllowUsers guest owner",
    );
  });
});
