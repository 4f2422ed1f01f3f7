/**
 * The rows of the log that this page holds: the newest, which grow, and whatever part somebody scrolled to. Each is
 * linked backwards to one whose place a proof shows, so no part needs the ones before it. Bounded: what nobody looks at
 * is forgotten.
 */
import { signal } from "@preact/signals";
import type { ActivityRow } from "../../protocol/contracts.ts";
import { CHAIN_START, type ChainPosition } from "../../protocol/ledger.ts";
import type { LedgerFailure } from "../state/ledger.ts";
import type { Trouble } from "../state/backend.ts";
import { checkRow, faultOf, linkRows, readRow, type CheckedRow, type ReadRow, type Run } from "./checked-row.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { partnersOf } from "./entry-view.ts";
import type { LedgerSource } from "./ledger-source.ts";
import { troubleOf } from "./trouble.ts";
import type { TrustKeeper } from "./trust.ts";

/** Rows of one answer while scrolling: a few screens. */
const PAGE = 60;
/** The newest rows of a visit, fetched at once: the pages that show the latest have enough, and a small log is whole. */
const NEWEST = 200;
const GROWTH = 500;
/** A page that slept behind this many entries begins anew from the end; what it saw is compared all the same. */
const MAX_CATCH_UP = 2_000;
/** Newest rows that are never forgotten while the page is open. */
const MAX_NEWEST = 1_000;
/** About 4 kB each with its receipt. */
const MAX_HELD = 4_000;

export type Held =
  | { readonly kind: "row"; readonly checked: CheckedRow; readonly linked: boolean }
  | { readonly kind: "broken"; readonly reason: string };

export interface KeeperDeps {
  readonly source: LedgerSource;
  readonly trust: TrustKeeper;
  readonly checkpoints: Checkpoints;
}

interface Span {
  readonly first: number;
  readonly last: number;
}

type Verdict = "proven" | "unproven" | { readonly reason: string };

/** What is derived from the rows held at one moment. */
interface Derived {
  readonly partners: ReadonlyMap<number, number>;
  /** From here to the end nothing is missing. */
  readonly wholeFrom: number;
}

export class LogKeeper {
  readonly #deps: KeeperDeps;
  readonly changed = signal(0);
  readonly trouble = signal<Trouble | undefined>(undefined);
  readonly #items = new Map<number, Held>();
  #derived: Derived | undefined;
  #head: ChainPosition = CHAIN_START;
  #from = 1;
  #isEndLinked = false;
  #signedTo = 0;
  #droppedTo = 0;
  #failure: LedgerFailure | undefined;
  #wish: Span | undefined;
  #isFetching = false;
  /** Of this session of the page: a fetch that `forget` overtook keeps nothing. */
  #visit = Symbol("visit");

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  get head(): ChainPosition {
    return this.#head;
  }

  /** First of the newest rows, which are held without a gap. */
  get from(): number {
    return this.#from;
  }

  get isEndLinked(): boolean {
    return this.#isEndLinked;
  }

  get droppedTo(): number {
    return this.#droppedTo;
  }

  get failure(): LedgerFailure | undefined {
    return this.#failure;
  }

  held(index: number): Held | undefined {
    return this.#items.get(index);
  }

  partnerOf(index: number): CheckedRow | undefined {
    const partner = this.#derive().partners.get(index);
    const held = partner === undefined ? undefined : this.#items.get(partner);
    return held?.kind === "row" ? held.checked : undefined;
  }

  isAtEnd(index: number): boolean {
    return index >= this.#derive().wholeFrom;
  }

  forget(): void {
    this.#visit = Symbol("visit");
    this.#items.clear();
    this.#head = CHAIN_START;
    this.#from = 1;
    this.#isEndLinked = false;
    this.#signedTo = 0;
    this.#droppedTo = 0;
    this.#failure = undefined;
    this.#wish = undefined;
    this.#change();
  }

  fail(failure: LedgerFailure): void {
    const held = this.#failure;
    // The log as a whole first, then the oldest entry: from there on nothing follows.
    if (held !== undefined && (held.of === "log" || (failure.of === "entry" && held.index <= failure.index))) return;
    this.#failure = failure;
    this.#change();
  }

  /** The newest rows, when none is held. @throws {TroubleError} */
  async begin(): Promise<void> {
    const visit = this.#visit;
    const { rows, head, droppedTo = 0 } = await this.#deps.source.rows({ limit: NEWEST });
    if (visit !== this.#visit) return;
    this.#droppedTo = droppedTo;
    const last = Math.max(head.index, ...rows.map(({ index }) => index));
    const first = Math.max(1, droppedTo + 1, last - NEWEST + 1);
    if (last === 0) return;
    const shown = rows.find(({ index }) => index === head.index);
    if (shown !== undefined && shown.hash !== head.hash) this.#failEntry(head.index, OTHER_END);
    await this.#take(rows, { first, last });
    if (visit !== this.#visit) return;
    const top = this.#items.get(last);
    this.#from = first;
    this.#head = { index: last, hash: top?.kind === "row" ? top.checked.row.hash : head.hash };
    this.#isEndLinked = top?.kind === "row" && top.linked;
    this.#change();
  }

  /** What was written since. @throws {TroubleError} */
  async grow(): Promise<void> {
    const visit = this.#visit;
    for (;;) {
      const { rows, head } = await this.#deps.source.rows({ after: this.#head.index, limit: GROWTH });
      if (visit !== this.#visit) return;
      if (rows.length === 0) return this.#judgeEnd(head);
      if (head.index - this.#head.index > MAX_CATCH_UP) return this.#beginAnew();
      if (!(await this.#append(rows)) || visit !== this.#visit) return;
      if (rows.length < GROWTH) return;
    }
  }

  /** The newest checkpoint covers rows that are held: from now on they stand in a signed log. @throws {TroubleError} */
  async settle(): Promise<void> {
    const { newest } = this.#deps.checkpoints;
    if (newest === undefined || newest.size <= this.#signedTo || newest.size > this.#head.index) return;
    const held = this.#items.get(newest.size);
    if (held?.kind !== "row") return;
    if ((await this.#isProven(held.checked)) !== true)
      return this.#failEntry(newest.size, `Entry ${newest.size} is not the one in the signed log.`);
    this.#signedTo = newest.size;
    if (!this.#isEndLinked) this.#linkEnd();
    this.#change();
  }

  /** Both included. Only the newest wish counts: whoever scrolls on does not wait for what they passed. */
  want(first: number, last: number): void {
    this.#wish = { first: Math.max(first, this.#droppedTo + 1, 1), last: Math.min(last, this.#head.index) };
    this.retry();
  }

  /** Asks again for what is wanted and is not here. */
  retry(): void {
    if (!this.#isFetching) void this.#fetchWanted();
  }

  async #fetchWanted(): Promise<void> {
    this.#isFetching = true;
    try {
      for (let span = this.#missing(); span !== undefined; span = this.#missing()) await this.#load(span);
      this.trouble.value = undefined;
    } catch (error) {
      this.trouble.value = troubleOf(error);
    } finally {
      this.#isFetching = false;
    }
  }

  /** The newest part of the wish that is not held, at most a page. */
  #missing(): Span | undefined {
    if (this.#wish === undefined) return undefined;
    const { first: wanted, last: end } = this.#wish;
    let last = end;
    while (last >= wanted && this.#items.has(last)) last -= 1;
    if (last < wanted) return undefined;
    let first = last;
    const lowest = Math.max(1, this.#droppedTo + 1, last - PAGE + 1);
    while (first > lowest && !this.#items.has(first - 1)) first -= 1;
    return { first, last };
  }

  async #load(span: Span): Promise<void> {
    const visit = this.#visit;
    const limit = span.last - span.first + 1;
    const { rows, droppedTo = 0 } = await this.#deps.source.rows({ before: span.last + 1, limit });
    if (visit !== this.#visit) return;
    this.#droppedTo = Math.max(this.#droppedTo, droppedTo);
    await this.#take(rows, { first: Math.max(span.first, this.#droppedTo + 1), last: span.last });
    this.#forgetFar();
    this.#change();
  }

  /** Reads, links, proves and keeps rows; what does not hold stays as a gap that says why. */
  async #take(rows: readonly ActivityRow[], span: Span): Promise<void> {
    const visit = this.#visit;
    const state = this.#deps.trust.state.value ?? (await this.#deps.trust.refresh());
    const { runs, broken } = linkRows(rows, { ...span, workspace: state.workspace });
    const taken = new Map<number, Held>();
    const failures: [number, string][] = [...broken].map(([index, fault]) => [index, faultOf(index, fault)]);
    for (const run of runs.toReversed()) {
      const { index: first } = run[0].entry;
      const isLast = run === runs.at(-1);
      const verdict = await this.#judgeRun(run, { isEnd: isLast && span.last >= this.#head.index });
      if (typeof verdict === "object") failures.push([top(run).entry.index, verdict.reason]);
      // Two whole runs that touch and do not fit: one of them is not of this log, and perhaps nothing tells which.
      else if (verdict === "unproven" && runs.some((other) => top(other).entry.index === first - 1))
        failures.push([first, `Entry ${first} does not follow from the entry before it.`]);
      for (const held of await this.#check(run, verdict === "proven")) taken.set(held.checked.entry.index, held);
    }
    if (visit !== this.#visit) return;
    for (const [index, reason] of failures) {
      if (!taken.has(index)) taken.set(index, { kind: "broken", reason });
      this.#failEntry(index, reason);
    }
    for (const [index, held] of taken) this.#items.set(index, held);
  }

  async #check(run: readonly ReadRow[], linked: boolean): Promise<(Held & { readonly kind: "row" })[]> {
    const held: (Held & { readonly kind: "row" })[] = [];
    for (const read of run) {
      const state = await this.#deps.trust.refreshIfUnknown(read.entry);
      held.push({ kind: "row", checked: await checkRow(read, state), linked });
    }
    return held;
  }

  /** A run stands in the log when its newest row does: that row names the one before it, and so on. */
  async #judgeRun(run: Run, { isEnd }: { readonly isEnd: boolean }): Promise<Verdict> {
    const newest = top(run);
    const { index } = newest.entry;
    const after = this.#items.get(index + 1);
    if (after?.kind === "row" && after.linked)
      return after.checked.entry.previous === newest.row.hash ? "proven" : { reason: faultOf(index, "previous") };
    const { newest: checkpoint, base } = this.#deps.checkpoints;
    // The very end is covered by no checkpoint yet; it stands on the row that is, and asking for more would sign for us.
    const covered = isEnd ? run.find(({ entry }) => entry.index === checkpoint?.size) : undefined;
    const proven = await this.#isProven(covered ?? newest);
    if (proven === true && covered !== undefined) this.#signedTo = covered.entry.index;
    if (proven !== undefined) return proven ? "proven" : { reason: `Entry ${index} is not the one in the signed log.` };
    // Nothing was ever signed: then a chain from the first entry on is all there is.
    return base === undefined && run[0].entry.index === 1 ? "proven" : "unproven";
  }

  /** Undefined: the edge has no proof to give. */
  async #isProven({ row, entry }: ReadRow): Promise<boolean | undefined> {
    const proof = await this.#deps.source.proof(entry.index);
    if (proof === undefined) return undefined;
    const { inclusion, checkpoint: note } = proof;
    return (await this.#deps.checkpoints.proveRow(entry.index, { hash: row.hash, inclusion, note })) !== undefined;
  }

  /** False when the new rows do not follow from the ones held. */
  async #append(rows: readonly ActivityRow[]): Promise<boolean> {
    const visit = this.#visit;
    const state = this.#deps.trust.state.value ?? (await this.#deps.trust.refresh());
    const first = this.#head.index + 1;
    const last = this.#head.index + rows.length;
    const { runs, broken } = linkRows(rows, { first, last, workspace: state.workspace });
    const [run] = runs;
    const follows = run !== undefined && run[0].entry.index === first && run[0].entry.previous === this.#head.hash;
    const held = follows ? await this.#check(run, this.#isEndLinked) : [];
    if (visit !== this.#visit) return false;
    for (const one of held) this.#items.set(one.checked.entry.index, one);
    const newest = held.at(-1)?.checked;
    if (newest !== undefined) this.#head = { index: newest.entry.index, hash: newest.row.hash };
    if (this.#head.index - this.#from >= MAX_NEWEST) this.#from = this.#head.index - NEWEST + 1;
    this.#change();
    if (held.length === rows.length) return true;
    const index = this.#head.index + 1;
    const fault = broken.get(index);
    this.#failEntry(
      index,
      fault === undefined ? `Entry ${index} does not follow from the entry before it.` : faultOf(index, fault),
    );
    return false;
  }

  #judgeEnd(head: ChainPosition): void {
    if (head.index < this.#head.index)
      this.fail({ index: head.index + 1, reason: shorter(this.#head.index, head.index), of: "log" });
    else if (head.index === this.#head.index && head.hash !== this.#head.hash) this.#failEntry(head.index, OTHER_END);
  }

  async #beginAnew(): Promise<void> {
    const seen = this.#head;
    this.#items.clear();
    this.#head = CHAIN_START;
    await this.begin();
    await this.judgeSeen(seen);
  }

  /** When the edge says that it was written, seconds: good for finding a day, and for nothing else. */
  async unverifiedTimeOf(index: number): Promise<number> {
    const { rows } = await this.#deps.source.rows({ before: index + 1, limit: 1 });
    const { workspace } = this.#deps.trust.state.value ?? (await this.#deps.trust.refresh());
    const read = readRow(rows[0], index, workspace);
    return typeof read === "string" ? 0 : read.entry.at / 1000;
  }

  /** What was the end of the log once must still be in it. @throws {TroubleError} */
  async judgeSeen(seen: ChainPosition): Promise<void> {
    if (seen.index > this.#head.index)
      return this.fail({ index: this.#head.index + 1, reason: shorter(seen.index, this.#head.index), of: "log" });
    if (seen.index <= this.#droppedTo) return;
    const held = this.#items.get(seen.index);
    const hash = held?.kind === "row" ? held.checked.row.hash : (await this.#deps.source.proof(seen.index))?.row.hash;
    if (hash !== undefined && hash !== seen.hash)
      this.#failEntry(seen.index, `Entry ${seen.index} is not the one this browser verified before.`);
  }

  /** The rows at the end were linked to each other all along; now one of them is proven. */
  #linkEnd(): void {
    this.#isEndLinked = true;
    for (let index = this.#head.index; index >= this.#from; index -= 1) {
      const held = this.#items.get(index);
      if (held?.kind !== "row" || held.linked) return;
      this.#items.set(index, { ...held, linked: true });
    }
  }

  #failEntry(index: number, reason: string): void {
    this.fail({ index, reason, of: "entry" });
  }

  /** Whatever is furthest from what is wanted, but never the newest rows. */
  #forgetFar(): void {
    if (this.#items.size <= MAX_HELD || this.#wish === undefined) return;
    const middle = (this.#wish.first + this.#wish.last) / 2;
    const old = [...this.#items.keys()].filter((index) => index < this.#from);
    const far = old.toSorted((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const index of far.slice(0, this.#items.size - Math.floor(MAX_HELD * 0.75))) this.#items.delete(index);
  }

  #derive(): Derived {
    if (this.#derived !== undefined) return this.#derived;
    const indices = [...this.#items.keys()].toSorted((a, b) => a - b);
    const rows = indices.flatMap((index) => {
      const held = this.#items.get(index);
      return held?.kind === "row" ? [held.checked] : [];
    });
    let wholeFrom = this.#head.index + 1;
    while (this.#items.get(wholeFrom - 1)?.kind === "row") wholeFrom -= 1;
    this.#derived = { partners: partnersOf(rows), wholeFrom };
    return this.#derived;
  }

  #change(): void {
    this.#derived = undefined;
    this.changed.value += 1;
  }
}

const OTHER_END = "The log ends in another entry than the one shown.";

function shorter(before: number, now: number): string {
  return `This browser saw a log of ${before} entries, and what is shown now has ${now}: it was cut.`;
}

function top(run: Run): ReadRow {
  return run.at(-1) ?? run[0];
}
