/** What the Worker reads of a workspace's log: entries, the tree over them, and what was signed of it. Writes nothing. */
import { CheckpointTable, type StoredCheckpoint } from "../durable-objects/db/checkpoint-table.ts";
import { LedgerReader } from "../durable-objects/db/ledger-reader.ts";
import { LedgerTree } from "../durable-objects/db/ledger-tree.ts";
import { SegmentTable } from "../durable-objects/db/segment-table.ts";
import { segmentOf, type Env } from "../durable-objects/env.ts";
import type { LedgerSegment } from "../durable-objects/segment.ts";
import { MAX_CHECKPOINTS_LISTED } from "../protocol/limits.ts";
import { decodeNote } from "../protocol/note.ts";

export class LedgerBooks {
  readonly reader: LedgerReader;
  readonly tree: LedgerTree;
  readonly checkpoints: CheckpointTable;
  readonly segments: SegmentTable;
  readonly #env: Pick<Env, "DB" | "LEDGER" | "SEGMENT">;
  readonly #workspace: string;

  constructor(env: Pick<Env, "DB" | "LEDGER" | "SEGMENT">, workspace: string) {
    this.reader = new LedgerReader(env, workspace);
    this.tree = new LedgerTree(env.DB, workspace, this.reader);
    this.checkpoints = new CheckpointTable(env.DB, workspace);
    this.segments = new SegmentTable(env.DB, workspace);
    this.#env = env;
    this.#workspace = workspace;
  }

  /**
   * Of the newest checkpoints that cover an entry the one that most hosts cosigned; where none covers it yet, one is
   * signed now. Undefined: the writer refuses to sign.
   */
  async covering(index: number): Promise<Pick<StoredCheckpoint, "size" | "note"> | undefined> {
    const listed = await this.checkpoints.list(MAX_CHECKPOINTS_LISTED);
    const covering = listed.filter(({ size }) => size >= index);
    const [best] = covering.toSorted((a, b) => signaturesOf(b) - signaturesOf(a) || b.size - a.size);
    return best ?? this.newest();
  }

  /** One that covers everything written so far. Undefined: the writer refuses to sign. */
  async newest(): Promise<Pick<StoredCheckpoint, "size" | "note"> | undefined> {
    const signed = await this.#env.LEDGER.getByName(this.#workspace).checkpoint(this.#workspace);
    return signed.ok ? signed : undefined;
  }

  /** The object that has this segment, or had it. */
  segment(n: number): DurableObjectStub<LedgerSegment> {
    return segmentOf(this.#env, this.#workspace, n);
  }

  refusal() {
    return this.#env.LEDGER.getByName(this.#workspace).refusal(this.#workspace);
  }
}

function signaturesOf({ note }: { readonly note: string }): number {
  return decodeNote(note).signatures.length;
}
