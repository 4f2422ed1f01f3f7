/**
 * The checkpoints of a file: the first covers its entries, the others are of smaller sizes, as hosts cosigned them. Decides
 * which of them are of the same past, and so how much of it which host has seen. Remembers a bounded number.
 */
import { fromBase64url } from "../../protocol/bytes.ts";
import type { OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import { MAX_EARLIER_CHECKPOINTS, type LedgerLine } from "../../protocol/ledger-file.ts";
import { verifyConsistency } from "../../protocol/merkle.ts";
import type { Report } from "./report.ts";
import { noteText, readCheckpoint, type Room } from "./room.ts";
import type { Cover, Times } from "./times.ts";
import type { Met, WatchedRoots } from "./watched.ts";
import { cosignaturesOf, seenBy, type SeenBy, type SeenCosignature } from "./witnesses.ts";

type CheckpointLine = Extract<LedgerLine, { kind: "checkpoint" }>;

interface Earlier {
  readonly checkpoint: OpenedCheckpoint;
  readonly line: number;
  outcome?: { readonly verdict: Met };
}

interface HeldCosignature {
  readonly host: string;
  readonly at: number;
  readonly checkpoint: OpenedCheckpoint;
  readonly cover: Cover;
}

export class Notes {
  readonly #report: Report;
  #isEmpty = true;
  /** Undefined: it does not hold. */
  #covering: OpenedCheckpoint | undefined;
  readonly #earlier: Earlier[] = [];
  #held: readonly HeldCosignature[] = [];
  #root: { readonly verdict: Met } | undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  get covering(): OpenedCheckpoint | undefined {
    return this.#covering;
  }

  /** What the entries of a chain give at the covering size. */
  get root(): Met | undefined {
    return this.#root?.verdict;
  }

  async read({ note, consistency }: CheckpointLine, line: number, room: Room): Promise<void> {
    const isFirst = this.#isEmpty;
    this.#isEmpty = false;
    // Each costs signatures; what is passed over can only make less of the log witnessed.
    if (this.#earlier.length >= MAX_EARLIER_CHECKPOINTS) return this.#report.file("checkpoints_many", { line });
    const verdict = await readCheckpoint(noteText(note) ?? "", room);
    if (!verdict.ok) return this.#report.file(verdict.code, { line });
    const { checkpoint } = verdict;
    // Hosts may have cosigned under an earlier key; what covers the file must be of the present one.
    if (!isFirst) {
      if (checkpoint.size > (this.#covering?.size ?? 0)) return this.#report.file("line_order", { line });
      const outcome = consistency === undefined ? undefined : this.#beginsWith(checkpoint, consistency);
      this.#earlier.push({ checkpoint, line, ...(outcome === undefined ? {} : { outcome }) });
      return;
    }
    if (verdict.isOldKey) this.#report.file("checkpoint_old_key", { line });
    this.#covering = checkpoint;
  }

  /** Whether the log of the covering checkpoint begins with that of an earlier one. */
  #beginsWith({ size, root }: OpenedCheckpoint, consistency: readonly string[]): { readonly verdict: Met } {
    const covering = this.#covering;
    if (covering === undefined) return { verdict: "unmet" };
    const proof = consistency.map(fromBase64url);
    const holds = verifyConsistency({ from: size, to: covering.size, fromRoot: root, toRoot: covering.root, proof });
    return { verdict: holds ? "same" : "other" };
  }

  /** Before the first entry: a time can only be held against entries that are still to come. */
  async cosigned(room: Room, times: Times): Promise<void> {
    const all = [
      ...(this.#covering === undefined ? [] : [this.#covering]),
      ...this.#earlier.map((one) => one.checkpoint),
    ];
    const held: HeldCosignature[] = [];
    for (const checkpoint of all)
      for (const { host, at } of await cosignaturesOf(checkpoint, room))
        held.push({ host, at, checkpoint, cover: times.cover(at) });
    this.#held = held;
  }

  /** Roots that the entries of a chain must give. */
  watch(roots: WatchedRoots): void {
    if (this.#covering !== undefined) this.#root = roots.watch(this.#covering.size, this.#covering.root);
    for (const one of this.#earlier) one.outcome ??= roots.watch(one.checkpoint.size, one.checkpoint.root);
  }

  /** Those that were found to be of one past with the entries, the covering one first. Call after the last entry. */
  get agreed(): readonly OpenedCheckpoint[] {
    const earlier = this.#earlier.filter(({ outcome }) => outcome?.verdict === "same");
    return [...(this.#covering === undefined ? [] : [this.#covering]), ...earlier.map(({ checkpoint }) => checkpoint)];
  }

  judge(): void {
    for (const { outcome, line } of this.#earlier)
      if (outcome?.verdict === "other") this.#report.file("checkpoint_other", { line });
  }

  /** `newest`: index and time (milliseconds) of the newest entry here. */
  judgeWitnesses(room: Room, newest: { readonly last: number; readonly at: number }): SeenBy {
    const agreed = new Set(this.agreed);
    const cosigned = this.#held
      .filter(({ checkpoint }) => agreed.has(checkpoint))
      .map(({ host, at, checkpoint: { size }, cover }): SeenCosignature => {
        return { host, at, size, covers: Math.min(size, cover.before - 1) };
      });
    const seen = seenBy(cosigned, room, Math.floor(newest.at / 1_000));
    for (const { host, size, covers } of seen.cosigned)
      if (covers < size) this.#report.file("cosigned_early", { line: 0, index: covers + 1, host, detail: host });
    const { witnessedSize } = seen;
    if (witnessedSize < newest.last)
      this.#report.file("unwitnessed", { line: 0, detail: `${witnessedSize} of ${newest.last} witnessed` });
    return seen;
  }
}
