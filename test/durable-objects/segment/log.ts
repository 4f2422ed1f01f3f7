/** A log of its own for each test, with segments that a test can fill. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { LedgerReader } from "../../../durable-objects/db/ledger-reader.ts";
import { SegmentTable } from "../../../durable-objects/db/segment-table.ts";
import { segmentOf } from "../../../durable-objects/env.ts";
import { ledgerGroupOf, ledgerOf, type NewEntry } from "../../../durable-objects/ledger-client.ts";
import { Sealing } from "../../../durable-objects/ledger/seal.ts";
import { utf8 } from "../../../protocol/bytes.ts";
import type { ActivityRow } from "../../../protocol/contracts/ledger.ts";
import type { LedgerDraft } from "../../../protocol/ledger.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";

/** Entries of a segment here. */
export const ENTRIES = 100;
/** Its rows must be in full tiles first. */
export const DUE = 256;

export class Log {
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
    const digest = this.receiptAt(index);
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

  receiptAt(index: number): string {
    return digestOf("receipt", utf8(`${this.workspace} ${index}`));
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
