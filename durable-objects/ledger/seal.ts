/**
 * Decides when a full segment of the ledger is sealed, after a checkpoint that covers it: the entry that says so first,
 * then the segment's row, then its object, which does the rest. At least as many entries as a segment has stay open, so
 * that what makes appends idempotent is still there. Looks again at every checkpoint, so nothing is left half done.
 */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import { parseCheckpoint } from "../../protocol/checkpoint.ts";
import { entryCodec, type CheckpointView, type LedgerDraft } from "../../protocol/ledger.ts";
import { ZERO_DIGEST } from "../../protocol/messages.ts";
import { decodeNote } from "../../protocol/note.ts";
import type { SegmentRecord } from "../../migrations/schema.ts";
import { edgeSeconds } from "../clock.ts";
import { SegmentTable, type NewSegment } from "../db/segment-table.ts";
import { segmentOf, type Env } from "../env.ts";
import { logFault, logStep } from "../log.ts";
import type { SegmentTask } from "../segment/segment-rows.ts";
import { TILE_HASHES } from "./tiles.ts";

export interface SealingDeps {
  readonly env: Pick<Env, "DB" | "SEGMENT">;
  readonly workspace: string;
  readonly append: (draft: LedgerDraft) => Promise<{ readonly ok: boolean }>;
  /** Entries of a segment. */
  readonly entries: number;
}

export class Sealing {
  readonly #deps: SealingDeps;
  readonly #segments: SegmentTable;
  /** In memory only: below this size there is nothing to do, and nobody needs to ask the database. */
  #nextSize = 0;

  constructor(deps: SealingDeps) {
    this.#deps = deps;
    this.#segments = new SegmentTable(deps.env.DB, deps.workspace);
  }

  /** A checkpoint was signed. Never throws: whoever signed is not to suffer from what happens after. */
  async look({ size, note }: { readonly size: number; readonly note: string }): Promise<void> {
    if (size < this.#nextSize) return;
    try {
      const newest = await this.#segments.newest();
      if (newest !== undefined && (await this.#isUnfinished(newest))) return await this.#seal(newest, viewOf(note));
      const first = (newest?.last ?? 0) + 1;
      const last = first + this.#deps.entries - 1;
      // What leaves must be in tiles: without rows there is nothing to compute a missing one from.
      const due = Math.max(last + this.#deps.entries, Math.ceil(last / TILE_HASHES) * TILE_HASHES);
      if (size < due) this.#nextSize = due;
      else await this.#next({ n: (newest?.n ?? 0) + 1, first, last }, viewOf(note));
    } catch (error) {
      logFault("seal", error, { size });
    }
  }

  async #isUnfinished({ movedAt, last }: SegmentRecord): Promise<boolean> {
    return movedAt === null || this.#segments.hasOpenRows(last);
  }

  async #next(place: Pick<NewSegment, "n" | "first" | "last">, signed: CheckpointView): Promise<void> {
    const { append, env, workspace } = this.#deps;
    const row = await env.DB.prepare("SELECT body, hash FROM ledger WHERE workspace = ?1 AND idx = ?2")
      .bind(workspace, place.last)
      .first<{ readonly body: string; readonly hash: string }>();
    if (row === null) return; // cut since; the next checkpoint is not signed
    const { hash } = row;
    const written = await append({
      actor: { kind: "edge" },
      action: "ledger.sealed",
      detail: { segment: { ...place, hash } },
      subject: String(place.n),
    });
    if (!written.ok) return;
    const newest = Math.floor(entryCodec.decode(utf8(row.body)).at / 1_000);
    const segment = { ...place, hash, newest, sealedAt: edgeSeconds() };
    await this.#segments.insert(segment);
    logStep("sealed", place);
    await this.#seal(segment, signed);
  }

  async #seal({ n, first, last, hash }: NewSegment, signed: CheckpointView): Promise<void> {
    const { env, workspace } = this.#deps;
    const earlier = n === 1 ? undefined : await this.#segments.find(n - 1);
    const before = earlier?.hash ?? ZERO_DIGEST;
    const task: SegmentTask = { workspace, n, first, last, before, hash, signed };
    await segmentOf(env, workspace, n).seal(task);
  }
}

export function viewOf(note: string): CheckpointView {
  const { size, root } = parseCheckpoint(decodeNote(note).text);
  return { size, root: toBase64url(root) };
}
