/** `clawhold run` as a pipeline types it, before an edge that is honest and before one that lies. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../../protocol/bytes.ts";
import { automationKeyWords } from "../../../protocol/words.ts";
import type { BodyOf } from "../../../protocol/trust/statements.ts";
import { nonceOf, signerOf } from "../../fixtures/keys.ts";
import { applied, makeRoot, makeWorld, NOW, stated, type World } from "../../fixtures/workspace.ts";
import { run, type Ran } from "../cli/terminal.ts";
import { startScriptedEdge, type Lies, type ScriptedEdge, type Town } from "./scripted-edge.ts";

let world: World;
let directory: string;
let keyFile: string;
let made: { readonly key: string; readonly publicKey: string; readonly words: readonly string[] };
let edge: ScriptedEdge | undefined;

beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-run-"));
  keyFile = join(directory, "ci.key");
  const argv = ["run", "--make-key", keyFile, "--edge", "http://127.0.0.1:9", "--label", "ci", "--json"];
  const { exit, out } = await run([...argv, `--workspace=${world.workspace}`]);
  expect(exit).toBe(0);
  made = JSON.parse(out[0] ?? "") as typeof made;
});
afterEach(async () => {
  await edge?.stop();
  edge = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** A town in which the key is granted, unless `change` says otherwise. */
async function grantedTown(change: Partial<BodyOf<"automation-key.add">> = {}): Promise<Town> {
  const body: BodyOf<"automation-key.add"> = {
    id: made.key,
    publicKey: made.publicKey,
    label: "ci",
    operations: [
      { operation: "host.check@1", limits: [] },
      { operation: "host.drill@1", limits: [{ argument: "scenario", values: ["lost-device"] }] },
    ],
    hosts: ["all"],
    rate: { commands: 5, seconds: 60 },
    until: NOW + 80 * 86_400,
    ...change,
  };
  const by = world.people.ada.passkey;
  const statement = await stated({ state: world.state, by }, { kind: "automation-key.add", body });
  return { world, state: await applied(world.state, statement), statements: [...world.statements, statement] };
}

async function start(town: Town, lies: Lies = {}): Promise<void> {
  edge = await startScriptedEdge(town, lies);
  const file = JSON.parse(readFileSync(keyFile, "utf8")) as Record<string, unknown>;
  writeFileSync(keyFile, JSON.stringify({ ...file, edge: edge.url }));
}

function command(...more: readonly string[]): Promise<Ran> {
  return run(["run", "--key", keyFile, "--wait", "1", ...more]);
}
const CHECK = ["host.check", "--host", "host"] as const;

describe("making a key", () => {
  it("leaves a file of one's own, and says what an administrator needs", async () => {
    expect(statSync(keyFile).mode & 0o777).toBe(0o600);
    expect(made.words).toEqual(automationKeyWords({ publicKey: made.publicKey, workspace: world.workspace }));
    const again = await run([
      "run",
      "--make-key",
      keyFile,
      "--edge",
      "https://e.example",
      "--label",
      "x",
      `--workspace=${world.workspace}`,
    ]);
    expect(again.exit).not.toBe(0);
    expect(JSON.stringify(again)).not.toContain((JSON.parse(readFileSync(keyFile, "utf8")) as { seed: string }).seed);
  });

  it("asks for what it needs", async () => {
    const { exit, err } = await run([
      "run",
      "--make-key",
      join(directory, "b"),
      "--label",
      "x",
      "--edge",
      "https://e.example",
    ]);
    expect({ exit, err }).toEqual({
      exit: 2,
      err: ["--workspace is missing: the workspace's id; clawhold status shows it."],
    });
  });
});

describe("a granted key", () => {
  it("commands, and waits for the host's signed receipt", async () => {
    await start(await grantedTown());
    const ran = await command(...CHECK, "--json");
    const said = JSON.parse(ran.out[0] ?? "") as { ok: boolean; hosts: { verdict: string }[]; intent: string };
    expect({ exit: ran.exit, ok: said.ok, verdicts: said.hosts.map(({ verdict }) => verdict) }).toEqual({
      exit: 0,
      ok: true,
      verdicts: ["executed"],
    });
    expect(edge?.accepted).toEqual([said.intent]);
  });

  it("is read from standard input", async () => {
    await start(await grantedTown());
    const text = utf8(readFileSync(keyFile, "utf8"));
    const ran = await run(["run", "--key", "-", ...CHECK], { readInput: () => Promise.resolve(text) });
    expect(ran).toMatchObject({ exit: 0, out: ["host: executed, receipt 1."] });
  });

  it("passes arguments within its limits, and is refused outside them", async () => {
    await start(await grantedTown());
    expect((await command("host.drill", "--host", "host", "--arg", "scenario=lost-device")).exit).toBe(0);
    const outside = await command("host.drill", "--host", "host", "--arg", "scenario=second-person");
    expect(outside).toMatchObject({ exit: 4, err: ["Refused: automation_limit."] });
    const never = await command("host.drill", "--host", "host", "--arg", "scenario=never");
    expect(never.exit).toBe(2);
    expect(JSON.stringify(never)).toContain("--arg scenario=<one of: lost-device, edge-taken-over, second-person>");
    const none = await command("host.check", "--host", "host", "--arg", "x=1");
    expect(JSON.stringify(none)).toContain("It takes none");
  });

  it("corrects its clock by the edge's", async () => {
    await start(await grantedTown(), { ahead: 7_200 });
    expect((await command(...CHECK)).exit).toBe(0);
  });

  it.each([
    ["failed", 1],
    ["refused", 4],
  ] as const)("ends with its own code when a host %s", async (verdict, exit) => {
    await start(await grantedTown(), { verdict });
    expect((await command(...CHECK)).exit).toBe(exit);
  });

  it("says that a host has not answered", async () => {
    await start(await grantedTown(), { neverAnswers: true });
    const { exit, out } = await command(...CHECK);
    expect(exit).toBe(3);
    expect(out[0]).toContain("host has not answered yet");
  });
});

describe("what it refuses before anything is signed", () => {
  it("an operation that was not granted", async () => {
    await start(await grantedTown());
    const { exit, err } = await command("gateway.restart", "--host", "host");
    expect({ exit, err: err[0]?.slice(0, 85) }).toEqual({
      exit: 4,
      err: "This key may not do that: gateway.restart@1 is not among its operations. Grant a key ",
    });
    expect(edge?.accepted).toEqual([]);
  });

  it("a host outside its grant", async () => {
    await start(await grantedTown({ hosts: [], labels: ["prod-*"] }));
    expect((await command(...CHECK)).err[0]).toContain("it was not granted for host");
  });

  it("a host that is not there", async () => {
    await start(await grantedTown());
    expect(await command("host.check", "--host", "vps-9")).toMatchObject({ exit: 2 });
  });

  it("a file that others can read", async () => {
    await start(await grantedTown());
    const { chmodSync } = await import("node:fs");
    chmodSync(keyFile, 0o644);
    const { exit, err } = await command(...CHECK);
    expect(exit).toBe(4);
    expect(err[0]).toContain("other users may open it");
  });
});

describe("an edge that lies", () => {
  it("about the workspace", async () => {
    const other = await makeRoot((draft) => void (draft.root["at"] = NOW - 999));
    await start(await grantedTown(), { root: other.signed });
    const { exit, err } = await command(...CHECK);
    expect(exit).toBe(4);
    expect(err[0]).toContain("its first statement is not the workspace of the key file");
  });

  it("in the name of a host", async () => {
    await start(await grantedTown(), { hostSigner: await signerOf("stranger") });
    const { exit, err } = await command(...CHECK);
    expect(exit).toBe(4);
    expect(err[0]).toContain("host answers with another one, or somebody answers for it");
    expect(edge?.accepted).toEqual([]);
  });

  it("with the receipt of another command", async () => {
    await start(await grantedTown(), { receiptIntent: nonceOf("another") });
    expect((await command(...CHECK)).err[0]).toContain("the receipt is not one of host for this command");
  });
});
