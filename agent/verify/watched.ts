/** Roots that a stream of entries must have at certain sizes: the covering checkpoint's, cosigned ones, the reader's own. */
import { equalBytes } from "../../protocol/bytes.ts";
import type { Hash } from "../../protocol/merkle.ts";
import type { GrowingTree } from "./tree.ts";

interface Watched {
  readonly size: number;
  readonly root: Hash;
  settle(verdict: Met): void;
}

/** `unmet`: the stream began later or ended before. */
export type Met = "same" | "other" | "unmet";

export class WatchedRoots {
  /** By size, the smallest last. */
  readonly #waiting: Watched[] = [];

  /** What became of it, once `met` or `end` was called. */
  watch(size: number, root: Hash): { readonly verdict: Met } {
    const outcome: { verdict: Met } = { verdict: "unmet" };
    this.#waiting.push({ size, root, settle: (verdict) => (outcome.verdict = verdict) });
    this.#waiting.sort((a, b) => b.size - a.size);
    return outcome;
  }

  /** The size that comes next; no entry needs to ask before. */
  get next(): number {
    return this.#waiting.at(-1)?.size ?? Number.POSITIVE_INFINITY;
  }

  meet(tree: GrowingTree): void {
    for (let one = this.#waiting.at(-1); one !== undefined && one.size <= tree.size; one = this.#waiting.at(-1)) {
      this.#waiting.pop();
      if (one.size === tree.size) one.settle(equalBytes(one.root, tree.root()) ? "same" : "other");
    }
  }
}
