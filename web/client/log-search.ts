/**
 * Entries that match, from the newest back. The edge answers one action at a time, so several are asked for side by side
 * and merged; each entry is proven by itself to be in the signed log. That none was left out cannot be proven.
 */
import type { ActivityRow } from "../../protocol/contracts.ts";
import type { LedgerFilter } from "../../protocol/contracts/ledger.ts";
import type { LedgerAction } from "../../protocol/ledger.ts";
import type { LogQuery } from "../state/ledger.ts";
import { checkRow, faultOf, readRow, type ReadRow } from "./checked-row.ts";
import { isIncluded, type Checkpoints } from "./checkpoints.ts";
import type { Held } from "./log-held.ts";
import type { LedgerSource } from "./ledger-source.ts";
import type { TrustKeeper } from "./trust.ts";

const PAGE = 50;
/** Answers that may come back empty before the person is asked whether to look further. */
const MAX_EMPTY = 4;

export interface Match {
  readonly index: number;
  readonly held: Held;
}

export interface SearchDeps {
  readonly source: LedgerSource;
  readonly trust: TrustKeeper;
  readonly checkpoints: Checkpoints;
  /** A row that this page linked already: newer than every checkpoint, it has no proof of its own yet. */
  readonly linkedHash: (index: number) => string | undefined;
}

/** One question to the edge, and how far its answer goes. */
interface Stream {
  readonly action: LedgerAction | undefined;
  /** Newest first. */
  found: Match[];
  /** Everything from here on was looked at. */
  reached: number;
  isDone: boolean;
}

/** What a row of an answer is held against. */
interface Standing {
  readonly checkpoint: Awaited<ReturnType<Checkpoints["belonging"]>>;
  /** So many entries were signed before the question was asked. */
  readonly signed: number;
  readonly proof: readonly string[];
}

/** Entries before index `before`, down to the one after `floor`. */
export interface SearchRange {
  readonly before: number;
  readonly floor?: number;
  readonly limit?: number;
}

export class LogSearch {
  readonly #deps: SearchDeps;
  readonly #query: LogQuery;
  readonly #limit: number;
  readonly #floor: number;
  readonly #streams: readonly Stream[];

  constructor(deps: SearchDeps, query: LogQuery, { before, floor = 0, limit = PAGE }: SearchRange) {
    this.#deps = deps;
    this.#query = query;
    this.#limit = limit;
    this.#floor = floor;
    const actions = query.actions ?? [undefined];
    this.#streams = actions.map((action) => ({ action, found: [], reached: before, isDone: before <= floor + 1 }));
  }

  /** Down to this index nothing is missing. */
  get scanned(): number {
    return Math.max(1, ...this.#streams.map(({ reached, isDone }) => (isDone ? this.#floor + 1 : reached)));
  }

  get isDone(): boolean {
    return this.#streams.every(({ isDone }) => isDone);
  }

  /** The next ones, newest first; none: nothing within the next stretch. @throws {TroubleError} */
  async next(): Promise<readonly Match[]> {
    for (let asked = 0; asked < MAX_EMPTY * this.#streams.length && !this.isDone; asked += 1) {
      await this.#ask(this.#furthestBehind());
      const ready = this.#takeReady();
      if (ready.length > 0) return ready;
    }
    return this.#takeReady();
  }

  #furthestBehind(): Stream {
    const open = this.#streams.filter(({ isDone }) => !isDone);
    const [first] = open.toSorted((a, b) => b.reached - a.reached);
    if (first === undefined) throw new TypeError("search: nothing left to ask");
    return first;
  }

  #takeReady(): readonly Match[] {
    const bound = this.scanned;
    const ready: Match[] = [];
    for (const stream of this.#streams) {
      ready.push(...stream.found.filter(({ index }) => index >= bound));
      stream.found = stream.found.filter(({ index }) => index < bound);
    }
    return ready.toSorted((a, b) => b.index - a.index);
  }

  async #ask(stream: Stream): Promise<void> {
    const { source } = this.#deps;
    const filter = filterOf(this.#query, stream.action);
    // Whatever is signed by now comes with its proof.
    const { signed } = this.#deps.checkpoints;
    const answer = await source.rows({ before: stream.reached, limit: this.#limit, filter });
    const { rows, inclusion = [], checkpoint: note, scanned, droppedTo = 0 } = answer;
    const checkpoint = note === undefined ? undefined : await this.#deps.checkpoints.belonging(note);
    for (const [place, row] of rows.entries()) {
      if (row.index >= stream.reached) continue; // an answer that repeats itself would never end
      stream.found.push({
        index: row.index,
        held: await this.#judge(row, { checkpoint, signed, proof: inclusion[place] ?? [] }),
      });
    }
    const lowest = Math.min(stream.reached, ...rows.map(({ index }) => index));
    const isFull = rows.length >= this.#limit;
    const reached = isFull ? lowest : Math.min(lowest, scanned ?? 1);
    stream.isDone =
      reached <= Math.max(droppedTo, this.#floor) + 1 ||
      (!isFull && scanned === undefined) ||
      reached >= stream.reached;
    stream.reached = Math.max(1, reached);
  }

  async #judge(row: ActivityRow, standing: Standing): Promise<Held> {
    const { trust, checkpoints } = this.#deps;
    const { workspace } = trust.state.value ?? (await trust.refresh());
    const read = readRow(row, row.index, workspace);
    if (typeof read === "string") return { kind: "broken", reason: faultOf(row.index, read) };
    const place = this.#placeOf(read, standing);
    if (place === "false") return { kind: "broken", reason: `Entry ${row.index} is not the one in the signed log.` };
    if (place === "bare")
      return { kind: "broken", reason: `Entry ${row.index} comes without a proof, though a checkpoint covers it.` };
    if (place === "proven") checkpoints.saw([read.entry]);
    const state = await trust.refreshIfUnknown(read.entry);
    return { kind: "row", checked: await checkRow(read, state), linked: place === "proven" };
  }

  #placeOf({ row }: ReadRow, { checkpoint, signed, proof }: Standing): "proven" | "unproven" | "bare" | "false" {
    const known = this.#deps.linkedHash(row.index);
    if (known !== undefined) return known === row.hash ? "proven" : "false";
    if (checkpoint === undefined || row.index > checkpoint.size) return row.index > signed ? "unproven" : "bare";
    const { index, hash } = row;
    return isIncluded(checkpoint, { index, hash, inclusion: proof }) ? "proven" : "false";
  }
}

/** Never empty: only what a filter finds comes with proofs. */
function filterOf({ since = 0, until, actor, host }: LogQuery, action: LedgerAction | undefined): LedgerFilter {
  return {
    since,
    ...(until === undefined ? {} : { until }),
    ...(actor === undefined ? {} : { actor }),
    ...(host === undefined ? {} : { host }),
    ...(action === undefined ? {} : { action }),
  };
}
