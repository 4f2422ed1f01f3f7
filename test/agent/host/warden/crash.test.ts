/** A process killed with SIGKILL at each step of a command: nothing runs twice, and every intent ends with a receipt. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import type { World } from "../../../fixtures/workspace.ts";
import type { SignedStatement } from "../../../../protocol/trust/statements.ts";
import { applyRoot, applyStatement } from "../../../../protocol/trust/apply.ts";
import { signerOf } from "../../../fixtures/keys.ts";
import { FakeGateway } from "./fakes.ts";
import { Rig, temporary, theWorld, until } from "./rig.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

interface Death {
  readonly directory: string;
  readonly restarts: number;
  readonly steps: readonly string[];
  readonly envelope: string;
  readonly digest: string;
  readonly world: World;
  readonly revoking: SignedStatement;
  readonly session: string;
}

/** Runs one command in a child that kills itself at a step, and gives what it left behind. */
async function dieAt(step: string): Promise<Death> {
  const directory = temporary();
  directories.push(directory);
  const child = spawn(
    process.execPath,
    ["--no-warnings", join(import.meta.dirname, "crash-child.ts"), directory, step],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const parsed = JSON.parse(line) as Record<string, unknown>;
    lines.push(parsed);
    if ("command" in parsed) child.stdin.write("go\n");
    if ("done" in parsed) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.once("close", resolve));
  const made = lines.find((line) => "command" in line) as {
    command: { envelope: string; digest: string };
    world: World;
    revoking: SignedStatement;
    session: string;
  };
  return {
    directory,
    restarts: lines.filter((line) => line["restarted"] === true).length,
    steps: lines.flatMap((line) => (typeof line["step"] === "string" ? [line["step"]] : [])),
    ...made.command,
    world: await complete(made.world),
    revoking: made.revoking,
    session: made.session,
  };
}

/** The child's world, as far as a second process needs it. */
async function complete(sent: World): Promise<World> {
  const first = await applyRoot(sent.root, { workspace: sent.workspace });
  if (!first.ok) throw new Error(first.code);
  let { state } = first;
  for (const statement of sent.statements) {
    const next = await applyStatement(state, statement);
    if (!next.ok) throw new Error(next.code);
    ({ state } = next);
  }
  return { ...(await theWorld()), ...sent, state, keys: { ...(await theWorld()).keys, host: await signerOf("host") } };
}

async function next({ directory, world, envelope }: Death, boot: string): Promise<Rig> {
  const gateway = new FakeGateway();
  gateway.boot = boot;
  const rig = await Rig.open({ directory, world, gateway });
  await rig.welcome();
  await rig.receive({ kind: "deliver", number: 1, envelope });
  return rig;
}

describe("SIGKILL", () => {
  it("before the journal: nothing ran, and the challenge is dead", async () => {
    const death = await dieAt("verified");
    expect(death.restarts).toBe(0);
    const rig = await next(death, "boot-0001");
    await until(() => rig.sent.some((frame) => frame.kind === "refused"));
    expect(rig.last("refused")).toMatchObject({ subject: death.digest, code: "challenge" });
    expect(rig.gateway.restarts).toBe(0);
    await rig.close();
  });

  it.each(["journaled", "executing"])("at %s: interrupted, the boot is the old one", async (step) => {
    const death = await dieAt(step);
    expect(death.restarts).toBe(0);
    const rig = await next(death, "boot-0001");
    await until(() => rig.receipts().length > 0);
    expect(rig.lastReceipt()).toMatchObject({
      intent: death.digest,
      verdict: "interrupted",
      number: 1,
      observed: { gatewayBootBefore: "boot-0001", gatewayBootAfter: "boot-0001" },
    });
    expect(rig.gateway.restarts).toBe(0);
    await rig.close();
  });

  it.each(["acted", "executed"])("at %s: interrupted, the boot is a new one, and it never runs again", async (step) => {
    const death = await dieAt(step);
    expect(death.restarts).toBe(1);
    const rig = await next(death, "boot-after-1");
    await until(() => rig.receipts().length > 0);
    expect(rig.lastReceipt()).toMatchObject({
      verdict: "interrupted",
      observed: { gatewayBootBefore: "boot-0001", gatewayBootAfter: "boot-after-1" },
    });
    expect(rig.gateway.restarts).toBe(0);
    const again = await rig.reopen();
    await again.welcome();
    expect(again.receipts().map((receipt) => receipt.verdict)).toEqual(["interrupted"]);
    await again.close();
  });

  it("at receipted: the receipt is there and is sent again", async () => {
    const death = await dieAt("receipted");
    const rig = await next(death, "boot-after-1");
    await until(() => rig.receipts().length > 0);
    expect(rig.lastReceipt()).toMatchObject({ intent: death.digest, verdict: "executed", number: 1 });
    expect(rig.gateway.restarts).toBe(0);
    await rig.close();
  });
});

/** What is left of a line, and whether it counts: torn lines never do, whole ones may, synced ones must. */
describe.each([
  ["half", [false]],
  ["written", [false, true]],
  ["synced", [true]],
] as const)("SIGKILL while a line is written (%s)", (moment, allowed) => {
  it("of the trust log: it counts whole or not at all, and comes again", async () => {
    const death = await dieAt(`trust:${moment}`);
    const rig = await Rig.open({ directory: death.directory, world: death.world });
    expect(allowed).toContain(rig.context.trust.state?.revocations.size === 1);
    expect(rig.context.trust.state?.head.n).toBe(death.world.state.head.n);
    await rig.receive({ kind: "trust", page: { statements: [death.revoking] } });
    expect(rig.context.trust.state?.revocations.size).toBe(1);
    const again = await rig.reopen();
    expect(again.context.trust.state?.revocations.size).toBe(1);
    await again.close();
  });

  it("of the ended sessions: it counts whole or not at all", async () => {
    const death = await dieAt(`session-ends:${moment}`);
    const rig = await Rig.open({ directory: death.directory, world: death.world });
    expect(allowed).toContain(rig.context.sessionEnds.has(death.session, "p-ada"));
    await rig.close();
  });
});
