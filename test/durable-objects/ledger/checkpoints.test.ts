/** The writer's signature under the log, with a database that is honest, cut, restored, rewritten, or written to by others. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { CheckpointTable } from "../../../durable-objects/db/checkpoint-table.ts";
import { LedgerTree } from "../../../durable-objects/db/ledger-tree.ts";
import { ledgerOf } from "../../../durable-objects/ledger-client.ts";
import { publicKeyOf, seedNoteSigner } from "../../../durable-objects/signer.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import { openCheckpoint, rootDigest, signCheckpoint, type OpenedCheckpoint } from "../../../protocol/checkpoint.ts";
import type { LedgerDraft } from "../../../protocol/ledger.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";
import { digestAt, insertRows, withoutTriggers } from "../ledger-rows.ts";

const draft: LedgerDraft = { actor: { kind: "edge" }, action: "session.ended", detail: {} };
const HOST = "h-one";

class Writer {
  readonly workspace: string;
  readonly table: CheckpointTable;

  constructor(name: string) {
    this.workspace = nonceOf(name);
    this.table = new CheckpointTable(env.DB, this.workspace);
  }

  get stub() {
    return env.LEDGER.getByName(this.workspace);
  }

  async write(count: number): Promise<void> {
    const append = ledgerOf(env, this.workspace);
    await Promise.all(Array.from({ length: count }, () => append(draft)));
  }

  async sign(): Promise<OpenedCheckpoint> {
    const result = await this.stub.checkpoint(this.workspace);
    if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
    return this.open(result.note);
  }

  async refusedToSign() {
    const result = await this.stub.checkpoint(this.workspace);
    expect(result).toMatchObject({ ok: false });
    return result.ok ? undefined : result.refusal;
  }

  async open(note: string): Promise<OpenedCheckpoint> {
    const opened = await openCheckpoint(note, {
      workspace: this.workspace,
      ledgerKey: await publicKeyOf(env.LEDGER_KEY),
    });
    if (typeof opened === "string") throw new Error(opened);
    return opened;
  }

  seen(note: string): Promise<void> {
    return this.stub.seen(this.workspace, HOST, note);
  }

  /** A checkpoint of a history that this writer never saw, signed by its own key: what an older life of it signed. */
  async signedElsewhere(size: number, root = new Uint8Array(32).fill(size)): Promise<string> {
    return signCheckpoint({ workspace: this.workspace, size, root }, await seedNoteSigner(env.LEDGER_KEY));
  }

  /** As if the object's own disk were restored from before it signed anything. */
  async forget(): Promise<void> {
    await runInDurableObject(this.stub, (_, state) => {
      state.storage.sql.exec("DELETE FROM signed");
      state.storage.sql.exec("DELETE FROM shown");
      state.storage.sql.exec("DELETE FROM refusal");
    });
    await evictDurableObject(this.stub);
  }

  /** The database as it was when it held `size` entries. */
  async restore(size: number): Promise<() => Promise<void>> {
    const { results } = await env.DB.prepare("SELECT * FROM ledger WHERE workspace = ? AND idx > ? ORDER BY idx")
      .bind(this.workspace, size)
      .all();
    await withoutTriggers(env.DB, async () => {
      for (const table of ["ledger WHERE idx", "checkpoints WHERE size"])
        await env.DB.prepare(`DELETE FROM ${table} > ? AND workspace = ?`).bind(size, this.workspace).run();
    });
    return async () =>
      withoutTriggers(env.DB, async () => {
        await env.DB.prepare("DELETE FROM ledger WHERE workspace = ? AND idx > ?").bind(this.workspace, size).run();
        for (const row of results)
          await env.DB.prepare("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)")
            .bind(...Object.values(row))
            .run();
      });
  }

  async entries(action: string): Promise<readonly { readonly detail: unknown; readonly target?: string }[]> {
    const { results } = await env.DB.prepare("SELECT body FROM ledger WHERE workspace = ? ORDER BY idx")
      .bind(this.workspace)
      .all<{ body: string }>();
    return results.map(({ body }) => JSON.parse(body)).filter((entry) => entry.action === action);
  }

  alerts() {
    return env.ALERTS.getByName(this.workspace).list(this.workspace);
  }
}

describe("a checkpoint", () => {
  it("covers every entry that is there, with the tree's own root, and is in the database", async () => {
    const writer = new Writer("covers");
    await writer.write(300);
    const checkpoint = await writer.sign();
    expect(checkpoint.size).toBe(300);
    expect(rootDigest(checkpoint)).toBe(toBase64url(await new LedgerTree(env.DB, writer.workspace).root(300)));
    expect(await writer.table.newest()).toMatchObject({ size: 300 });
    const tiles = await env.DB.prepare("SELECT level, n, width FROM ledger_tiles WHERE workspace = ?")
      .bind(writer.workspace)
      .all();
    expect(tiles.results).toEqual([
      { level: 0, n: 0, width: 256 },
      { level: 8, n: 0, width: 1 },
    ]);
  });

  it("is the same until there is something new, also after an eviction", async () => {
    const writer = new Writer("same");
    await writer.write(3);
    const first = await writer.sign();
    expect(await writer.sign()).toEqual(first);
    await evictDurableObject(writer.stub);
    expect(await writer.sign()).toEqual(first);
    expect(await writer.table.list(10)).toHaveLength(1);
    await writer.write(1);
    expect((await writer.sign()).size).toBe(4);
    expect((await writer.table.list(10)).map(({ size }) => size)).toEqual([4, 3]);
  });

  it("is not signed of nothing", async () => {
    expect(await new Writer("empty").refusedToSign()).toBeUndefined();
  });

  it("comes by itself, by an alarm that outlives the object", async () => {
    const writer = new Writer("alarm");
    await writer.write(2);
    await evictDurableObject(writer.stub);
    expect(await runDurableObjectAlarm(writer.stub)).toBe(true);
    expect(await writer.table.newest()).toMatchObject({ size: 2 });
    // Nothing new: no further alarm, no further row.
    expect(await runDurableObjectAlarm(writer.stub)).toBe(false);
  });

  it("catches up with a log that was never signed, in steps", async () => {
    const writer = new Writer("upgrade");
    await insertRows(env.DB, { workspace: writer.workspace, history: "old", from: 1, to: 17_000 });
    const checkpoint = await writer.sign();
    expect(checkpoint.size).toBe(17_000);
    expect((await writer.table.list(10)).map(({ size }) => size)).toEqual([17_000, 16_384]);
    const { results } = await env.DB.prepare(
      "SELECT level, COUNT(*) AS n FROM ledger_tiles WHERE workspace = ? GROUP BY 1",
    )
      .bind(writer.workspace)
      .all();
    expect(results).toEqual([
      { level: 0, n: 66 },
      { level: 8, n: 1 },
    ]);
  });

  it("is one for all who ask at once", async () => {
    const writer = new Writer("single flight");
    await writer.write(5);
    const all = await Promise.all(Array.from({ length: 20 }, () => writer.sign()));
    expect(new Set(all.map(rootDigest)).size).toBe(1);
    expect(await writer.table.list(10)).toHaveLength(1);
  });

  it("covers what was written while another was being signed", async () => {
    const writer = new Writer("meanwhile");
    await writer.write(5);
    const [, , after] = await Promise.all([writer.sign(), writer.write(5), writer.write(1).then(() => writer.sign())]);
    expect(after.size).toBeGreaterThanOrEqual(6);
  });

  it("is remembered before it is in the database: a death between the two leaves the tiles to the next", async () => {
    const writer = new Writer("between");
    await writer.write(300);
    const { note } = await signedOnly(writer, 300);
    await evictDurableObject(writer.stub);
    const checkpoint = await writer.sign();
    expect(checkpoint).toEqual(await writer.open(note));
    expect(await writer.table.newest()).toMatchObject({ size: 300, note });
    const tiles = await env.DB.prepare("SELECT level FROM ledger_tiles WHERE workspace = ?")
      .bind(writer.workspace)
      .all();
    expect(tiles.results).toHaveLength(2);
  });

  it("waits when the database does not answer, and comes with the next look", async () => {
    const writer = new Writer("down");
    await writer.write(2);
    await env.DB.exec("ALTER TABLE checkpoints RENAME TO checkpoints_away");
    expect(await writer.refusedToSign()).toBeUndefined();
    expect(await runDurableObjectAlarm(writer.stub)).toBe(true);
    await env.DB.exec("ALTER TABLE checkpoints_away RENAME TO checkpoints");
    expect(await runDurableObjectAlarm(writer.stub)).toBe(true);
    expect(await writer.table.newest()).toMatchObject({ size: 2 });
  });
});

/** What the object remembers, as a death before the database was asked leaves it. */
async function signedOnly(writer: Writer, size: number): Promise<{ readonly note: string }> {
  const root = await new LedgerTree(env.DB, writer.workspace).root(size);
  const note = await writer.signedElsewhere(size, root);
  await runInDurableObject(writer.stub, (_, state) => {
    state.storage.sql.exec("INSERT INTO signed VALUES (1, ?, ?, ?)", size, toBase64url(root), note);
  });
  return { note };
}

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
    // Appending goes on, and says once what was found.
    await writer.write(1);
    await writer.refusedToSign();
    expect(await runDurableObjectAlarm(writer.stub)).toBe(true);
    const views = { held: refusal?.held, shown: refusal?.shown };
    expect(await writer.entries("checkpoint.refused")).toMatchObject([{ detail: { code: "smaller", views } }]);
    expect(await writer.alerts()).toMatchObject([{ kind: "ledger.rewritten", state: "open", detail: views }]);
    expect(await writer.table.newest()).toBeUndefined();

    await bringBack();
    expect((await writer.sign()).size).toBe(10);
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
    expect((await writer.sign()).size).toBe(8);
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
