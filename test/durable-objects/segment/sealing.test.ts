/** A full segment leaves the open table, whatever dies on the way, and only when it is what was signed. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { LedgerReader } from "../../../durable-objects/db/ledger-reader.ts";
import { SegmentTable } from "../../../durable-objects/db/segment-table.ts";
import { segmentOf } from "../../../durable-objects/env.ts";
import { ledgerGroupOf, ledgerOf, type NewEntry } from "../../../durable-objects/ledger-client.ts";
import { Sealing } from "../../../durable-objects/ledger/seal.ts";
import type { ActivityRow } from "../../../protocol/contracts/ledger.ts";
import type { LedgerDraft } from "../../../protocol/ledger.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { utf8 } from "../../../protocol/bytes.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";
import { withoutTriggers } from "../ledger-rows.ts";

/** Entries of a segment here. */
const ENTRIES = 100;
/** Its rows must be in full tiles first. */
const DUE = 256;

class Log {
  readonly workspace: string;
  readonly segments: SegmentTable;

  constructor(name: string) {
    this.workspace = nonceOf(name);
    this.segments = new SegmentTable(env.DB, this.workspace);
  }

  get reader(): LedgerReader {
    return new LedgerReader(env, this.workspace);
  }

  get stub() {
    return env.LEDGER.getByName(this.workspace);
  }

  segment(n: number) {
    return segmentOf(env, this.workspace, n);
  }

  /** Every seventh comes from an address, every tenth brings a receipt. */
  async write(count: number): Promise<void> {
    const append = ledgerGroupOf(env, this.workspace);
    const { index } = await this.reader.head();
    const positions = await append(Array.from({ length: count }, (_, i) => this.#entry(index + 1 + i)));
    expect(positions.every((position) => position !== undefined)).toBe(true);
  }

  #entry(index: number): NewEntry {
    const actor = { kind: "host", id: "h-one" } as const;
    if (index % 10 !== 0) {
      const draft: LedgerDraft = { actor: { kind: "edge" }, action: "session.ended", detail: {} };
      return { draft: index % 7 === 0 ? { ...draft, sourceIp: `192.0.2.${index % 250}` } : draft };
    }
    const { workspace } = this;
    const digest = digestOf("receipt", utf8(`${workspace} ${index}`));
    return {
      draft: {
        actor,
        action: "command.receipt",
        target: "h-one",
        detail: { intent: digest, verdict: "executed", receipt: digest },
        subject: digest,
      },
      receipt: { workspace, digest, intent: digest, host: "h-one", number: index, body: "AA", signature: `s${index}` },
    };
  }

  /** As the writer does after a checkpoint. */
  async look(): Promise<void> {
    const signed = await this.stub.checkpoint(this.workspace);
    if (!signed.ok) throw new Error("not signed");
    await this.sealing().look(signed);
  }

  sealing(): Sealing {
    const append = ledgerOf(env, this.workspace);
    return new Sealing({
      env,
      workspace: this.workspace,
      entries: ENTRIES,
      append: async (draft) => (await append(draft), { ok: true }),
    });
  }

  async finish(n: number): Promise<void> {
    while (await runDurableObjectAlarm(this.segment(n)));
  }

  /** One step, and then nothing: as if the process had died. */
  async step(n: number): Promise<void> {
    await runInDurableObject(this.segment(n), async (segment, { storage }) => {
      await segment.alarm();
      await storage.deleteAlarm();
    });
    await evictDurableObject(this.segment(n));
  }

  async sealed(): Promise<void> {
    await this.write(DUE);
    await this.look();
    await this.finish(1);
  }

  /** Everything as a reader is given it, page by page. */
  async all(limit = 37): Promise<readonly ActivityRow[]> {
    const rows: ActivityRow[] = [];
    for (;;) {
      const page = await this.reader.oldestAfter(rows.at(-1)?.index ?? 0, limit);
      if (page.length === 0) return rows;
      rows.push(...(await this.reader.describe(page)));
    }
  }

  async open(table: "ledger" | "ledger_values" | "receipts"): Promise<number> {
    const row = await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE workspace = ?`)
      .bind(this.workspace)
      .first<{ n: number }>();
    return row?.n ?? 0;
  }

  async stage(n: number): Promise<unknown> {
    return runInDurableObject(this.segment(n), (_, { storage }) =>
      storage.sql
        .exec("SELECT stage FROM segment")
        .toArray()
        .map(({ stage }) => stage)
        .at(0),
    );
  }

  alerts() {
    return env.ALERTS.getByName(this.workspace).list(this.workspace);
  }
}

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

describe("what was not signed", () => {
  const bend = async (log: Log, sql: string): Promise<void> =>
    withoutTriggers(env.DB, () => env.DB.prepare(sql).bind(log.workspace).run());

  it.each([
    [
      "a changed body",
      "UPDATE ledger SET body = replace(body, 'session.ended', 'session.started') WHERE workspace = ? AND idx = 41",
    ],
    ["a changed hash", "UPDATE ledger SET hash = previous WHERE workspace = ? AND idx = 41"],
    ["a missing row", "DELETE FROM ledger WHERE workspace = ? AND idx = 41"],
    ["a row that is no JSON", "UPDATE ledger SET body = '{' WHERE workspace = ? AND idx = 41"],
  ])("%s stays in the open table, and is an alert", async (name, sql) => {
    const log = new Log(`bent ${name}`);
    await log.write(DUE);
    await log.look();
    await bend(log, sql);
    const open = await log.open("ledger");
    await runDurableObjectAlarm(log.segment(1));
    expect((await log.segments.find(1))?.movedAt).toBeNull();
    expect(await log.open("ledger")).toBe(open);
    expect(await log.stage(1)).toBe("copying");
    expect(await log.alerts()).toMatchObject([{ kind: "ledger.rewritten", state: "open" }]);
  });

  it("is taken when somebody has put it right, and the alert goes by itself", async () => {
    const log = new Log("put right");
    await log.write(DUE);
    const before = await log.all();
    await log.look();
    await bend(log, "UPDATE ledger SET body = body || ' ' WHERE workspace = ? AND idx = 99");
    await runDurableObjectAlarm(log.segment(1));
    expect(await log.stage(1)).toBe("copying");
    await bend(log, "UPDATE ledger SET body = rtrim(body) WHERE workspace = ? AND idx = 99");
    await log.finish(1);
    expect(await log.stage(1)).toBe("done");
    expect((await log.all()).slice(0, DUE)).toEqual(before);
    expect(await log.alerts()).toMatchObject([{ kind: "ledger.rewritten", state: "resolved" }]);
  });

  it("a whole history that chains, but is not the one that was signed, stays too", async () => {
    const log = new Log("other tree");
    await log.write(DUE);
    const other = await log.stub.checkpoint(log.workspace);
    if (!other.ok) throw new Error("not signed");
    await log.look();
    await runInDurableObject(log.segment(1), (_, { storage }) => {
      const [row] = storage.sql.exec<{ task: string }>("SELECT task FROM segment").toArray();
      const task = JSON.parse(row?.task ?? "") as { signed: { root: string } };
      storage.sql.exec(
        "UPDATE segment SET task = ?",
        JSON.stringify({ ...task, signed: { ...task.signed, root: nonceOf("other root") } }),
      );
    });
    await runDurableObjectAlarm(log.segment(1));
    expect((await log.segments.find(1))?.movedAt).toBeNull();
    expect(await log.alerts()).toMatchObject([{ kind: "ledger.rewritten" }]);
  });
});

describe("the triggers", () => {
  const run = (sql: string, log: Log): Promise<unknown> => env.DB.prepare(sql).bind(log.workspace).run();

  it("let no row go that no segment has, and no receipt before its entry's segment has it", async () => {
    const log = new Log("triggers");
    await log.write(DUE);
    await log.look();
    await expect(run("DELETE FROM ledger WHERE workspace = ? AND idx = 1", log)).rejects.toThrow("ledger_append_only");
    await expect(run("DELETE FROM receipts WHERE workspace = ?", log)).rejects.toThrow("receipts_append_only");
    await log.finish(1);
    await expect(run("DELETE FROM ledger WHERE workspace = ? AND idx = 101", log)).rejects.toThrow(
      "ledger_append_only",
    );
    await expect(run("DELETE FROM receipts WHERE workspace = ?", log)).rejects.toThrow("receipts_append_only");
  });

  it("let no segment be changed, reordered, undone or dropped before it was exported", async () => {
    const log = new Log("segment triggers");
    await log.sealed();
    for (const sql of [
      "DELETE FROM ledger_segments WHERE workspace = ?",
      "UPDATE ledger_segments SET hash = 'x' WHERE workspace = ?",
      "UPDATE ledger_segments SET last = 90 WHERE workspace = ?",
      "UPDATE ledger_segments SET moved_at = NULL WHERE workspace = ?",
      "UPDATE ledger_segments SET dropped_at = 1 WHERE workspace = ?",
    ])
      await expect(run(sql, log)).rejects.toThrow("ledger_segments_append_only");
    for (const values of ["3, 101, 200", "2, 102, 200", "2, 100, 200", "1, 1, 100"])
      await expect(
        run(
          `INSERT OR REPLACE INTO ledger_segments (workspace, n, first, last, hash, newest, sealed_at)
           SELECT workspace, ${values}, hash, 1, 1 FROM ledger WHERE workspace = ? AND idx = 200`,
          log,
        ),
      ).rejects.toThrow("ledger_segments_order");
    await log.segments.setExported(1, nonceOf("file"));
    await log.segments.setExported(1, nonceOf("file again"));
    await log.segments.setDropped(1, 5);
    for (const sql of [
      "UPDATE ledger_segments SET dropped_at = NULL WHERE workspace = ?",
      "UPDATE ledger_segments SET exported = 'x' WHERE workspace = ?",
    ])
      await expect(run(sql, log)).rejects.toThrow("ledger_segments_append_only");
  });
});
