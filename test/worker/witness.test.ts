/** The edge's side of witnessing: what it shows, what it proves, whose word it keeps, and what it tells of it. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { alertsOf } from "../../durable-objects/alert-client.ts";
import { CheckpointTable } from "../../durable-objects/db/checkpoint-table.ts";
import { hostOf } from "../../durable-objects/env.ts";
import { WITNESS_FRAMES_PER_MINUTE } from "../../durable-objects/host/witness-courier.ts";
import { WITNESS_ENTRIES_PER_HOUR } from "../../durable-objects/host/witness-words.ts";
import { fromBase64url, utf8Text } from "../../protocol/bytes.ts";
import {
  checkpointText,
  cosignedBy,
  entryLeaf,
  openCheckpoint,
  signCheckpoint,
  witnessName,
  type OpenedCheckpoint,
} from "../../protocol/checkpoint.ts";
import type { AlertKind, AlertRow } from "../../protocol/alerts.ts";
import { entryCodec, entryDigest } from "../../protocol/ledger.ts";
import { verifyConsistency, verifyInclusion } from "../../protocol/merkle.ts";
import { cosign, decodeNote, encodeNote, noteFromWire, noteToWire } from "../../protocol/note.ts";
import { digestOf } from "../../protocol/signing.ts";
import { HostPeer, type Tunnel } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { noteSignerOf } from "../fixtures/witnessed-log.ts";
import { edge, fresh, ledgerBodies, now } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
let peer: HostPeer;
let tunnel: Tunnel;
let names = 0;

beforeAll(async () => {
  town = await Town.at(edge);
});
beforeEach(async () => {
  names += 1;
  peer = await HostPeer.at(edge, `witness ${String(names)}`, town.workspace);
  await peer.join();
  await town.admit(peer);
  tunnel = await peer.open((await town.trust()).head);
});

const name = (): string => `witness ${String(names)} cosign`;
const table = (): CheckpointTable => new CheckpointTable(env.DB, town.workspace);
const ledger = () => env.LEDGER.getByName(town.workspace);

async function opened(wire: string): Promise<OpenedCheckpoint> {
  const { ledgerKey } = await town.trust();
  const checkpoint = await openCheckpoint(noteFromWire(wire), { workspace: town.workspace, ledgerKey });
  if (typeof checkpoint === "string") throw new Error(checkpoint);
  return checkpoint;
}

/** Lets the writer sign what is there, and gives what this host was shown of it. */
async function shown(): Promise<OpenedCheckpoint> {
  const signed = await ledger().checkpoint(town.workspace);
  if (!signed.ok) throw new Error(JSON.stringify(signed));
  for (;;) {
    const checkpoint = await opened((await tunnel.next("checkpoint")).note);
    if (checkpoint.size >= signed.size) return checkpoint;
  }
}

interface CosignKnobs {
  readonly key?: string;
  readonly name?: string;
  readonly text?: string;
}

async function cosignature({ note: { text } }: OpenedCheckpoint, knobs: CosignKnobs = {}): Promise<Fields> {
  const own = await cosign(
    { text: knobs.text ?? text, name: knobs.name ?? witnessName(town.workspace, peer.host), at: now() },
    await noteSignerOf(knobs.key ?? name()),
  );
  return { kind: "cosignature", note: noteToWire(encodeNote({ text: knobs.text ?? text, signatures: [own] })) };
}

async function witnessedSize(): Promise<number | undefined> {
  return (await table().witnesses()).find(({ host }) => host === peer.host)?.size;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Every frame before it was dealt with: this one is answered in order. */
async function answered(): Promise<void> {
  tunnel.say({ kind: "trust-want" });
  await tunnel.next("trust");
}

async function entries(action: string): Promise<readonly Fields[]> {
  return (await ledgerBodies(town.workspace)).filter(
    (entry) => entry["action"] === action && entry["target"] === peer.host,
  );
}

async function alert(kind: AlertKind): Promise<AlertRow | undefined> {
  const rows = await alertsOf(env, town.workspace).list(town.workspace);
  return rows.find((row) => row.kind === kind && row.host === peer.host);
}

describe("a checkpoint", () => {
  it("is shown when it is signed, and the newest when a host comes", async () => {
    const first = await shown();
    tunnel.socket.close(1000);
    await until(async () => (await entries("host.disconnected")).length === 1);
    tunnel = await peer.open((await town.trust()).head);
    const again = await opened((await tunnel.next("checkpoint")).note);
    expect(again.size).toBeGreaterThanOrEqual(first.size);
  });

  it("is shown by the alarm that follows an entry", async () => {
    await shown();
    tunnel.say(await peer.receipt(fresh()));
    await until(async () => (await entries("command.receipt")).length === 1);
    await runDurableObjectAlarm(ledger());
    const size = (await ledgerBodies(town.workspace)).length;
    await until(async () => (await opened((await tunnel.next("checkpoint")).note)).size === size);
  });

  it("is never older than what was shown before, also after an eviction", async () => {
    const older = await table().newest();
    const { size } = await shown();
    await evictDurableObject(hostOf(env, town.workspace, peer.host), { webSockets: "hibernate" });
    const before = tunnel.heard.length;
    if (older !== undefined) await hostOf(env, town.workspace, peer.host).showCheckpoint(older.note);
    await answered();
    const sizes = tunnel.heard.slice(before).filter(({ kind }) => kind === "checkpoint");
    expect(older?.size).toBeLessThan(size);
    expect(sizes).toEqual([]);
  });

  it("is nobody's business in quarantine", async () => {
    const stranger = await HostPeer.at(edge, fresh(), town.workspace);
    await stranger.join();
    const quarantined = await stranger.open((await town.trust()).head);
    await ledger().checkpoint(town.workspace);
    const newest = await table().newest();
    await hostOf(env, town.workspace, stranger.host).showCheckpoint(newest?.note ?? "");
    quarantined.say({ kind: "proof-want", from: 0, to: newest?.size ?? 0, receipts: [] });
    quarantined.say({ kind: "trust-want" });
    await quarantined.next("trust");
    expect(quarantined.heard.some(({ kind }) => kind === "checkpoint" || kind === "proof")).toBe(false);
  });
});

describe("a proof", () => {
  it("computes: consistency, and the host's own receipts", async () => {
    const first = await shown();
    const frame = await peer.receipt(fresh());
    tunnel.say(frame);
    await until(async () => (await entries("command.receipt")).length === 1);
    const second = await shown();
    tunnel.say({ kind: "proof-want", from: first.size, to: second.size, receipts: [1, 2] });
    const { consistency, receipts } = await tunnel.next("proof");
    const [one, ...others] = receipts;
    if (one === undefined) throw new Error("no receipt was proven");
    expect(others).toEqual([]);
    expect(
      verifyConsistency({
        from: first.size,
        to: second.size,
        fromRoot: first.root,
        toRoot: second.root,
        proof: consistency.map(fromBase64url),
      }),
    ).toBe(true);
    const bytes = fromBase64url(one.entry);
    const entry = entryCodec.decode(bytes);
    const body = fromBase64url((frame["signed"] as { body: string }).body);
    expect(entry).toMatchObject({ action: "command.receipt", target: peer.host });
    expect(entry.detail.receipt).toBe(digestOf("receipt", body));
    expect(
      verifyInclusion({
        index: entry.index - 1,
        size: second.size,
        leaf: entryLeaf(entryDigest(bytes)),
        proof: one.inclusion.map(fromBase64url),
        root: second.root,
      }),
    ).toBe(true);
  });

  it("leaves out what was not in the log at that size", async () => {
    const before = await shown();
    tunnel.say(await peer.receipt(fresh()));
    await until(async () => (await entries("command.receipt")).length === 1);
    tunnel.say({ kind: "proof-want", from: before.size, to: before.size, receipts: [1] });
    expect(await tunnel.next("proof")).toMatchObject({ consistency: [], receipts: [] });
  });

  it("is given only of what was signed, and the tunnel ends for nonsense", async () => {
    const { size } = await shown();
    tunnel.say(await peer.receipt(fresh()));
    await until(async () => (await entries("command.receipt")).length === 1);
    for (const to of [size + 1, size + 1_000]) tunnel.say({ kind: "proof-want", from: 0, to, receipts: [] });
    await answered();
    expect(tunnel.heard.some(({ kind }) => kind === "proof")).toBe(false);
    tunnel.say({ kind: "proof-want", from: size, to: size - 1, receipts: [] });
    expect(await tunnel.closed()).toBe(1008);
  });

  it("is given so often in a minute, and no more", async () => {
    const { size } = await shown();
    for (let i = 0; i < WITNESS_FRAMES_PER_MINUTE + 5; i += 1)
      tunnel.say({ kind: "proof-want", from: size, to: size, receipts: [] });
    await answered();
    await until(async () => tunnel.heard.filter(({ kind }) => kind === "proof").length >= WITNESS_FRAMES_PER_MINUTE);
    await answered();
    expect(tunnel.heard.filter(({ kind }) => kind === "proof")).toHaveLength(WITNESS_FRAMES_PER_MINUTE);
  });
});

describe("a cosignature", () => {
  it("is kept with the checkpoint, and appends nothing", async () => {
    const checkpoint = await shown();
    const before = (await ledgerBodies(town.workspace)).length;
    tunnel.say(await cosignature(checkpoint));
    await until(async () => (await witnessedSize()) === checkpoint.size);
    const kept = (await table().list(20)).find(({ size }) => size === checkpoint.size);
    const whole = await opened(noteToWire(kept?.note ?? ""));
    expect(await cosignedBy(whole, { host: peer.host, cosignKey: peer.cosign.publicKey })).toBeGreaterThan(0);
    expect((await ledgerBodies(town.workspace)).length).toBe(before);
  });

  it.each([
    ["of another key", () => ({ key: "stranger" })],
    ["of the host's other key", () => ({ key: `witness ${String(names)}` })],
    ["in another host's name", () => ({ name: witnessName(town.workspace, "h-other") })],
  ] as const)("%s ends the tunnel and is not kept", async (_, knobs) => {
    const checkpoint = await shown();
    tunnel.say(await cosignature(checkpoint, knobs()));
    expect(await tunnel.closed()).toBe(1008);
    expect(await witnessedSize()).toBeUndefined();
  });

  it("of another text or size is not kept", async () => {
    const checkpoint = await shown();
    const other = checkpointText({ ...checkpoint, root: entryLeaf(town.workspace) });
    const longer = checkpointText({ ...checkpoint, size: checkpoint.size + 1_000 });
    for (const text of [other, longer]) tunnel.say(await cosignature(checkpoint, { text }));
    await answered();
    expect(await witnessedSize()).toBeUndefined();
  });

  it("with a second line, or that is no note, ends the tunnel", async () => {
    const checkpoint = await shown();
    const { note } = (await cosignature(checkpoint)) as { note: string };
    const { text, signatures } = decodeNote(noteFromWire(note));
    tunnel.say({
      kind: "cosignature",
      note: noteToWire(encodeNote({ text, signatures: [...signatures, ...signatures] })),
    });
    expect(await tunnel.closed()).toBe(1008);
    expect(await witnessedSize()).toBeUndefined();
  });
});

/** From its last test on nothing is signed in this file's workspace. */
describe("what a host holds", () => {
  it("is told to the writer, and what the log key did not sign stops nothing", async () => {
    const checkpoint = await shown();
    const forged = await signCheckpoint(
      { ...checkpoint, size: checkpoint.size + 1_000 },
      await noteSignerOf("stranger"),
    );
    tunnel.say({ kind: "witnessed", note: noteToWire(forged) });
    await answered();
    expect(await ledger().checkpoint(town.workspace)).toMatchObject({ ok: true });
  });

  it("and the log does not, stops the writer from signing", async () => {
    const { size, root } = await shown();
    // Only with the log's own key: somebody restored the database, or it signs elsewhere too.
    const signed = await signCheckpoint(
      { workspace: town.workspace, size: size + 1_000, root },
      await noteSignerOf("ledger"),
    );
    tunnel.say({ kind: "witnessed", note: noteToWire(signed) });
    await until(async () => (await ledger().refusal(town.workspace)) !== undefined);
    expect(await ledger().refusal(town.workspace)).toMatchObject({ reason: "smaller", host: peer.host });
  });
});

describe("a refusal to witness", () => {
  const refusal = async (size: number, code = "different", of = town.workspace): Promise<Fields> => {
    const root = entryLeaf(of);
    const held = await signCheckpoint({ workspace: town.workspace, size, root }, await noteSignerOf("ledger"));
    const seen = await signCheckpoint(
      { workspace: town.workspace, size, root: entryLeaf(fresh()) },
      await noteSignerOf("ledger"),
    );
    return { kind: "witness-refused", reason: code, held: noteToWire(held), shown: noteToWire(seen) };
  };

  it("becomes one entry and one alert with both views, however often it is said", async () => {
    const frame = await refusal(7);
    tunnel.say(frame);
    tunnel.say({ ...frame, shown: (await refusal(8))["shown"] }); // the log grew by the entry, and that is shown next
    await until(async () => ((await alert("witness.refused"))?.times ?? 0) === 2);
    const [entry, ...others] = await entries("witness.refused");
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      actor: { kind: "host", id: peer.host },
      detail: { code: "different", views: { held: { size: 7 }, shown: { size: 7 } } },
    });
    const { detail, state } = (await alert("witness.refused")) ?? {};
    expect(state).toBe("open");
    expect(detail?.held?.root).not.toBe(detail?.shown?.root);
    expect(utf8Text(fromBase64url(String(frame["held"])))).toContain("\n7\n");
  });

  it("of a missing receipt names it, and is settled when the host cosigns again", async () => {
    const frame = { ...(await refusal(8, "receipt_missing")), receipt: 3 };
    tunnel.say(frame);
    await until(async () => (await alert("witness.stalled")) !== undefined);
    expect(await alert("witness.stalled")).toMatchObject({ state: "open", detail: { place: 3 } });
    const newest = await table().newest();
    tunnel.say(await cosignature(await opened(noteToWire(newest?.note ?? ""))));
    await until(async () => (await alert("witness.stalled"))?.state === "resolved");
  });

  it("invented anew with every frame does not make the log grow without end", async () => {
    for (let i = 0; i < WITNESS_ENTRIES_PER_HOUR + 5; i += 1) tunnel.say(await refusal(9, "different", fresh()));
    await answered();
    await until(async () => (await entries("witness.refused")).length >= WITNESS_ENTRIES_PER_HOUR);
    await evictDurableObject(hostOf(env, town.workspace, peer.host), { webSockets: "hibernate" });
    tunnel.say(await refusal(9, "different", fresh()));
    await answered();
    expect(await entries("witness.refused")).toHaveLength(WITNESS_ENTRIES_PER_HOUR);
  });

  it("and a reset by the owner are told each once", async () => {
    const { held } = (await refusal(10)) as { held: string };
    tunnel.say({ kind: "witness-reset", note: held });
    tunnel.say({ kind: "witness-reset", note: held });
    await until(async () => (await alert("witness.reset")) !== undefined);
    await answered();
    expect(await entries("witness.reset")).toHaveLength(1);
  });
});
