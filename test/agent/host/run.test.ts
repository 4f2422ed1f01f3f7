import "reflect-metadata";
import { appendFileSync, chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { askAtDoor } from "../../../agent/host/door.ts";
import { runAgent, type Agent, type AgentEvent, type RunDeps } from "../../../agent/host/run.ts";
import { openHostState, type HostState } from "../../../agent/host/state.ts";
import { readStatus } from "../../../agent/host/status-file.ts";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { hostWords } from "../../../protocol/words.ts";
import { nonceOf, seedOf } from "../../fixtures/keys.ts";
import { applied, stated, type World } from "../../fixtures/workspace.ts";
import { greet, startScriptedEdge, type ScriptedEdge } from "./link/scripted-edge.ts";
import { theWorld, until, worldOfForeignKey } from "./warden/rig.ts";

let world: World;
let edge: ScriptedEdge;
let directory: string;
let state: HostState;
let said: AgentEvent[];
let agents: Agent[];
let count = 0;

beforeAll(async () => {
  world = await theWorld();
});
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-run-"));
  state = openHostState(directory);
  edge = await startScriptedEdge();
  said = [];
  agents = [];
  writeKeys("host");
  state.saveHost({
    v: 1,
    edge: edge.url,
    workspace: world.workspace,
    host: world.host,
    label: "x",
    colocated: true,
    gateway: { kind: "none" },
  });
  state.saveTls(edge.tls);
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await edge.stop();
  rmSync(directory, { recursive: true, force: true });
});

function writeKeys(name: string): void {
  const keys = { v: 1, hostSeed: toBase64url(seedOf(name)), cosignSeed: toBase64url(seedOf(`${name} cosign`)) };
  writeFileSync(state.files.keys, JSON.stringify(keys), { mode: 0o600 });
}

async function run(): Promise<Agent> {
  const deps: RunDeps = {
    agentVersion: "0.0.0",
    pid: process.pid,
    ownUid: process.getuid?.() ?? 0,
    environment: {},
    homeDirectory: directory,
    clock: { wall: () => Date.now(), monotonic: () => performance.now() },
    random: () => 0,
    nonce: () => nonceOf(`run ${String((count += 1))}`),
    wait: () => new Promise((resolve) => setImmediate(resolve)),
    log: () => undefined,
    say: (event) => said.push(event),
  };
  const agent = await runAgent(state, deps);
  agents.push(agent);
  return agent;
}

describe("a joined host", () => {
  it("says its words until it is admitted, and writes down where it stands", async () => {
    await run();
    expect(said.map((event) => event.event)).toEqual(["started", "words"]);
    expect(said[1]).toEqual({
      event: "words",
      words: hostWords({ hostKey: world.hostBody.hostKey, workspace: world.workspace }),
    });
    await greet(await edge.next(), { world, fingerprint: edge.fingerprint });
    await until(() => said.some((event) => event.event === "tunnel"));
    expect(said.map((event) => event.event)).toEqual(["started", "words", "admitted", "tunnel"]);
    expect(readStatus(state.files.status)).toMatchObject({
      tunnel: "connected",
      admitted: true,
      trust: { n: world.state.head.n },
      gateway: "none",
    });
  });

  it("says that it was admitted with a key that is not its own, and stays out of service", async () => {
    const foreign = await worldOfForeignKey();
    await run();
    await greet(await edge.next(), { world: foreign, fingerprint: edge.fingerprint });
    await until(() => said.some((event) => event.event === "tunnel"));
    expect(said.map((event) => event.event)).toEqual(["started", "words", "foreign-key", "tunnel"]);
    expect(readStatus(state.files.status)).toMatchObject({ admitted: false, foreignKey: true });
  });

  it("says when two histories are claimed, again at its next start, and when that is over", async () => {
    const first = await run();
    const connection = await edge.next();
    await greet(connection, { world, fingerprint: edge.fingerprint });
    const by = world.people.ada.passkey;
    const sibling = (roles: string[]) =>
      stated({ state: world.state, by }, { kind: "role.assign", body: { person: "p-nora", roles } });
    const [mine, theirs] = [await sibling([]), await sibling(["operator"])];
    connection.send({ kind: "trust", page: { statements: [mine, theirs] } });
    await until(() => said.some((event) => event.event === "frozen"));
    expect(readStatus(state.files.status)).toMatchObject({ frozen: true, trust: { n: world.state.head.n + 1 } });
    await first.stop();
    said.length = 0;
    await run();
    expect(said.map((event) => event.event)).toEqual(["started", "admitted", "frozen"]);
    const again = await edge.next();
    await greet(again, { world, fingerprint: edge.fingerprint });
    const digest = ({ statement }: { statement: string }) => digestOf("statement", fromBase64url(statement));
    const kept = await applied(world.state, mine);
    const resolving = await stated(
      { state: kept, by },
      { kind: "fork.resolve", body: { keep: digest(mine), drop: digest(theirs) } },
    );
    again.send({ kind: "trust", page: { statements: [resolving] } });
    await until(() => said.some((event) => event.event === "thawed"));
    expect(readStatus(state.files.status)?.frozen).toBeUndefined();
  });

  it("knows at its next start that it was admitted", async () => {
    const first = await run();
    await greet(await edge.next(), { world, fingerprint: edge.fingerprint });
    await until(() => said.some((event) => event.event === "admitted"));
    await first.stop();
    said.length = 0;
    await run();
    expect(said.map((event) => event.event)).toEqual(["started", "admitted"]);
  });

  it("explains once why there is no tunnel", async () => {
    edge.problem = { status: 403, code: "host_removed" };
    await run();
    await until(() => said.some((event) => event.event === "tunnel"));
    expect(said.at(-1)).toMatchObject({ event: "tunnel", state: "waiting", code: "host_removed" });
    expect(readStatus(state.files.status)).toMatchObject({ tunnel: "waiting", problem: { code: "host_removed" } });
  });

  it("runs once in a directory", async () => {
    const first = await run();
    await expect(run()).rejects.toMatchObject({ code: "locked" });
    await first.stop();
    await run();
  });
});

describe("the door of a running agent", () => {
  it("takes no reset for another workspace", async () => {
    await run();
    const answers = await askAtDoor(state.files.door, [{ kind: "reset", workspace: nonceOf("another workspace") }]);
    expect(answers).toEqual([{ kind: "refused", code: "workspace" }]);
    expect(state.reset()).toBeUndefined();
  });

  it("is closed when the agent has ended", async () => {
    const agent = await run();
    await agent.stop();
    expect(await askAtDoor(state.files.door, [{ kind: "trust", page: { statements: [] } }])).toBeUndefined();
  });
});

describe("it does not start", () => {
  it("before it joined", async () => {
    rmSync(state.files.tls);
    await expect(run()).rejects.toMatchObject({ code: "not_joined" });
  });

  it("with other keys than those it joined with", async () => {
    writeKeys("another host");
    await expect(run()).rejects.toMatchObject({ code: "state_damaged" });
    rmSync(state.files.keys);
    await expect(run()).rejects.toMatchObject({ code: "state_damaged" });
  });

  it("with a deny list that others can write, a damaged journal, a damaged trust log", async () => {
    writeFileSync(state.files.denyList, "host.check@1\n", { mode: 0o600 });
    chmodSync(state.files.denyList, 0o666);
    await expect(run()).rejects.toMatchObject({ code: "deny_list" });
    rmSync(state.files.denyList);
    writeFileSync(state.files.journal, "garbage\n", { mode: 0o600 });
    await expect(run()).rejects.toMatchObject({ code: "journal_damaged" });
    rmSync(state.files.journal);
    appendFileSync(state.files.trust, "{}\n", { mode: 0o600 });
    await expect(run()).rejects.toMatchObject({ code: "trust_damaged" });
  });

  it("and leaves the lock free when it did not", async () => {
    writeFileSync(state.files.journal, "garbage\n", { mode: 0o600 });
    await expect(run()).rejects.toMatchObject({ code: "journal_damaged" });
    rmSync(state.files.journal);
    await run();
  });
});

describe("a directory that is open to others", () => {
  it("is an installed host's when they may only pass through, and its owner's deny list counts too", () => {
    expect(openHostState(directory).files.settingsDenyList).toBeUndefined();
    chmodSync(directory, 0o711);
    expect(openHostState(directory).files.settingsDenyList).toBe("/etc/clawhold/deny");
  });

  it.runIf(process.getuid?.() === 0)("of somebody else is nobody's to close", () => {
    chownSync(directory, 65_534, 65_534);
    expect(() => openHostState(directory)).toThrow(/belongs to another user/);
  });

  it("is refused", async () => {
    const { chmodSync } = await import("node:fs");
    chmodSync(directory, 0o750);
    expect(() => openHostState(directory)).toThrow(expect.objectContaining({ code: "state_exposed" }));
    chmodSync(directory, 0o700);
    chmodSync(state.files.host, 0o644);
    expect(() => state.host()).toThrow(expect.objectContaining({ code: "state_exposed" }));
  });
});
