/**
 * Which parts of a workspace's ledger were sealed, and what became of them; and how long entries are kept. The triggers of
 * the table refuse what is out of order. Holds no entry.
 */
import { and, asc, desc, eq, gte, isNotNull, isNull, lte } from "drizzle-orm";
import { ledger, ledgerRetention, ledgerSegments, type SegmentRecord } from "../../migrations/schema.ts";
import { openDatabase, type Database } from "./database.ts";

export type NewSegment = Pick<SegmentRecord, "n" | "first" | "last" | "hash" | "newest" | "sealedAt">;

export class SegmentTable {
  readonly workspace: string;
  readonly #db: Database;

  constructor(binding: D1Database, workspace: string) {
    this.workspace = workspace;
    this.#db = openDatabase(binding);
  }

  /** Oldest first. */
  list(): Promise<readonly SegmentRecord[]> {
    return this.#db
      .select()
      .from(ledgerSegments)
      .where(eq(ledgerSegments.workspace, this.workspace))
      .orderBy(asc(ledgerSegments.n));
  }

  async newest(): Promise<SegmentRecord | undefined> {
    const [row] = await this.#db
      .select()
      .from(ledgerSegments)
      .where(eq(ledgerSegments.workspace, this.workspace))
      .orderBy(desc(ledgerSegments.n))
      .limit(1);
    return row;
  }

  async find(n: number): Promise<SegmentRecord | undefined> {
    const [row] = await this.#db.select().from(ledgerSegments).where(this.#is(n));
    return row;
  }

  /** The one that this entry belongs to, moved or not. */
  async around(index: number): Promise<SegmentRecord | undefined> {
    const [row] = await this.#db
      .select()
      .from(ledgerSegments)
      .where(
        and(
          eq(ledgerSegments.workspace, this.workspace),
          lte(ledgerSegments.first, index),
          gte(ledgerSegments.last, index),
        ),
      )
      .limit(1);
    return row;
  }

  /** Everything up to here may still be in the open table, though a segment has it. */
  async hasOpenRows(upTo: number): Promise<boolean> {
    const rows = await this.#db
      .select({ idx: ledger.idx })
      .from(ledger)
      .where(and(eq(ledger.workspace, this.workspace), lte(ledger.idx, upTo)))
      .limit(1);
    return rows.length > 0;
  }

  async insert(segment: NewSegment): Promise<void> {
    await this.#db.insert(ledgerSegments).values({ workspace: this.workspace, ...segment });
  }

  async setMoved(n: number, at: number): Promise<void> {
    await this.#db
      .update(ledgerSegments)
      .set({ movedAt: at })
      .where(and(this.#is(n), isNull(ledgerSegments.movedAt)));
  }

  /** Nothing where it was dropped meanwhile. */
  async setExported(n: number, digest: string): Promise<void> {
    await this.#db
      .update(ledgerSegments)
      .set({ exported: digest })
      .where(and(this.#is(n), isNotNull(ledgerSegments.movedAt), isNull(ledgerSegments.droppedAt)));
  }

  async setDropped(n: number, at: number): Promise<void> {
    await this.#db
      .update(ledgerSegments)
      .set({ droppedAt: at })
      .where(and(this.#is(n), isNull(ledgerSegments.droppedAt)));
  }

  /** Undefined: everything is kept. */
  async retentionDays(): Promise<number | undefined> {
    const [row] = await this.#db
      .select({ days: ledgerRetention.days })
      .from(ledgerRetention)
      .where(eq(ledgerRetention.workspace, this.workspace));
    return row?.days;
  }

  async setRetention(days: number | undefined): Promise<void> {
    if (days === undefined) {
      await this.#db.delete(ledgerRetention).where(eq(ledgerRetention.workspace, this.workspace));
      return;
    }
    await this.#db
      .insert(ledgerRetention)
      .values({ workspace: this.workspace, days })
      .onConflictDoUpdate({ target: ledgerRetention.workspace, set: { days } });
  }

  #is(n: number) {
    return and(eq(ledgerSegments.workspace, this.workspace), eq(ledgerSegments.n, n));
  }
}
