/** What the writer does not sign: a database that is cut, restored, rewritten, or written to by others. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { LedgerReader } from "../../../durable-objects/db/ledger-reader.ts";
import { LedgerTree } from "../../../durable-objects/db/ledger-tree.ts";
import type { LedgerKeys } from "../../../durable-objects/edge-keys.ts";
import { ledgerOf } from "../../../durable-objects/ledger-client.ts";
import { Checkpoints } from "../../../durable-objects/ledger/checkpoints.ts";
import { LedgerMemory } from "../../../durable-objects/ledger/memory.ts";
import { publicKeyOf, seedNoteSigner } from "../../../durable-objects/signer.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import { openCheckpoint, rootDigest, signCheckpoint } from "../../../protocol/checkpoint.ts";
import { decodeNote } from "../../../protocol/note.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";
import { digestAt, withoutTriggers } from "../ledger-rows.ts";
import { HOST, Writer } from "./writer.ts";

describe("nothing is signed", () => {
  it("of a database that was restored from before, until a newer copy is back", async () => {
    const writer = new Writer("restored");
    await writer.write(10);
    const signed = await writer.sign();
    const bringBack = await writer.restore(6);
    const cut = toBase64url(await new LedgerTree(env.DB, writer.workspace).root(6));
    const refusal = await writer.refusedToSign();
    expect(refusal).toEqual({
      reason: "smaller",
      since: expect.any(Number),
      held: { size: 10, root: rootDigest(signed) },
      shown: { size: 6, root: cut },
    });
    expect(await writer.stub.refusal(writer.workspace)).toEqual(refusal);
    // The entry is there at once: the writer no longer believes in a head that the database does not have.
    expect(await writer.entries("checkpoint.refused")).toHaveLength(1);
    // Appending goes on, and what was found is said once.
    await writer.write(1);
    await writer.refusedToSign();
    expect(await runDurableObjectAlarm(writer.stub)).toBe(true);
    const views = { held: refusal?.held, shown: refusal?.shown };
    expect(await writer.entries("checkpoint.refused")).toMatchObject([{ detail: { code: "smaller", views } }]);
    expect(await writer.alerts()).toMatchObject([{ kind: "ledger.rewritten", state: "open", detail: views }]);
    expect(await writer.table.newest()).toBeUndefined();

    await bringBack();
    expect((await writer.sign()).size).toBeGreaterThanOrEqual(10); // what the alert owed the log may be in it by now
    expect(await writer.stub.refusal(writer.workspace)).toBeUndefined();
    expect(await writer.alerts()).toMatchObject([{ kind: "ledger.rewritten", state: "resolved" }]);
  });

  it("of a log that grew anew after it was cut", async () => {
    const writer = new Writer("regrown");
    await writer.write(5);
    const signed = await writer.sign();
    await writer.restore(3);
    await evictDurableObject(writer.stub); // its head is of the log that is gone
    await writer.write(7);
    expect(await writer.refusedToSign()).toMatchObject({
      reason: "different",
      held: { size: 5, root: rootDigest(signed) },
      shown: { size: 5 },
    });
    await evictDurableObject(writer.stub);
    expect(await writer.refusedToSign()).toMatchObject({ reason: "different" });
    expect(await writer.entries("checkpoint.refused")).toHaveLength(1);
    expect(await writer.alerts()).toHaveLength(1);
  });

  it("of rows that were exchanged", async () => {
    const writer = new Writer("exchanged");
    await writer.write(5);
    await writer.sign();
    await withoutTriggers(env.DB, () =>
      env.DB.prepare("UPDATE ledger SET hash = ? WHERE workspace = ? AND idx = 2")
        .bind(digestAt("other", 2), writer.workspace)
        .run(),
    );
    expect(await writer.refusedToSign()).toMatchObject({ reason: "different", held: { size: 5 }, shown: { size: 5 } });
  });

  it("of a log with a row missing in the middle", async () => {
    const writer = new Writer("hole");
    await writer.write(5);
    await writer.sign();
    await withoutTriggers(env.DB, () =>
      env.DB.prepare("DELETE FROM ledger WHERE workspace = ? AND idx = 3").bind(writer.workspace).run(),
    );
    expect(await writer.refusedToSign()).toMatchObject({ reason: "smaller", held: { size: 5 }, shown: { size: 2 } });
  });

  it("of tiles that say something else", async () => {
    const writer = new Writer("tile");
    await writer.write(260);
    await writer.sign();
    await env.DB.prepare("UPDATE ledger_tiles SET hashes = ? WHERE workspace = ? AND level = 8")
      .bind(toBase64url(new Uint8Array(32)), writer.workspace)
      .run();
    expect(await writer.refusedToSign()).toMatchObject({ reason: "different", held: { size: 260 } });
  });

  it("that contradicts the database's own checkpoint, when the object's disk was lost", async () => {
    const writer = new Writer("disk lost");
    await writer.write(5);
    await writer.sign();
    await writer.forget();
    expect((await writer.sign()).size).toBe(5);
    await writer.forget();
    await withoutTriggers(env.DB, () =>
      env.DB.prepare("DELETE FROM ledger WHERE workspace = ? AND idx > 2").bind(writer.workspace).run(),
    );
    expect(await writer.refusedToSign()).toMatchObject({ reason: "smaller", held: { size: 5 }, shown: { size: 2 } });
  });

  it("that contradicts a host, when database and disk were restored together", async () => {
    const writer = new Writer("both");
    await writer.write(8);
    const signed = await writer.sign();
    const [stored] = await writer.table.list(1);
    const bringBack = await writer.restore(4);
    await writer.forget();
    // Nobody here can know: this is what witnesses are for.
    expect((await writer.sign()).size).toBe(4);
    await writer.seen(stored?.note ?? "");
    const refusal = await writer.stub.refusal(writer.workspace);
    expect(refusal).toMatchObject({
      reason: "smaller",
      host: HOST,
      held: { size: 8, root: rootDigest(signed) },
      shown: { size: 4 },
    });
    expect(await writer.refusedToSign()).toEqual(refusal);
    expect(await writer.entries("checkpoint.refused")).toMatchObject([{ target: HOST }]);
    expect(await writer.alerts()).toMatchObject([{ kind: "ledger.rewritten", host: HOST }]);
    await evictDurableObject(writer.stub);
    expect(await writer.refusedToSign()).toEqual(refusal);
    // It would never have fitted: entry 5 is another now. The newer copy brings the right one.
    await bringBack();
    expect((await writer.sign()).size).toBeGreaterThanOrEqual(8);
  });

  it("until the last host that holds more was made to forget, by an entry that says so", async () => {
    const writer = new Writer("made to forget");
    await writer.write(8);
    await writer.sign();
    const [stored] = await writer.table.list(1);
    await writer.restore(4);
    await writer.forget();
    const others = ["h-two", "h-three"];
    for (const host of [HOST, ...others]) await writer.stub.seen(writer.workspace, host, stored?.note ?? "");
    const reset = (target: string) =>
      ledgerOf(
        env,
        writer.workspace,
      )({ actor: { kind: "host", id: target }, action: "witness.reset", target, detail: {} });
    for (const host of [HOST, ...others]) {
      expect(await writer.refusedToSign()).toMatchObject({ reason: "smaller", held: { size: 8 } });
      await reset(host);
    }
    expect((await writer.sign()).size).toBeGreaterThanOrEqual(7);
    expect(await writer.stub.refusal(writer.workspace)).toBeUndefined();
  });

  it("that contradicts a shorter log which a host holds", async () => {
    const writer = new Writer("shorter view");
    await writer.write(9);
    await writer.sign();
    await writer.seen(await writer.signedElsewhere(4));
    expect(await writer.refusedToSign()).toMatchObject({ reason: "different", host: HOST, held: { size: 4 } });
  });
});

describe("a host's word", () => {
  it("that fits changes nothing", async () => {
    const writer = new Writer("fits");
    await writer.write(4);
    await writer.sign();
    const [first] = await writer.table.list(1);
    await writer.write(4);
    await writer.sign();
    await writer.seen(first?.note ?? "");
    expect(await writer.stub.refusal(writer.workspace)).toBeUndefined();
    expect((await writer.sign()).size).toBe(8);
    const kept = await runInDurableObject(writer.stub, (_, { storage }) =>
      storage.sql.exec("SELECT * FROM shown").toArray(),
    );
    expect(kept).toEqual([]);
  });

  it("cannot block signing with what the ledger key did not sign", async () => {
    const writer = new Writer("invented");
    await writer.write(4);
    const seed = nonceOf("somebody else");
    const invented = await signCheckpoint(
      { workspace: writer.workspace, size: 1_000_000, root: new Uint8Array(32) },
      await seedNoteSigner(seed),
    );
    const elsewhere = await new Writer("another workspace").signedElsewhere(1_000_000);
    for (const note of [invented, elsewhere, "", "no note at all"]) await writer.seen(note);
    expect(await writer.stub.refusal(writer.workspace)).toBeUndefined();
    expect((await writer.sign()).size).toBe(4);
  });

  it("is kept when nothing was written yet", async () => {
    const writer = new Writer("early");
    await writer.seen(await writer.signedElsewhere(3));
    await writer.write(1);
    expect(await writer.refusedToSign()).toMatchObject({ reason: "smaller", host: HOST, held: { size: 3 } });
  });
});

describe("what a host has shown", () => {
  const view = { size: 1_000_000, root: "A".repeat(43) };

  /** Signs with what is remembered of hosts, and these admitted. */
  function signing(writer: Writer, key: (own: string) => string, hosts: readonly string[]) {
    return runInDurableObject(writer.stub, async (_, { storage }) => {
      const memory = new LedgerMemory(storage.sql);
      const signer = await seedNoteSigner(env.LEDGER_KEY);
      memory.rememberShown(HOST, view, key(signer.publicKey));
      const checkpoints = new Checkpoints({
        db: env.DB,
        workspace: writer.workspace,
        sealed: new LedgerReader(env, writer.workspace),
        memory,
        keys: () => Promise.resolve({ signer, ever: [signer.publicKey] }),
        alarms: { raise: () => Promise.resolve(), settle: () => Promise.resolve() },
        hosts: () => Promise.resolve(new Set(hosts)),
        durable: () => Promise.resolve(),
        doubt: () => undefined,
        append: () => Promise.resolve({ ok: true }),
        show: () => undefined,
      });
      return checkpoints.cover();
    });
  }

  it("blocks while it is a witness and the key is the same", async () => {
    const writer = new Writer("blocked");
    await writer.write(3);
    expect(await signing(writer, (own) => own, [HOST])).toMatchObject({ ok: false, refusal: { host: HOST } });
  });

  it("blocks nothing once it was removed: it could never forget in public", async () => {
    const writer = new Writer("removed host");
    await writer.write(3);
    expect(await signing(writer, (own) => own, ["h-other"])).toMatchObject({ ok: true, size: 3 });
  });

  it("blocks nothing under a key that was replaced: somebody else may have that", async () => {
    const writer = new Writer("replaced key");
    await writer.write(3);
    expect(await signing(writer, () => "B".repeat(43), [HOST])).toMatchObject({ ok: true, size: 3 });
  });

  it("costs one entry an hour, however many views it has", async () => {
    const writer = new Writer("many views");
    await writer.write(9);
    for (const size of [30, 29, 28, 27, 26]) await writer.seen(await writer.signedElsewhere(size));
    await writer.seen(await writer.signedElsewhere(4));
    expect(await writer.refusedToSign()).toMatchObject({ host: HOST });
    expect(await writer.entries("checkpoint.refused")).toHaveLength(1);
  });
});

describe("what an earlier key signed", () => {
  /** The database lost entries, the object forgot what it signed, and the trust log names another key since. */
  async function afterChange(name: string, knowsEarlier: boolean) {
    const writer = new Writer(name);
    await writer.write(6);
    await writer.sign();
    await writer.forget();
    await withoutTriggers(env.DB, () =>
      env.DB.prepare("DELETE FROM ledger WHERE idx > 3 AND workspace = ?").bind(writer.workspace).run(),
    );
    return runInDurableObject(writer.stub, async (_, { storage }) => {
      const earlier = await publicKeyOf(env.LEDGER_KEY);
      const signer = await seedNoteSigner(env.LEDGER_KEY_NEXT ?? "");
      const ever = [signer.publicKey, ...(knowsEarlier ? [earlier] : [])];
      return checkpointsOf(writer, { storage, keys: { signer, ever } }).cover();
    });
  }

  function checkpointsOf(
    writer: Writer,
    { storage, keys }: { readonly storage: DurableObjectStorage; readonly keys: LedgerKeys },
  ): Checkpoints {
    return new Checkpoints({
      db: env.DB,
      workspace: writer.workspace,
      sealed: new LedgerReader(env, writer.workspace),
      memory: new LedgerMemory(storage.sql),
      keys: () => Promise.resolve(keys),
      alarms: { raise: () => Promise.resolve(), settle: () => Promise.resolve() },
      hosts: () => Promise.resolve(undefined),
      durable: () => Promise.resolve(),
      doubt: () => undefined,
      append: () => Promise.resolve({ ok: true }),
      show: () => undefined,
    });
  }

  it("is this log's own past: a shorter one is not signed by the key after it", async () => {
    expect(await afterChange("earlier key", true)).toMatchObject({
      ok: false,
      refusal: { reason: "smaller", held: { size: 6 }, shown: { size: 3 } },
    });
  });

  it("is signed again by the key after it, also where nothing was written since", async () => {
    const writer = new Writer("signed again");
    await writer.write(4);
    const { size, note } = await writer.sign();
    const next = await seedNoteSigner(env.LEDGER_KEY_NEXT ?? "");
    const again = await runInDurableObject(writer.stub, (_, { storage }) => {
      const keys = { signer: next, ever: [next.publicKey, nonceOf("earlier")] };
      return checkpointsOf(writer, { storage, keys }).cover();
    });
    expect(again).toMatchObject({ ok: true, size });
    const stored = await writer.table.newest();
    expect(stored?.note).toBe(again.ok ? again.note : "");
    expect(
      await openCheckpoint(stored?.note ?? "", { workspace: writer.workspace, ledgerKey: next.publicKey }),
    ).toEqual(expect.objectContaining({ size }));
    expect(decodeNote(stored?.note ?? "").text).toBe(note.text);
  });

  it("is anybody's word where the trust log never named that key", async () => {
    expect(await afterChange("stranger's key", false)).toMatchObject({ ok: true, size: 3 });
  });
});

describe("what a host shows while a checkpoint is being signed", () => {
  it("is held against the log by the next", async () => {
    const writer = new Writer("while signing");
    await writer.write(4);
    const root = "A".repeat(43);
    const results = await runInDurableObject(writer.stub, async (_, { storage }) => {
      const memory = new LedgerMemory(storage.sql);
      const signer = await seedNoteSigner(env.LEDGER_KEY);
      const checkpoints = new Checkpoints({
        db: env.DB,
        workspace: writer.workspace,
        sealed: new LedgerReader(env, writer.workspace),
        memory,
        keys: () => Promise.resolve({ signer, ever: [signer.publicKey] }),
        alarms: { raise: () => Promise.resolve(), settle: () => Promise.resolve() },
        hosts: () => Promise.resolve(undefined),
        durable: () => Promise.resolve(memory.rememberShown(HOST, { size: 2, root }, signer.publicKey)),
        doubt: () => undefined,
        append: () => Promise.resolve({ ok: true }),
        show: () => undefined,
      });
      return [await checkpoints.cover(), await checkpoints.cover()];
    });
    expect(results).toMatchObject([
      { ok: true, size: 4 },
      { ok: false, refusal: { reason: "different", host: HOST, held: { size: 2, root } } },
    ]);
  });
});

describe("a row in the table of checkpoints", () => {
  const insert = (writer: Writer, size: number, note: string) =>
    env.DB.prepare("INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, 0)").bind(writer.workspace, size, note).run();

  it("that the ledger key did not sign blocks nothing, and does not stay the newest of its size", async () => {
    const writer = new Writer("foreign row");
    await writer.write(4);
    const foreign = await signCheckpoint(
      { workspace: writer.workspace, size: 4, root: new Uint8Array(32) },
      await seedNoteSigner(nonceOf("old ledger key")),
    );
    await insert(writer, 4, foreign);
    await insert(writer, 90, foreign);
    const checkpoint = await writer.sign();
    expect(checkpoint.size).toBe(4);
    expect(await writer.open((await writer.table.at(4))?.note ?? "")).toEqual(checkpoint);
    // Put there again, after it was signed: the same.
    await insert(writer, 4, foreign);
    await writer.sign();
    expect(await writer.open((await writer.table.at(4))?.note ?? "")).toEqual(checkpoint);
  });

  it("that goes is written again with the tiles that went with it", async () => {
    const writer = new Writer("row gone");
    await writer.write(260);
    const checkpoint = await writer.sign();
    for (const table of ["checkpoints", "ledger_tiles"])
      await env.DB.prepare(`DELETE FROM ${table} WHERE workspace = ?`).bind(writer.workspace).run();
    expect(await writer.sign()).toEqual(checkpoint);
    expect(await writer.table.newest()).toMatchObject({ size: 260 });
    const tiles = await env.DB.prepare("SELECT level FROM ledger_tiles WHERE workspace = ?")
      .bind(writer.workspace)
      .all();
    expect(tiles.results).toHaveLength(2);
  });
});
