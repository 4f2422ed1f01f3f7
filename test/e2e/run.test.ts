/**
 * `clawhold run` as a pipeline uses it: the built program makes a key, an administrator grants it in the trust log, the
 * real edge carries and the real agent decides. What the grant does not cover, and what was revoked, runs nowhere.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedOf } from "./faults/town.ts";
import { temporaryDirectory, Up } from "./installation.ts";
import { HeadlessOperator } from "./operator.ts";

const PORT = 25_120;
const DIST = process.env["CLAWHOLD_TEST_DIST"] ?? path.resolve("dist");
const ENTRY = path.join(DIST, "clawhold.mjs");

interface Ran {
  readonly exit: number | null;
  readonly said: string;
}

function clawhold(...argv: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, ...argv], { encoding: "utf8" });
  return { exit: status, said: `${stdout}${stderr}`.trim() };
}

describe("a pipeline's key at the real edge", () => {
  const directory = temporaryDirectory("run");
  const keyFile = path.join(directory.path, "ci.key");
  let up: Up;
  let operator: HeadlessOperator;
  let label = "";
  let key = "";
  const order = (...more: readonly string[]) => clawhold("run", "--key", keyFile, ...more, "--host", label);

  beforeAll(async () => {
    up = new Up({ dataDir: path.join(directory.path, "data"), port: PORT, agentPort: PORT + 1, gateway: "none" });
    const setup = await up.event((said) => said.event === "setup");
    operator = await HeadlessOperator.create(PORT);
    await operator.setUp(seedOf(String(setup["url"])));
    const host = await operator.admitFirstHost();
    label = operator.state?.hosts.get(host)?.label ?? "";
  });
  afterAll(async () => {
    operator?.close();
    await up?.stop();
    directory.remove();
  });

  it("is worth nothing before somebody granted it", () => {
    const workspace = operator.state?.workspace ?? "";
    const edge = ["--edge", `http://clawhold.localhost:${String(PORT)}`, `--workspace=${workspace}`];
    const made = clawhold("run", "--make-key", keyFile, ...edge, "--label", "ci", "--json");
    expect(made.exit).toBe(0);
    ({ key } = JSON.parse(made.said) as { key: string });
    const ran = order("host.check");
    expect(ran).toEqual({ exit: 4, said: expect.stringContaining("The edge does not take this key") as string });
  });

  it("runs what was granted, and waits for the receipt", async () => {
    const shown = clawhold("run", "--show-key", keyFile, "--json").said;
    const { publicKey } = JSON.parse(shown) as { readonly publicKey: string };
    const now = Math.floor(Date.now() / 1_000);
    await operator.declare({
      kind: "automation-key.add",
      body: {
        id: key,
        publicKey,
        label: "ci",
        operations: [
          { operation: "host.check@1", limits: [] },
          { operation: "host.drill@1", limits: [{ argument: "scenario", values: ["lost-device"] }] },
        ],
        hosts: ["all"],
        rate: { commands: 3, seconds: 600 },
        until: now + 86_400,
      },
    });
    const ran = order("host.check");
    expect(ran).toEqual({ exit: 0, said: expect.stringContaining(": executed, receipt ") as string });
    expect(order("host.drill", "--arg", "scenario=lost-device").exit).toBe(0);
  });

  it("is refused outside its limits, and beyond its rate", () => {
    const outside = order("host.drill", "--arg", "scenario=second-person");
    expect(outside.exit).toBe(4);
    expect(outside.said).toContain("not granted this operation, these arguments or this host");
    expect(order("host.check").exit).toBe(0);
    const tooMany = order("host.check");
    expect(tooMany.exit).toBe(4);
    expect(tooMany.said).toContain("has run as many commands as it may in this time");
  });

  it("is worth nothing once it was revoked", async () => {
    await operator.declare({ kind: "automation-key.revoke", body: { automationKey: key } });
    expect(order("host.check").exit).toBe(4);
  });
});
