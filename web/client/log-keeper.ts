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
import type { LedgerSource } from "./ledger-source.ts";
import { judgeDropped } from "./log-dropped.ts";
import { HeldRows, type Held, type Span } from "./log-held.ts";
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

export interface KeeperDeps {
  readonly source: LedgerSource;
  readonly trust: TrustKeeper;
  readonly checkpoints: Checkpoints;
  /** Index of the newest entry before that moment. */
  readonly indexBefore: (at: number) => Promise<number>;
}

type Verdict = "proven" | "unproven" | { readonly reason: string };

export class LogKeeper {
  readonly #deps: KeeperDeps;
  readonly changed = signal(0);
  readonly trouble = signal<Trouble | undefined>(undefined);
  readonly #rows = new HeldRows();
  #head: ChainPosition = CHAIN_START;
  #from = 1;
  #isEndLinked = false;
  /** The newest row whose place in the signed log was proven; what is linked and older stands in it too. */
  #provenTo = 0;
  /** What the edge does not give out any more, by its own word; and as far as the log says the same. */
  #floor = 0;
  #droppedTo = 0;
  /** An answer to that may change once more than this is signed. */
  #floorJudgedAt = 0;
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

  /** No row after it is witnessed, however it is linked. */
  get provenTo(): number {
    return this.#provenTo;
  }

  /** What an honest log has here for ever: the newest row that is proven; where nothing was ever signed, the end. */
  get lasting(): ChainPosition | undefined {
    if (this.#deps.checkpoints.base === undefined) return this.#isEndLinked ? this.#head : undefined;
    const hash = this.#rows.linkedHash(this.#provenTo);
    return hash === undefined ? undefined : { index: this.#provenTo, hash };
  }

  /** An entry of the log says so. */
  get droppedTo(): number {
    return this.#droppedTo;
  }

  get failure(): LedgerFailure | undefined {
    return this.#failure;
  }

  held(index: number): Held | undefined {
    return this.#rows.get(index);
  }

  linkedHash(index: number): string | undefined {
    return this.#rows.linkedHash(index);
  }

  partnerOf(index: number): CheckedRow | undefined {
    return this.#rows.partnerOf(index);
  }

  isAtEnd(index: number): boolean {
    return index >= this.#rows.wholeFrom(this.#head.index);
  }

  forget(): void {
    this.#visit = Symbol("visit");
    this.#rows.clear();
    this.#head = CHAIN_START;
    this.#from = 1;
    this.#isEndLinked = false;
    this.#provenTo = 0;
    this.#floor = 0;
    this.#droppedTo = 0;
    this.#floorJudgedAt = 0;
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
    const signed = this.#deps.checkpoints.signed;
    const { rows, head, droppedTo = 0 } = await this.#deps.source.rows({ limit: NEWEST });
    if (visit !== this.#visit) return;
    const last = Math.max(head.index, ...rows.map(({ index }) => index));
    this.#judgeLength(last, signed);
    this.#floor = droppedTo < last ? Math.max(droppedTo, this.#droppedTo) : 0;
    const first = Math.max(1, this.#floor + 1, last - NEWEST + 1);
    if (last === 0) return this.#judgeFloor(droppedTo);
    const shown = rows.find(({ index }) => index === head.index);
    if (shown !== undefined && shown.hash !== head.hash) this.#failEntry(head.index, OTHER_END);
    await this.#take(rows, { first, last });
    if (visit !== this.#visit) return;
    const top = this.#rows.get(last);
    this.#from = first;
    this.#head = { index: last, hash: top?.kind === "row" ? top.checked.row.hash : head.hash };
    this.#isEndLinked = top?.kind === "row" && top.linked;
    this.#change();
    await this.#judgeFloor(droppedTo);
  }

  /** What was written since. @throws {TroubleError} */
  async grow(): Promise<void> {
    const visit = this.#visit;
    const signed = this.#deps.checkpoints.signed;
    for (let isMore = true; isMore;) {
      const { rows, head } = await this.#deps.source.rows({ after: this.#head.index, limit: GROWTH });
      if (visit !== this.#visit) return;
      if (rows.length === 0) this.#judgeEnd(head);
      else if (head.index - this.#head.index > MAX_CATCH_UP) return this.#beginAnew();
      else if (!(await this.#append(rows)) || visit !== this.#visit) return;
      isMore = rows.length === GROWTH;
    }
    this.#judgeLength(this.#head.index, signed);
    if (this.#deps.checkpoints.signed > this.#floorJudgedAt) await this.#judgeFloor(this.#floor);
  }

  /** The newest checkpoint covers rows that are held: from now on they stand in a signed log. @throws {TroubleError} */
  async settle(): Promise<void> {
    const visit = this.#visit;
    const { newest } = this.#deps.checkpoints;
    // One that is longer than what was read so far: the next look finds its rows, or says that they are not there.
    if (newest === undefined || newest.size <= this.#provenTo || newest.size > this.#head.index) return;
    const held = this.#rows.get(newest.size);
    if (held?.kind !== "row") return;
    const proven = await this.#isProven(held.checked);
    if (visit !== this.#visit) return;
    if (proven !== true) return this.#doubtEnd(newest.size, proven === undefined ? UNPROVEN : MISPLACED);
    this.#provenTo = newest.size;
    if (!this.#isEndLinked) this.#linkEnd();
    this.#change();
  }

  /** Both included. Only the newest wish counts: whoever scrolls on does not wait for what they passed. */
  want(first: number, last: number): void {
    this.#wish = { first: Math.max(first, 1), last: Math.min(last, this.#head.index) };
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

  #missing(): Span | undefined {
    const wish = this.#wish;
    if (wish === undefined) return undefined;
    return this.#rows.missing({ first: Math.max(wish.first, this.#floor + 1), last: wish.last }, PAGE);
  }

  async #load(span: Span): Promise<void> {
    const visit = this.#visit;
    const limit = span.last - span.first + 1;
    const { rows, droppedTo = 0 } = await this.#deps.source.rows({ before: span.last + 1, limit });
    if (visit !== this.#visit) return;
    if (droppedTo > this.#floor) await this.#judgeFloor(droppedTo);
    if (visit !== this.#visit) return;
    await this.#take(rows, { first: Math.max(span.first, this.#floor + 1), last: span.last });
    if (this.#wish !== undefined) this.#rows.forgetFar(this.#wish, this.#from);
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
    for (const [index, held] of taken) this.#rows.set(index, held);
    this.#deps.checkpoints.saw([...taken.values()].flatMap((held) => (isLinked(held) ? [held.checked.entry] : [])));
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
    const after = this.#rows.get(index + 1);
    if (after?.kind === "row" && after.linked)
      return after.checked.entry.previous === newest.row.hash ? "proven" : { reason: faultOf(index, "previous") };
    const { newest: checkpoint } = this.#deps.checkpoints;
    // The very end is covered by no checkpoint yet; it stands on the row that is, and asking for more would sign for us.
    const covered = isEnd ? run.find(({ entry }) => entry.index === checkpoint?.size) : undefined;
    const asked = covered ?? newest;
    const signed = this.#deps.checkpoints.signed;
    const proven = await this.#isProven(asked);
    if (proven === true && isEnd) this.#provenTo = Math.max(this.#provenTo, asked.entry.index);
    if (proven !== undefined) return proven ? "proven" : { reason: MISPLACED(index) };
    if (asked.entry.index <= signed) return { reason: UNPROVEN(asked.entry.index) };
    // Nothing was ever signed: then a chain from the first entry on is all there is.
    return signed === 0 && run[0].entry.index === 1 ? "proven" : "unproven";
  }

  /** Undefined: the edge has no proof to give. */
  #isProven({ row, entry }: ReadRow): Promise<boolean | undefined> {
    return this.#isPlaced({ index: entry.index, hash: row.hash });
  }

  async #isPlaced({ index, hash }: ChainPosition): Promise<boolean | undefined> {
    const proof = await this.#deps.source.proof(index);
    if (proof === undefined) return undefined;
    const { inclusion, checkpoint: note } = proof;
    return (await this.#deps.checkpoints.proveRow(index, { hash, inclusion, note })) !== undefined;
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
    for (const one of held) this.#rows.set(one.checked.entry.index, one);
    if (this.#isEndLinked) this.#deps.checkpoints.saw(held.map(({ checked }) => checked.entry));
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

  /** A log that is signed is at least as long when it is read later. */
  #judgeLength(shown: number, signed: number): void {
    if (shown < signed) this.fail({ index: shown + 1, reason: shorterThanSigned(signed, shown), of: "log" });
  }

  /** @throws {TroubleError} */
  async #judgeFloor(to: number): Promise<void> {
    if (to <= this.#droppedTo) return;
    const visit = this.#visit;
    const head = this.#head.index;
    this.#floorJudgedAt = this.#deps.checkpoints.signed;
    const deps = { ...this.#deps, head, linkedHash: (index: number) => this.#rows.linkedHash(index) };
    // The entry that tells of it came after all that was dropped: no log consists of dropped entries.
    const dropping = to < head ? await judgeDropped(to, deps) : "none";
    if (visit !== this.#visit) return;
    this.#floor = dropping === "none" ? this.#droppedTo : Math.max(to, this.#floor);
    if (dropping === "proven") this.#droppedTo = this.#floor;
    if (dropping === "unknown") this.#floorJudgedAt = Infinity;
    if (dropping === "none") this.fail({ index: to, reason: notDropped(to), of: "log" });
    this.#change();
  }

  async #beginAnew(): Promise<void> {
    const seen = this.#head;
    this.#rows.clear();
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
    if (seen.index <= this.#floor) return;
    const held = this.#rows.get(seen.index);
    if (held?.kind === "row")
      return held.checked.row.hash === seen.hash ? undefined : this.#failEntry(seen.index, OTHER(seen.index));
    const proven = await this.#isPlaced(seen);
    if (proven === false) this.#failEntry(seen.index, OTHER(seen.index));
    else if (proven === undefined && seen.index <= this.#deps.checkpoints.signed)
      this.#failEntry(seen.index, UNPROVEN(seen.index));
  }

  /** The rows at the end were linked to each other all along; now one of them is proven. */
  #linkEnd(): void {
    this.#isEndLinked = true;
    const linked = this.#rows.relink({ first: this.#from, last: this.#head.index }, true);
    this.#deps.checkpoints.saw(linked.map(({ entry }) => entry));
  }

  /** What hung on a proven row, and is not in the signed log itself, is nothing that was verified. */
  #doubtEnd(index: number, reasonOf: (index: number) => string): void {
    this.#isEndLinked = false;
    this.#rows.relink({ first: this.#provenTo + 1, last: this.#head.index }, false);
    this.#failEntry(index, reasonOf(index));
    this.#change();
  }

  #failEntry(index: number, reason: string): void {
    this.fail({ index, reason, of: "entry" });
  }

  #change(): void {
    this.changed.value += 1;
  }
}

const OTHER_END = "The log ends in another entry than the one shown.";
const MISPLACED = (index: number) => `Entry ${index} is not the one in the signed log.`;
const UNPROVEN = (index: number) => `Entry ${index} comes without a proof, though a checkpoint covers it.`;
const OTHER = (index: number) => `Entry ${index} is not the one this browser verified before.`;

function shorter(before: number, now: number): string {
  return `This browser saw a log of ${before} entries, and what is shown now has ${now}: it was cut.`;
}

function shorterThanSigned(signed: number, shown: number): string {
  return `The signed log has ${signed} entries, and those that are shown end at ${shown}: it was cut.`;
}

function notDropped(to: number): string {
  return `The control plane says that entries 1 to ${to} were dropped, and no entry of the log says so.`;
}

function isLinked(held: Held): held is Held & { readonly kind: "row" } {
  return held.kind === "row" && held.linked;
}

function top(run: Run): ReadRow {
  return run.at(-1) ?? run[0];
}
