/**
 * A file that begins late because a policy dropped what stood before says so, and is not believed: the entry of the
 * dropping comes after everything that it dropped, so a file that reaches the newest entry has it.
 */
import type { LedgerEntry } from "../../protocol/ledger.ts";
import type { Report } from "./report.ts";

interface Claim {
  /** Of the last entry that is said to be dropped. */
  readonly index: number;
  readonly hash: string;
}

export class Dropped {
  readonly #report: Report;
  #claim: Claim | undefined;
  #entry: number | undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  /** What an entry says was dropped; undefined where nothing is claimed, or none says so. */
  get said(): { readonly to: number; readonly entry: number } | undefined {
    const [to, entry] = [this.#claim?.index, this.#entry];
    return to === undefined || entry === undefined ? undefined : { to, entry };
  }

  claim({ index, hash }: Claim): void {
    this.#claim = { index, hash };
  }

  read({ action, index, detail: { segment } }: LedgerEntry): void {
    const claim = this.#claim;
    if (action !== "ledger.dropped" || claim === undefined || segment === undefined) return;
    const isInside = segment.first <= claim.index && claim.index <= segment.last;
    if (isInside && (claim.index < segment.last || claim.hash === segment.hash)) this.#entry = index;
  }

  /** `isNewest`: the file reaches the newest entry that there is. */
  judge(isNewest: boolean): void {
    if (this.#claim === undefined || this.#entry !== undefined) return;
    this.#report.file(isNewest ? "dropped_untold" : "dropped_unshown", { line: 0, index: this.#claim.index });
  }
}
