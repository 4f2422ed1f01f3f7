/** A checkpoint that whoever checks kept from earlier: the one thing that also finds a past rewritten with the log's own key. */
import { equalBytes } from "../../protocol/bytes.ts";
import type { Checkpoint, OpenedCheckpoint } from "../../protocol/checkpoint.ts";
import type { FileCode, Report } from "./report.ts";
import { readCheckpoint, type Room } from "./room.ts";
import type { Met, WatchedRoots } from "./watched.ts";

export class Kept {
  readonly #report: Report;
  /** Undefined: it was refused, which the report says. */
  readonly #checkpoint: OpenedCheckpoint | undefined;
  #outcome: { readonly verdict: Met } = { verdict: "unmet" };

  private constructor(checkpoint: OpenedCheckpoint | undefined, report: Report) {
    this.#checkpoint = checkpoint;
    this.#report = report;
  }

  /** Undefined where none was kept. Any key that the log ever had may have signed it. */
  static async read(note: string | undefined, room: Room, report: Report): Promise<Kept | undefined> {
    if (note === undefined) return undefined;
    const verdict = await readCheckpoint(note, room);
    if (verdict.ok) return new Kept(verdict.checkpoint, report);
    const code: FileCode = verdict.code === "checkpoint_workspace" ? "kept_workspace" : "kept_signature";
    report.file(code, { line: 0 });
    return new Kept(undefined, report);
  }

  get verdict(): Met {
    return this.#outcome.verdict;
  }

  watch(roots: WatchedRoots): void {
    if (this.#checkpoint !== undefined) this.#outcome = roots.watch(this.#checkpoint.size, this.#checkpoint.root);
  }

  /** `agreed`: checkpoints that are of one past with the file's entries, the one that covers them first. */
  judge(agreed: readonly Checkpoint[]): void {
    if (this.#checkpoint === undefined) return;
    const { size, root } = this.#checkpoint;
    const [covering] = agreed;
    // What the entries here do not reach may still have been signed at the same size.
    const same = agreed.find((one) => one.size === size);
    if (this.verdict === "unmet" && same !== undefined)
      this.#outcome = { verdict: equalBytes(same.root, root) ? "same" : "other" };
    const place = { line: 0, index: size };
    if (this.verdict === "other") return this.#report.file("kept_other", place);
    if (this.verdict === "same") return;
    const isShorter = covering !== undefined && size > covering.size;
    this.#report.file(isShorter ? "kept_longer" : "kept_unjudged", place);
  }
}
