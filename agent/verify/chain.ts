/**
 * Entries that are neighbours: each names the one before, and all of them together give the checkpoint's root. After a
 * fault the next entry is held against what the faulty one claims to be, so that every fault is named where it is.
 */
import { fromBase64url } from "../../protocol/bytes.ts";
import type { ActivityRow } from "../../protocol/contracts/ledger.ts";
import { CHAIN_START, checkEntry, entryCodec, entryDigest, type LedgerEntry } from "../../protocol/ledger.ts";
import { frontierNodes, verifyConsistency, type Hash } from "../../protocol/merkle.ts";
import type { Checkpoint } from "../../protocol/checkpoint.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { AuditedLine } from "./audited.ts";
import type { Times } from "./times.ts";
import { isRead } from "./audited.ts";
import { FastRows, timeIn, type CutLine } from "./fast-row.ts";
import { CHAIN_CODES, type Report } from "./report.ts";
import { DigestTree, type GrowingTree } from "./tree.ts";
import { TreeBeside } from "./tree-beside.ts";
import { WatchedRoots } from "./watched.ts";

/** Entries: some tens of milliseconds' work. */
const BESIDE_AFTER = 16_384;

export interface Before {
  readonly index: number;
  readonly hash: string;
  readonly frontier: readonly string[];
}

/** What is done with an entry that somebody has to read. */
export type OnEntry = (row: AuditedLine) => void;

/** What is told of every entry, in their order. */
export interface EntryReaders {
  readonly onEntry: OnEntry;
  readonly times: Times;
}

export class ChainReader {
  readonly watched = new WatchedRoots();
  readonly #workspace: string;
  readonly #report: Report;
  readonly #onEntry: OnEntry;
  readonly #times: Times;
  readonly #fast: FastRows;
  #tree: GrowingTree = new DigestTree();
  /** From here on a second thread computes the tree: before, starting one costs more than it saves. */
  #besideFrom = BESIDE_AFTER;
  #index = CHAIN_START.index;
  #previous = CHAIN_START.hash;
  #first = 1;
  #entries = 0;
  #at = 0;

  constructor(workspace: string, report: Report, { onEntry, times }: EntryReaders) {
    this.#workspace = workspace;
    this.#fast = new FastRows(workspace);
    this.#report = report;
    this.#onEntry = onEntry;
    this.#times = times;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Index of the first entry that can be here. */
  get first(): number {
    return this.#first;
  }

  get size(): number {
    return this.#tree.size;
  }

  /** Index of the last entry; of what stands before where there is none. */
  get last(): number {
    return this.#tree.size;
  }

  /** Edge clock, milliseconds, of the newest entry. */
  get at(): number {
    return this.#at;
  }

  /** False: its hashes are not those of a log of that length. */
  startAfter({ index, hash, frontier }: Before): boolean {
    const nodes = frontierNodes(index);
    if (nodes.length !== frontier.length) return false;
    const levels = nodes.map(({ level }) => level);
    this.#tree = DigestTree.after(index, levels, frontier.map(fromBase64url));
    this.#besideFrom = index + BESIDE_AFTER;
    this.#index = index;
    this.#previous = hash;
    this.#first = index + 1;
    return true;
  }

  /** Roots of sizes at or before the first entry are met before it. */
  begin(): void {
    if (this.watched.next <= this.#tree.size) this.watched.meet(this.#tree);
  }

  /** True when the line is the next entry and nothing is wrong with it; otherwise it must be read by `slow`. */
  fast(line: CutLine, number: number): boolean {
    const fast = this.#fast;
    if (!fast.read(line, this.#index + 1, this.#previous)) return false;
    this.#index += 1;
    this.#previous = fast.digest;
    this.#timed(timeIn(fast.text), number);
    this.#grow(fast.digest);
    if (fast.receipt !== undefined || isRead(fast.action)) this.#hand(fast, number);
    return true;
  }

  #hand({ text, source, receipt }: FastRows, line: number): void {
    // Its text was found to be exactly what the schema takes.
    const entry = JSON.parse(text) as LedgerEntry;
    this.#onEntry({ line, entry, openings: source === undefined ? {} : { source }, receipt });
  }

  slow(row: ActivityRow, line: number): void {
    const bytes = fromBase64url(row.body);
    const position = { index: this.#index, hash: this.#previous };
    const step = checkEntry(bytes, row.hash, { workspace: this.#workspace, position });
    if (!step.ok) this.#report.file(CHAIN_CODES[step.fault], { line, index: row.index });
    const entry = step.ok ? step.entry : unverifiedEntry(bytes);
    if (entry !== undefined && entry.index !== row.index) this.#report.file("row_index", { line, index: entry.index });
    this.#index = step.ok ? step.position.index : row.index;
    this.#previous = row.hash;
    this.#grow(entryDigest(bytes));
    if (entry === undefined) return;
    this.#timed(entry.at, line);
    this.#onEntry({ line, entry, openings: row, receipt: row.receipt });
  }

  #timed(at: number, line: number): void {
    this.#at = at;
    this.#times.entry(this.#index, at, line);
  }

  #grow(digest: string): void {
    if (this.#tree.size === this.#besideFrom && this.#tree instanceof DigestTree)
      this.#tree = new TreeBeside(this.#tree);
    this.#tree.append(digest);
    this.#entries += 1;
    if (this.watched.next <= this.#tree.size) this.watched.meet(this.#tree);
  }

  /** After the last entry, and the last question. */
  end(): void {
    if (this.#tree instanceof TreeBeside) this.#tree.end();
  }

  /** That the checkpoint's log begins with these entries. */
  continuesTo({ size, root }: Checkpoint, consistency: readonly Hash[]): boolean {
    return verifyConsistency({
      from: this.#tree.size,
      to: size,
      fromRoot: new Uint8Array(this.#tree.root()),
      toRoot: root,
      proof: consistency,
    });
  }
}

/** Of a faulty row: what it says is still worth auditing, so that a fault hides no other. */
function unverifiedEntry(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return entryCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
