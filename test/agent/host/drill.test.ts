/**
 * The drill for a lost workspace or a host that nobody trusts any more: reset, join anew, be admitted anew. Commands work
 * again; nothing made for the old key does. Real agent, real files, real TLS; the edge is played.
 */
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runAgent, type Agent, type AgentEvent, type RunDeps } from "../../../agent/host/run.ts";
import { hexFingerprint } from "../../../agent/host/link/edge-authority.ts";
import { openHostState, type HostState } from "../../../agent/host/state.ts";
import { readHostKeys } from "../../../agent/host/warden/keys.ts";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { assertedCodec, preparedCodec, receiptCodec, type Prepared, type Receipt } from "../../../protocol/messages.ts";
import { verifySignature } from "../../../protocol/signing.ts";
import { farewellCodec, type Farewell, type OutwardFrame } from "../../../protocol/tunnel.ts";
import { draftCommand, sealCommand, signedPrepare, type SealedCommand } from "../../fixtures/command.ts";
import { nonceOf, seedOf } from "../../fixtures/keys.ts";
import { applied, stated, type World } from "../../fixtures/workspace.ts";
import { run as runCommand } from "../cli/terminal.ts";
import { greet, startScriptedEdge, type Connection, type ScriptedEdge } from "./link/scripted-edge.ts";
import { theWorld, until } from "./warden/rig.ts";

let world: World;
let edge: ScriptedEdge;
let data: string;
let state: HostState;
let agents: Agent[];
let said: AgentEvent[];
let count = 0;

beforeAll(async () => {
  world = await theWorld();
});
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "clawhold-drill-"));
  writeFileSync(join(data, "version"), "1\n", { mode: 0o600 });
  state = openHostState(join(data, "host"));
  edge = await startScriptedEdge();
  agents = [];
  said = [];
  const keys = { v: 1, hostSeed: toBase64url(seedOf("host")), cosignSeed: toBase64url(seedOf("host cosign")) };
  writeFileSync(state.files.keys, JSON.stringify(keys), { mode: 0o600 });
  const { workspace, host } = world;
  state.saveHost({ v: 1, edge: edge.url, workspace, host, label: "x", colocated: false, gateway: { kind: "none" } });
  state.saveTls(edge.tls);
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await edge.stop();
  rmSync(data, { recursive: true, force: true });
});

async function start(): Promise<Agent> {
  const deps: RunDeps = {
    agentVersion: "0.0.0",
    pid: process.pid,
    ownUid: process.getuid?.() ?? 0,
    environment: {},
    homeDirectory: data,
    clock: { wall: () => NOW_MILLISECONDS + performance.now(), monotonic: () => performance.now() },
    random: () => 0,
    nonce: () => nonceOf(`drill ${String((count += 1))}`),
    wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    log: () => undefined,
    say: (event) => said.push(event),
  };
  const agent = await runAgent(state, deps);
  agents.push(agent);
  return agent;
}
const NOW_MILLISECONDS = 1_800_000_000_000;

interface Place {
  readonly world: World;
  readonly fingerprint: string;
}

async function connected({ world: of, fingerprint }: Place): Promise<Connection> {
  const connection = await edge.next();
  await greet(connection, { world: of, fingerprint });
  await connection.frame("trust-ack");
  return connection;
}

/** A command that the person has approved and nobody has delivered yet. */
async function approved(connection: Connection, { world: of, fingerprint }: Place): Promise<SealedCommand> {
  const session = await sealCommand(of, draftCommand(of));
  const operation = "host.check@1";
  const prepare = await signedPrepare(of, session.session, { operation, jti: nonceOf(`jti ${String((count += 1))}`) });
  const certificate = toBase64url(assertedCodec.encode(session.submission.session));
  const prepared = await answerTo(connection, "prepared", () =>
    connection.send({ kind: "prepare", prepare, session: certificate }),
  );
  const { challenge, now, trustHead }: Prepared = preparedCodec.decode(fromBase64url(prepared.signed.body));
  const draft = draftCommand(of);
  draft.intent = { ...draft.intent, operation, trustHead, id: nonceOf(`intent ${String((count += 1))}`) };
  draft.target = { ...draft.target, challenge, iat: now, expect: {} };
  for (const touch of draft.approvals) touch.body = { ...touch.body, after: 0 };
  draft.dispatch.body = { ...draft.dispatch.body, certFingerprint: fingerprint };
  return sealCommand(of, draft);
}

async function answerTo<K extends OutwardFrame["kind"]>(
  { frames }: Connection,
  kind: K,
  ask: () => void,
): Promise<Extract<OutwardFrame, { kind: K }>> {
  const before = frames.length;
  ask();
  const isAnswer = (frame: OutwardFrame): frame is Extract<OutwardFrame, { kind: K }> => frame.kind === kind;
  await until(() => frames.slice(before).some(isAnswer));
  return frames.slice(before).find(isAnswer) ?? expect.unreachable();
}

async function deliver(connection: Connection, { bytes }: SealedCommand): Promise<Receipt> {
  const { signed } = await answerTo(connection, "receipt", () =>
    connection.send({ kind: "deliver", number: (count += 1), envelope: toBase64url(bytes) }),
  );
  return receiptCodec.decode(fromBase64url(signed.body));
}

/** The edge's side of the last word: a connection of the old key, while the agent is ending. */
async function hearFarewell(isAnswered = true): Promise<Farewell> {
  const connection = await edge.next();
  await greet(connection, { world, fingerprint: edge.fingerprint });
  const { signed } = await connection.frame("farewell");
  const body = fromBase64url(signed.body);
  const { signature } = signed;
  const publicKey = world.hostBody.hostKey;
  expect(await verifySignature({ kind: "farewell", body, signature, publicKey })).toBe(true);
  const farewell = farewellCodec.decode(body);
  if (isAnswered) connection.send({ kind: "ack", receipt: farewell.lastReceipt.number + 1 });
  return farewell;
}

function joinFile(): Uint8Array {
  return encodeCanonical({
    v: 1,
    edge: edge.url,
    workspace: world.workspace,
    token: nonceOf("token"),
    edgeCa: hexFingerprint(new X509Certificate(edge.authority.certificate)),
  });
}
const reset = (...words: string[]) => runCommand(["trust", "reset", "--data", data, ...words]);
const rejoin = (change: Parameters<typeof runCommand>[1] = {}, ...words: string[]) =>
  runCommand(["join", "--data", data, "--gateway", "none", "--label", "x", ...words], {
    readInput: () => Promise.resolve(joinFile()),
    ...change,
  });

/** The world after an administrator has admitted the new key of this machine. */
async function admitted(): Promise<Place> {
  const keys = readHostKeys(state.files.keys);
  if (keys === undefined) throw new TypeError("no keys");
  const hostBody = {
    host: keys.host,
    hostKey: keys.hostKey.publicKey,
    cosignKey: keys.cosignKey.publicKey,
    label: "x again",
    colocated: false,
  };
  const admission = await stated(
    { state: world.state, by: world.people.ada.passkey },
    { kind: "host.admit", body: hostBody },
  );
  const after = await applied(world.state, admission);
  const fingerprint = edge.joined.at(-1)?.fingerprint ?? "";
  return {
    fingerprint,
    world: { ...world, statements: [...world.statements, admission], state: after, host: keys.host, hostBody },
  };
}

describe("the drill", () => {
  it("while the agent runs: reset, join, admission; new commands work, old ones do not", async () => {
    const old: Place = { world, fingerprint: edge.fingerprint };
    const agent = await start();
    const before = await connected(old);
    expect((await deliver(before, await approved(before, old))).verdict).toBe("executed");
    const kept = await approved(before, old);

    const farewell = hearFarewell();
    const ended = expect(agent.failed)
      .rejects.toMatchObject({ code: "host_reset" })
      .then(() => agent.stop());
    const done = await reset(`--workspace=${world.workspace}`);
    await ended;
    expect(done.err).toEqual([]);
    expect(done.exit).toBe(0);
    expect(done.out.join("\n")).toContain("The edge has recorded it");
    expect(await farewell).toMatchObject({ host: world.host, lastReceipt: { number: 1 } });
    await expect(start()).rejects.toMatchObject({ code: "host_reset" });

    const asked: string[] = [];
    const joined = await rejoin({
      ask: (question) => {
        asked.push(question);
        return Promise.resolve(` ${world.workspace} `);
      },
    });
    expect(joined.exit, joined.err.join("\n")).toBe(0);
    expect(asked).toEqual(["Workspace id: "]);
    const fresh = await admitted();
    expect(fresh.world.host).not.toBe(world.host);

    said.length = 0;
    await start();
    const after = await connected(fresh);
    expect(said.map((event) => event.event)).toContain("admitted");
    const { code } = await answerTo(after, "refused", () =>
      after.send({ kind: "deliver", number: (count += 1), envelope: toBase64url(kept.bytes) }),
    );
    expect(code).toBe("target");
    expect(await deliver(after, await approved(after, fresh))).toMatchObject({ verdict: "executed", number: 1 });
  });

  it("while no agent runs", async () => {
    const farewell = hearFarewell();
    const done = await reset(`--workspace=${world.workspace}`);
    expect(done.exit).toBe(0);
    // No command ever ran here, and the edge hears of it all the same.
    expect(await farewell).toMatchObject({ host: world.host, lastReceipt: { number: 0 } });
    expect(done.out.join("\n")).toContain("The edge has recorded it");
    expect(existsSync(state.files.keys)).toBe(false);
  });
});

describe("a reset", () => {
  it("is not begun by another id, by none, or without anybody to ask", async () => {
    for (const words of [[`--workspace=${nonceOf("other")}`], ["--workspace=x"]]) {
      expect(await reset(...words)).toMatchObject({ exit: 4 });
    }
    expect(await reset()).toMatchObject({ exit: 2 });
    const typed = await runCommand(["trust", "reset", "--data", data], { ask: () => Promise.resolve("yes") });
    expect(typed.exit).toBe(4);
    expect(typed.err.join("\n")).toContain("will forget whom it obeys");
    expect(existsSync(state.files.keys)).toBe(true);
    expect(state.reset()).toBeUndefined();
  });

  it("is refused to another user, who is told which one", async () => {
    const { exit, err } = await runCommand(["trust", "reset", "--data", data, `--workspace=${world.workspace}`], {
      uid: 4_242,
    });
    expect(exit).toBe(4);
    expect(err[0]).toMatch(/belongs to the user with uid \d+/);
    expect(existsSync(state.files.keys)).toBe(true);
  });

  it("says when the edge could not be told, and is done all the same", async () => {
    await edge.stop();
    const done = await reset(`--workspace=${world.workspace}`, "--json");
    expect(done.exit).toBe(0);
    expect(JSON.parse(done.out.at(-1) ?? "")).toMatchObject({ event: "reset", host: world.host, told: false });
    const again = await reset(`--workspace=${world.workspace}`);
    expect(again.exit).toBe(3);
    expect(again.err[0]).toContain("This host was reset and obeys nobody");
  });

  it("that was cut short is finished by typing it again, without a question", async () => {
    state.saveReset({ v: 1, host: world.host, workspace: world.workspace, at: 1, isTold: false, isDone: false });
    await edge.stop();
    const refused = await rejoin({}, `--workspace=${world.workspace}`);
    expect(refused.exit).toBe(3);
    expect(refused.err[0]).toContain("Finish it: clawhold trust reset");
    expect((await reset()).exit).toBe(0);
    expect(state.reset()?.isDone).toBe(true);
  });

  it("that was cut short is finished by the next agent too", async () => {
    state.saveReset({ v: 1, host: world.host, workspace: world.workspace, at: 1, isTold: false, isDone: false });
    await edge.stop();
    await expect(start()).rejects.toMatchObject({ code: "host_reset" });
    expect(existsSync(state.files.keys)).toBe(false);
    expect(state.reset()?.isDone).toBe(true);
  });

  it("keeps the journal of the old key", async () => {
    await edge.stop();
    const agent = await start();
    await agent.stop();
    await reset(`--workspace=${world.workspace}`);
    const kept = join(dirname(state.files.journal), `journal-${world.host}.jsonl`);
    expect(readFileSync(kept, "utf8")).toContain('"kind":"farewell"');
  });
});

describe("joining after a reset", () => {
  beforeEach(async () => {
    state.saveReset({ v: 1, host: world.host, workspace: world.workspace, at: 1, isTold: true, isDone: false });
    await reset();
  });

  it("needs the id from a person, not only from the file", async () => {
    const silent = await rejoin();
    expect(silent.exit).toBe(4);
    expect(silent.err[0]).toContain("a person types here");
    const wrong = await rejoin({}, `--workspace=${nonceOf("other")}`);
    expect(wrong.exit).toBe(4);
    expect(wrong.err[0]).toContain("another workspace than the one you typed");
    expect(edge.joined).toEqual([]);
    expect((await rejoin({}, `--workspace=${world.workspace}`)).exit).toBe(0);
    expect(state.reset()).toBeUndefined();
  });

  it("makes new keys", async () => {
    await rejoin({}, `--workspace=${world.workspace}`);
    expect(edge.joined).toHaveLength(1);
    expect(edge.joined[0]?.join.hostKey).not.toBe(world.hostBody.hostKey);
  });
});
