/** A full segment leaves the open table, whatever dies on the way, and nobody who reads notices. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { CheckpointTable } from "../../../durable-objects/db/checkpoint-table.ts";
import { LedgerTree, LogTooShort } from "../../../durable-objects/db/ledger-tree.ts";
import { receiptEntries } from "../../../durable-objects/db/receipt-entries.ts";
import { ledgerOf } from "../../../durable-objects/ledger-client.ts";
import { Sealing, viewOf } from "../../../durable-objects/ledger/seal.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";
import { withoutTriggers } from "../ledger-rows.ts";
import { DUE, ENTRIES, Log } from "./log.ts";

describe("a full segment", () => {
  it("stays where it is until as many entries are behind it, and its tiles are full", async () => {
    const log = new Log("early");
    await log.write(DUE - 1);
    await log.look();
    expect(await log.segments.list()).toEqual([]);
    await log.write(1);
    await log.look();
    expect(await log.segments.list()).toMatchObject([{ n: 1, first: 1, last: ENTRIES }]);
  });

  it("moves with its openings and receipts, and nobody who reads notices", async () => {
    const log = new Log("moves");
    await log.write(DUE);
    const before = await log.all();
    await log.look();
    await log.finish(1);
    const after = await log.all();
    expect(after.slice(0, DUE)).toEqual(before);
    const { body } = after.at(-1) ?? { body: "" };
    const [segment] = await log.segments.list();
    expect(JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/")))).toMatchObject({
      action: "ledger.sealed",
      detail: { segment: { n: 1, first: 1, last: ENTRIES, hash: segment?.hash } },
    });
    expect(segment).toMatchObject({ n: 1, first: 1, last: ENTRIES, exported: null, droppedAt: null });
    expect(segment?.movedAt).not.toBeNull();
    expect(await log.open("ledger")).toBe(DUE + 1 - ENTRIES);
    expect(await log.open("receipts")).toBe(15);
    expect(await log.open("ledger_values")).toBe(before.slice(ENTRIES).filter(({ source }) => source).length);
  });

  it("is read in both directions, filtered, and alone, across its end", async () => {
    const log = new Log("reads");
    await log.write(DUE);
    const { reader } = log;
    const filter = { action: "command.receipt" } as const;
    const ask = async () => [
      await reader.newestBefore(130, 60),
      await reader.newestBefore(101, 5),
      await reader.newestBefore(102, 5),
      await reader.oldestAfter(90, 20),
      await reader.oldestAfter(99, 1),
      await reader.oldestAfter(100, 1),
      await reader.filtered(filter, { after: 55, before: 155 }, { order: "ASC", limit: 50 }),
      await reader.filtered(filter, { after: 55, before: 155 }, { order: "DESC", limit: 7 }),
      await reader.filtered(filter, { after: 20, before: 60 }, { order: "DESC", limit: 50 }),
      (await reader.matching(filter, { before: 150, limit: 100 })).scanned,
      await reader.entry(1),
      await reader.entry(100),
      await reader.entry(101),
    ];
    const before = await ask();
    await log.look();
    await log.finish(1);
    expect(await log.open("ledger")).toBe(DUE + 1 - ENTRIES);
    expect(await ask()).toEqual(before);
  });

  it("is followed by the next one, and every entry stays in its place", async () => {
    const log = new Log("next");
    await log.sealed();
    await log.write(2 * DUE);
    for (let i = 0; i < 8; i++) {
      await log.look();
      for (const n of [2, 3, 4, 5, 6]) await log.finish(n);
    }
    const segments = await log.segments.list();
    expect(segments.map(({ n, first, last }) => [n, first, last])).toEqual([
      [1, 1, 100],
      [2, 101, 200],
      [3, 201, 300],
      [4, 301, 400],
      [5, 401, 500],
      [6, 501, 600],
    ]);
    const all = await log.all();
    expect(all.map(({ index }) => index)).toEqual(all.map((_, i) => i + 1));
    expect(all.length).toBeGreaterThan(3 * DUE);
    const newest = await log.reader.newestBefore(1_000, 1_000);
    expect(newest.map(({ idx }) => idx)).toEqual(all.map(({ index }) => index).toReversed());
  });

  it("still tells where a host's receipts are", async () => {
    const log = new Log("receipts");
    await log.write(DUE);
    const digests = [10, 90, 100, 110, 250].map((index) => log.receiptAt(index));
    const { workspace } = log;
    const ask = () => receiptEntries(env, { workspace, digests: [...digests, nonceOf("unknown")], upTo: 200 });
    const before = await ask();
    expect([...before.values()].map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([10, 90, 100, 110]);
    await log.look();
    await log.finish(1);
    expect(await ask()).toEqual(before);
    expect(await receiptEntries(env, { workspace, digests: digests.slice(0, 1), upTo: 9 })).toEqual(new Map());
  });

  it("keeps of its checkpoints and cosignatures only the newest, and of others all", async () => {
    const log = new Log("thin");
    const table = new CheckpointTable(env.DB, log.workspace);
    const sizes = [5, 40, 70, 99, 130, DUE - 1];
    for (const size of sizes) {
      await log.write(size - (await log.reader.head()).index);
      await log.stub.checkpoint(log.workspace);
      for (const host of ["h-one", "h-two"])
        await table.addCosignature({ host, size, line: "AAAA", note: "note", at: 1 });
    }
    await log.write(1);
    await log.look();
    await log.finish(1);
    const kept = async (from: string): Promise<unknown> =>
      (
        await env.DB.prepare(`SELECT DISTINCT size FROM ${from} WHERE workspace = ? ORDER BY size`)
          .bind(log.workspace)
          .all<{ size: number }>()
      ).results.map(({ size }) => size);
    expect(await kept("checkpoints")).toEqual([99, 130, DUE - 1, DUE]);
    expect(await kept("cosignatures")).toEqual([99, 130, DUE - 1]);
  });

  it("is still in the tree when tiles and checkpoints were lost: its object knows the entries", async () => {
    const log = new Log("lost tiles");
    await log.sealed();
    const before = await log.stub.checkpoint(log.workspace);
    for (const table of ["ledger_tiles", "checkpoints"])
      await env.DB.prepare(`DELETE FROM ${table} WHERE workspace = ?`).bind(log.workspace).run();
    await evictDurableObject(log.stub);
    const size = (await log.reader.head()).index;
    const tree = new LedgerTree(env.DB, log.workspace, log.reader);
    expect(toBase64url(await tree.root(size))).toBe(before.ok ? viewOf(before.note).root : "");
    await expect(new LedgerTree(env.DB, log.workspace).root(size)).rejects.toThrow(LogTooShort);
    await log.write(1);
    const after = await log.stub.checkpoint(log.workspace);
    expect(after).toMatchObject({ ok: true, size: size + 1 });
    expect(await new LedgerTree(env.DB, log.workspace).root(size + 1)).toHaveLength(32);
  });

  it("takes no value that was erased while it was on its way", async () => {
    const log = new Log("erased meanwhile");
    await log.write(DUE);
    await log.look();
    // The database still has it: the page was read before it went there.
    await log.segment(1).eraseValue({ index: 7, field: "source" });
    await log.finish(1);
    const [row] = await log.reader.describe(await log.reader.oldestAfter(6, 1));
    expect(row?.index).toBe(7);
    expect(row?.source).toBeUndefined();
    const [other] = await log.reader.describe(await log.reader.oldestAfter(13, 1));
    expect(other?.source).toBeDefined();
  });

  it("is sealed once, however often the writer looks, and its entry is written once", async () => {
    const log = new Log("once");
    await log.write(DUE);
    await Promise.all([log.look(), log.look(), log.look()]);
    await log.finish(1);
    await log.look();
    expect(await log.segments.list()).toHaveLength(1);
    const sealed = await log.reader.filtered(
      { action: "ledger.sealed" },
      { after: 0, before: 999 },
      { order: "ASC", limit: 9 },
    );
    expect(sealed).toHaveLength(1);
  });
});

describe("whatever dies on the way", () => {
  it("nothing is sealed while the ledger cannot be written", async () => {
    const log = new Log("no ledger");
    await log.write(DUE);
    const signed = await log.stub.checkpoint(log.workspace);
    if (!signed.ok) throw new Error("not signed");
    await env.DB.exec("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await log.sealing().look(signed);
    await env.DB.exec("DROP TRIGGER full");
    expect(await log.segments.list()).toEqual([]);
    await log.look();
    await log.finish(1);
    expect(await log.stage(1)).toBe("done");
  });

  it("goes on after the entry, without a row", async () => {
    const log = new Log("dies-entry");
    await log.write(DUE);
    const append = ledgerOf(env, log.workspace);
    const died = new Sealing({
      env: { ...env, SEGMENT: env.SEGMENT },
      workspace: log.workspace,
      entries: ENTRIES,
      append: async (draft) => {
        await append(draft);
        throw new Error("killed");
      },
    });
    const signed = await log.stub.checkpoint(log.workspace);
    if (!signed.ok) throw new Error("not signed");
    await died.look(signed);
    expect(await log.segments.list()).toEqual([]);
    await log.look();
    await log.finish(1);
    expect(await log.stage(1)).toBe("done");
    expect((await log.all()).length).toBe(DUE + 1);
  });

  it("goes on when the object never heard of it, and when it lost its alarm", async () => {
    const log = new Log("dies-order");
    await log.write(DUE);
    await log.look();
    await runInDurableObject(log.segment(1), async (_, { storage }) => storage.deleteAlarm());
    await evictDurableObject(log.segment(1));
    expect(await log.stage(1)).toBe("copying");
    await log.look();
    await log.finish(1);
    expect(await log.stage(1)).toBe("done");
  });

  it("takes nothing twice when it dies between pages, and reads in the middle of the removal are whole", async () => {
    const log = new Log("dies-pages");
    await log.write(DUE);
    const before = await log.all();
    await log.look();
    await log.step(1);
    expect(await log.stage(1)).toBe("held");
    // As if the removal had died in the middle of its work.
    await log.segments.setMoved(1, 1);
    for (const table of ["ledger_values", "ledger"])
      await env.DB.prepare(`DELETE FROM ${table} WHERE workspace = ? AND idx <= 40 AND idx % 10 > 0`)
        .bind(log.workspace)
        .run();
    expect((await log.all()).slice(0, DUE)).toEqual(before);
    await log.look();
    await log.finish(1);
    expect((await log.all()).slice(0, DUE)).toEqual(before);
    expect(await log.open("ledger")).toBe(DUE + 1 - ENTRIES);
  });

  it("moves again what a restored database still has", async () => {
    const log = new Log("restored");
    await log.write(DUE);
    const { results } = await env.DB.prepare("SELECT * FROM ledger WHERE workspace = ? AND idx <= 100")
      .bind(log.workspace)
      .all<Record<string, unknown>>();
    await log.look();
    await log.finish(1);
    const before = await log.all();
    await withoutTriggers(env.DB, async () => {
      for (const row of results)
        await env.DB.prepare("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?)")
          .bind(...Object.values(row))
          .run();
    });
    await log.look();
    await log.finish(1);
    expect(await log.open("ledger")).toBe(before.length - ENTRIES);
    expect(await log.all()).toEqual(before);
  });
});
