/** The writer's signature under a log that nobody touched: when it comes, what it covers, and what it survives. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { LedgerTree } from "../../../durable-objects/db/ledger-tree.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import { rootDigest } from "../../../protocol/checkpoint.ts";
import { env } from "../../worker/environment.ts";
import { insertRows } from "../ledger-rows.ts";
import { draft, Writer } from "./writer.ts";

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

  it("comes for entries that were being written when the alarm went off", async () => {
    const writer = new Writer("under way");
    await writer.write(1);
    await runInDurableObject(writer.stub, async (ledger, { storage }) => {
      const written = ledger.append(writer.workspace, [{ draft }]);
      await storage.deleteAlarm(); // it has gone off
      await ledger.alarm();
      await written;
      expect(await storage.getAlarm()).not.toBeNull();
    });
    expect(await runDurableObjectAlarm(writer.stub)).toBe(true);
    expect(await writer.table.newest()).toMatchObject({ size: 2 });
    expect(await runDurableObjectAlarm(writer.stub)).toBe(false);
  });

  it("is not waited for where the first entry could not be written", async () => {
    const writer = new Writer("first failed");
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await expect(writer.write(1)).rejects.toThrow("session.ended");
    await env.DB.exec("DROP TRIGGER full");
    expect(await runDurableObjectAlarm(writer.stub)).toBe(true);
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
