/** A reset: whatever step a crash comes at, the host obeys nobody, and whoever finishes it does the rest. */
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { finishReset, markReset, type LastWords } from "../../../agent/host/reset.ts";
import { openHostState, requireJoined, standingReset, type HostState } from "../../../agent/host/state.ts";
import { Journal } from "../../../agent/host/warden/journal.ts";
import { makeReceipt } from "../../../agent/host/warden/receipts.ts";
import { TrustStore } from "../../../agent/host/warden/trust-store.ts";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { digestOf, verifySignature } from "../../../protocol/signing.ts";
import { farewellCodec } from "../../../protocol/tunnel.ts";
import { nonceOf, seedOf, signerOf } from "../../fixtures/keys.ts";
import { NOW, type World } from "../../fixtures/workspace.ts";
import { theWorld } from "./warden/rig.ts";

let world: World;
let directory: string;
let state: HostState;
beforeAll(async () => {
  world = await theWorld();
});
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-reset-"));
  state = await joined("host");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const PEM = { key: "-----BEGIN PRIVATE KEY-----\n", certificate: "-----BEGIN CERTIFICATE-----\n" };

/** A host that has run one command, which the edge has not confirmed. */
async function joined(name: string): Promise<HostState> {
  const made = openHostState(join(directory, name));
  const keys = { v: 1, hostSeed: toBase64url(seedOf("host")), cosignSeed: toBase64url(seedOf("host cosign")) };
  writeFileSync(made.files.keys, JSON.stringify(keys), { mode: 0o600 });
  const { workspace, host } = world;
  made.saveHost({
    v: 1,
    edge: "wss://127.0.0.1:1",
    workspace,
    host,
    label: "x",
    colocated: false,
    gateway: { kind: "none" },
  });
  made.saveTls({ v: 1, ...PEM });
  const trust = await TrustStore.open({ path: made.files.trust, pin: { workspace } });
  await trust.accept({ root: world.root, statements: [...world.statements] });
  trust.close();
  const journal = Journal.open({ path: made.files.journal, now: NOW });
  journal.started({ intent: nonceOf("intent"), operation: "host.check@1", at: NOW });
  journal.ended(
    await makeReceipt(
      { intent: nonceOf("intent"), verdict: "executed", started: NOW, ended: NOW, observed: {} },
      journal.position,
      { workspace, host, trustHead: world.state.head, signer: await signerOf("host") },
    ),
  );
  journal.close();
  writeFileSync(made.files.denyList, "exec.*\n", { mode: 0o600 });
  return made;
}

const told: LastWords[] = [];
const finish = (of = state, isTold = true) =>
  finishReset(of, {
    now: NOW,
    log: () => undefined,
    tell: (words) => {
      told.push(words);
      return Promise.resolve(isTold);
    },
  });
beforeEach(() => {
  told.length = 0;
});
const gone = (of: HostState): readonly string[] =>
  [of.files.keys, of.files.trust, of.files.host, of.files.tls, of.files.journal].filter((path) => existsSync(path));
const refused = expect.objectContaining({ code: "host_reset" });

describe("a reset", () => {
  it("keeps what the host saw of the log as evidence, and the next host begins without it", async () => {
    const seen = JSON.stringify({ v: 1, provenTo: 7, conflicts: [] });
    writeFileSync(state.files.witness, seen, { mode: 0o600 });
    markReset(state, world.workspace, NOW + 5);
    await finish();
    expect(existsSync(state.files.witness)).toBe(false);
    expect(readFileSync(join(dirname(state.files.witness), `witness-${world.host}.json`), "utf8")).toBe(seen);
  });

  it("deletes pin, trust log and keys, and keeps the journal with a signed last line", async () => {
    markReset(state, world.workspace, NOW + 5);
    const done = await finish();
    expect(done).toEqual({
      v: 1,
      host: world.host,
      workspace: world.workspace,
      at: NOW + 5,
      isTold: true,
      isDone: true,
    });
    expect(gone(state)).toEqual([]);
    expect(existsSync(state.files.denyList)).toBe(true);
    const kept = Journal.open({ path: join(dirname(state.files.journal), `journal-${world.host}.jsonl`), now: NOW });
    const { farewell } = kept;
    if (farewell === undefined) throw new TypeError("no farewell");
    const body = fromBase64url(farewell.body);
    expect(farewellCodec.decode(body)).toEqual({
      v: 1,
      workspace: world.workspace,
      host: world.host,
      lastReceipt: { number: 1, digest: kept.position.hash },
      at: NOW + 5,
    });
    const { signature } = farewell;
    const publicKey = world.hostBody.hostKey;
    expect(await verifySignature({ kind: "farewell", body, signature, publicKey })).toBe(true);
    expect(() => kept.started({ intent: nonceOf("more"), operation: "host.check@1", at: NOW })).toThrow(TypeError);
    kept.close();
  });

  it("tells the edge the last receipts and the last word, once", async () => {
    markReset(state, world.workspace, NOW);
    await finish();
    expect(told).toHaveLength(1);
    expect(told[0]?.receipts.map(({ receipt }) => receipt.number)).toEqual([1]);
    await finish();
    expect(told).toHaveLength(1);
  });

  it("is refused everywhere from its first step on", async () => {
    markReset(state, world.workspace, NOW);
    expect(() => requireJoined(state)).toThrow(refused);
    await finish();
    expect(() => requireJoined(state)).toThrow(refused);
    expect(standingReset(state)).toBeDefined();
  });

  it("is over when the machine has joined as another host", async () => {
    markReset(state, world.workspace, NOW);
    await finish();
    const { workspace } = world;
    state.saveTls({ v: 1, ...PEM });
    state.saveHost({
      v: 1,
      edge: "wss://127.0.0.1:1",
      workspace,
      host: "h-new",
      label: "x",
      colocated: false,
      gateway: { kind: "none" },
    });
    expect(standingReset(state)).toBeUndefined();
    expect(requireJoined(state).host.host).toBe("h-new");
  });

  it("works when everything is damaged: that is what it is for", async () => {
    for (const path of [state.files.keys, state.files.host, state.files.journal, state.files.trust])
      writeFileSync(path, "garbage\n");
    markReset(state, world.workspace, NOW);
    expect(await finish()).toMatchObject({ isTold: false, isDone: true });
    expect(told).toEqual([]);
    expect(gone(state)).toEqual([]);
  });

  it("says nothing in the name of a key that is not the old one", async () => {
    markReset(state, world.workspace, NOW);
    const keys = { v: 1, hostSeed: toBase64url(seedOf("new")), cosignSeed: toBase64url(seedOf("new cosign")) };
    writeFileSync(state.files.keys, JSON.stringify(keys), { mode: 0o600 });
    expect(await finish()).toMatchObject({ host: world.host, isTold: false, isDone: true });
    expect(told).toEqual([]);
    expect(gone(state)).toEqual([]);
  });

  it("goes on without the last word when only the journal is damaged", async () => {
    writeFileSync(state.files.journal, "garbage\n");
    markReset(state, world.workspace, NOW);
    expect(await finish()).toMatchObject({ host: world.host, isTold: false, isDone: true });
    expect(gone(state)).toEqual([]);
  });
});

/** Every file as it stood after each change that the reset made to the disk. */
async function momentsOf(of: HostState): Promise<readonly string[]> {
  const moments: string[] = [];
  const snapshot = (): void => {
    const to = join(directory, `moment-${String(moments.length)}`);
    cpSync(of.path, to, { recursive: true });
    chmodSync(to, 0o700);
    moments.push(to);
  };
  snapshot();
  markReset(of, world.workspace, NOW);
  snapshot();
  await finishReset(of, {
    now: NOW,
    log: () => undefined,
    tell: () => {
      snapshot();
      return Promise.resolve(true);
    },
  });
  return moments;
}

describe("a crash in the middle of it", () => {
  /** The steps after the last word, in their order, each as the removal of one name. */
  const REMOVED = ["warden/trust.jsonl", "status.json", "link/tls.json", "host.json", "warden/keys.json"];

  it("before the mark: nothing has happened", async () => {
    const [before = ""] = await momentsOf(state);
    expect(requireJoined(openHostState(before)).host.host).toBe(world.host);
  });

  it("after the mark, and after the last word: nobody is obeyed, and it can be finished", async () => {
    const [, ...moments] = await momentsOf(state);
    expect(moments).toHaveLength(2);
    for (const moment of moments) {
      const left = openHostState(moment);
      expect(() => requireJoined(left)).toThrow(refused);
      expect(await finish(left)).toMatchObject({ isTold: true, isDone: true });
      expect(gone(left)).toEqual([]);
      expect(farewellsIn(left)).toBe(1);
    }
  });

  it.each(REMOVED.map((_, i) => i + 1))("after %i of the deletions", async (count) => {
    const moments = await momentsOf(state);
    const left = openHostState(moments.at(-1) ?? "");
    const own = join(dirname(left.files.journal), `journal-${world.host}.jsonl`);
    cpSync(left.files.journal, own);
    rmSync(left.files.journal);
    for (const name of REMOVED.slice(0, count)) rmSync(join(left.path, name), { force: true });
    expect(() => requireJoined(left)).toThrow(refused);
    expect(await finish(left)).toMatchObject({ isDone: true });
    expect(gone(left)).toEqual([]);
    expect(farewellsIn(left)).toBe(1);
  });
});

function farewellsIn({ files }: HostState): number {
  const names = readdirSync(dirname(files.journal)).filter((name) => name.startsWith("journal"));
  expect(names).toEqual([`journal-${world.host}.jsonl`]);
  const text = readFileSync(join(dirname(files.journal), names[0] ?? ""), "utf8");
  return text.split("\n").filter((line) => line.includes('"kind":"farewell"')).length;
}

describe("a journal with a last word", () => {
  it("is damaged when something follows it, or when it names another last receipt", async () => {
    const signer = await signerOf("host");
    const say = async (lastReceipt: { number: number; digest: string }): Promise<string> => {
      const body = farewellCodec.encode({ v: 1, workspace: world.workspace, host: world.host, lastReceipt, at: NOW });
      const signed = { body: toBase64url(body), signature: await signer.sign("farewell", body) };
      return `{"kind":"farewell","signed":{"body":"${signed.body}","signature":"${signed.signature}"}}\n`;
    };
    const lines = readFileSync(state.files.journal, "utf8");
    const whole = Journal.open({ path: state.files.journal, now: NOW });
    const last = { number: whole.position.number, digest: whole.position.hash };
    whole.close();
    const damaged = expect.objectContaining({ code: "journal_damaged" });
    const open = (text: string): void => {
      writeFileSync(state.files.journal, text);
      Journal.open({ path: state.files.journal, now: NOW }).close();
    };
    expect(() => open(lines)).not.toThrow();
    const farewell = await say(last);
    open(`${lines}${farewell}`);
    expect(() => open(`${lines}${farewell}{"kind":"acked","number":1}\n`)).toThrow(damaged);
    const wrong = await say({ ...last, digest: digestOf("receipt", new Uint8Array()) });
    expect(() => open(`${lines}${wrong}`)).toThrow(damaged);
    const early = await say({ ...last, number: 0 });
    expect(() => open(`${lines}${early}`)).toThrow(damaged);
  });
});
