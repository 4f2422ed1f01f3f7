/**
 * Checks a copy of the log line by line, in one pass and in the same little memory whatever its length. Needs nothing but
 * the workspace's id; asks nobody. What is wrong goes into the report with its place; this file decides the order only.
 */
import { fromBase64url } from "../../protocol/bytes.ts";
import type { AuditSummary } from "../../protocol/audit.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { toBase64 } from "../../protocol/note.ts";
import type { LedgerEntry } from "../../protocol/ledger.ts";
import { ledgerLineCodec, type LedgerLine } from "../../protocol/ledger-file.ts";
import { AuditedRows, type AuditedLine } from "./audited.ts";
import { ChainReader } from "./chain.ts";
import { Dropped } from "./dropped.ts";
import { EvidenceReader } from "./evidence.ts";
import { Kept } from "./kept.ts";
import type { LineCutter } from "./lines.ts";
import { Notes } from "./notes.ts";
import { ProvenReader } from "./proven.ts";
import { Report, type FileCode } from "./report.ts";
import { Room, TrustReader } from "./room.ts";
import { Times } from "./times.ts";
import { judgeTrust, type SaidTrust, type TrustMark } from "./trust-mark.ts";
import type { Met } from "./watched.ts";
import type { SeenBy } from "./witnesses.ts";

export interface VerifyOptions {
  /** The id that the file must be of; absent: the one that it names. */
  readonly workspace?: string;
  /** A checkpoint that whoever checks kept from earlier: the text of its note. */
  readonly kept?: string;
  /** What another trust log held, above all a host's: the file's must hold it too. */
  readonly trust?: TrustMark;
}

type LogLine = Extract<LedgerLine, { kind: "log" }>;

export interface VerifyResult {
  readonly log: LogLine | undefined;
  readonly lines: number;
  readonly entries: number;
  /** Indices of the first and the last entry; 0 for none. */
  readonly first: number;
  readonly last: number;
  readonly checkpoint: { readonly size: number; readonly root: string } | undefined;
  readonly receipts: number;
  /** Commands whose signatures were found to allow them. */
  readonly evidence: number;
  readonly audit: AuditSummary | undefined;
  readonly seenBy: SeenBy | undefined;
  /** By which the hosts were counted. */
  readonly trust: SaidTrust | undefined;
  /** What was dropped before the first entry, and the entry that tells of it. */
  readonly dropped: Dropped["said"];
  /** Undefined where no checkpoint was kept. */
  readonly kept: Met | undefined;
  readonly report: Report;
}

/** Which kinds of line may come; what stands before the entries comes in this order. */
type Stage = "log" | "trust" | "checkpoints" | "entries" | "after" | "ended";

const BODY = ["entry", "proven", "evidence", "after", "end"] as const;
const ALLOWED: Readonly<Record<Stage, readonly LedgerLine["kind"][]>> = {
  log: ["log"],
  trust: ["trust", "checkpoint", "before", ...BODY],
  checkpoints: ["checkpoint", "before", ...BODY],
  entries: BODY,
  after: ["evidence", "end"],
  ended: [],
};

/** Statements that entries tell of and the trust log does not have: told apart at the end, beyond these at once. */
const MAX_UNTOLD = 10_000;

const NO_ENTRIES = { entries: 0, first: 0, last: 0, at: 0 } as const;

/** What reads the body of a file, once it is known against what. */
interface Readers {
  readonly room: Room;
  readonly audited: AuditedRows;
  readonly evidence: EvidenceReader;
  readonly chain: ChainReader | undefined;
  readonly proven: ProvenReader | undefined;
  readonly kept: Kept | undefined;
}

export class FileVerifier {
  readonly #options: VerifyOptions;
  readonly #report = new Report();
  #stage: Stage = "log";
  #isStopped = false;
  #lines = 0;
  #log: LogLine | undefined;
  #trust: TrustReader | undefined;
  #room: Room | undefined;
  readonly #notes = new Notes(this.#report);
  readonly #dropped = new Dropped(this.#report);
  #saidTrust: SaidTrust | undefined;
  #isContinued = false;
  #readers: Readers | undefined;
  /** Entries that tell of statements which the trust log does not have. */
  readonly #untold = new Map<string, { readonly line: number; readonly index: number }>();

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  /** Nothing after this line can be checked. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The line at which the cutter stands; its bytes are not kept. A promise is to be awaited before the next. */
  line(cut: LineCutter): Promise<void> | undefined {
    this.#lines += 1;
    const readers = this.#readers;
    if (this.#stage === "entries" && readers?.chain?.fast(cut, this.#lines) === true)
      return readers.audited.isFull ? readers.audited.drain() : undefined;
    return this.#read(cut.line());
  }

  /** What follows cannot be read, or not be held against anything. */
  #stop(code: FileCode): void {
    this.#report.file(code, { line: this.#lines });
    this.#isStopped = true;
  }

  /** The next line does not end. */
  tooLong(): void {
    this.#lines += 1;
    this.#stop("line_too_long");
  }

  async #read(bytes: Buffer): Promise<void> {
    const line = decoded(bytes);
    if (line === undefined) return this.#refuse(this.#stage === "log" ? "log_missing" : "line_malformed");
    if (!ALLOWED[this.#stage].includes(line.kind)) return this.#refuse(this.#misplaced());
    switch (line.kind) {
      case "log":
        return this.#begin(line);
      case "trust":
        if (!((await this.#trust?.page(line.page, this.#lines)) ?? false)) this.#isStopped = true;
        return;
      case "checkpoint":
        return this.#checkpoint(line);
      default:
        if (this.#readers === undefined && (!(await this.#open(line)) || line.kind === "before")) return;
        return this.#body(line);
    }
  }

  #misplaced(): FileCode {
    if (this.#stage === "log") return "log_missing";
    return this.#stage === "ended" ? "after_end" : "line_order";
  }

  /** Before the entries nothing makes sense without the line that is wrong. */
  #refuse(code: FileCode): void {
    this.#report.file(code, { line: this.#lines });
    if (this.#stage === "log" || this.#stage === "trust") this.#isStopped = true;
  }

  #begin(line: LogLine): void {
    this.#log = line;
    this.#stage = "trust";
    const { workspace = line.workspace } = this.#options;
    if (workspace !== line.workspace) return this.#refuse("workspace_other");
    this.#trust = new TrustReader(workspace, this.#report);
  }

  /** Undefined: there is no trust log to hold anything against. */
  #knownRoom(): Room | undefined {
    const state = this.#trust?.state;
    if (this.#room === undefined && this.#trust !== undefined && state !== undefined) {
      this.#room = new Room(this.#trust.workspace, state);
      this.#saidTrust = judgeTrust(this.#trust, this.#options.trust, this.#report);
    }
    if (this.#room === undefined) this.#refuse("trust_root");
    return this.#room;
  }

  async #checkpoint(line: Extract<LedgerLine, { kind: "checkpoint" }>): Promise<void> {
    const room = this.#knownRoom();
    if (room === undefined) return;
    this.#stage = "checkpoints";
    await this.#notes.read(line, this.#lines, room);
  }

  /** From here on entries come. False: they cannot be checked. */
  async #open(line: LedgerLine): Promise<boolean> {
    const room = this.#knownRoom();
    if (room === undefined || this.#log === undefined) return false;
    this.#stage = "entries";
    if (this.#notes.isEmpty) this.#refuse("checkpoint_missing");
    const times = new Times(this.#report);
    await this.#notes.cosigned(room, times);
    const readers = { times, onEntry: (row: AuditedLine): void => this.#onEntry(row) };
    const isChain = this.#log.form === "chain";
    const chain = isChain ? new ChainReader(room.workspace, this.#report, readers) : undefined;
    if (line.kind === "before") this.#startAfter(line, chain);
    this.#readers = {
      room,
      audited: new AuditedRows(room, this.#report, { first: chain?.first ?? 1, whole: isChain }),
      evidence: new EvidenceReader(room, this.#report),
      chain,
      proven: isChain ? undefined : new ProvenReader(room.workspace, this.#report, readers),
      kept: await Kept.read(this.#options.kept, room, this.#report),
    };
    this.#watch(this.#readers);
    return true;
  }

  #startAfter(line: Extract<LedgerLine, { kind: "before" }>, chain: ChainReader | undefined): void {
    if (chain === undefined) this.#refuse("line_order");
    else if (!chain.startAfter(line)) this.#stop("before_malformed");
    else if (line.dropped) this.#dropped.claim(line);
  }

  #watch({ chain, kept }: Readers): void {
    if (chain === undefined) return;
    this.#notes.watch(chain.watched);
    kept?.watch(chain.watched);
    chain.begin();
  }

  async #body(line: LedgerLine): Promise<void> {
    const { chain, proven, evidence, audited } = this.#knownReaders();
    switch (line.kind) {
      case "entry":
        if (chain === undefined) return this.#refuse("line_order");
        chain.slow(line.row, this.#lines);
        break;
      case "proven":
        if (proven === undefined) return this.#refuse("line_order");
        proven.read({ row: line.row, inclusion: line.inclusion }, this.#lines, this.#notes.covering);
        break;
      case "evidence":
        return evidence.judge(line, this.#lines);
      case "after":
        return this.#after(line, chain);
      case "end":
        this.#stage = "ended";
        if (line.lines !== this.#lines - 1) this.#refuse("end_count");
        return;
      default: // what stands before the entries comes before them
        return this.#refuse("line_order");
    }
    if (audited.isFull) await audited.drain();
  }

  #after(line: Extract<LedgerLine, { kind: "after" }>, chain: ChainReader | undefined): void {
    this.#stage = "after";
    if (chain === undefined || chain.size !== line.index) return this.#refuse("line_order");
    this.#isContinued = true;
    const { covering } = this.#notes;
    if (covering !== undefined && !chain.continuesTo(covering, line.consistency.map(fromBase64url)))
      this.#refuse("after_proof");
  }

  #knownReaders(): Readers {
    if (this.#readers === undefined) throw new TypeError("verifier: no readers yet");
    return this.#readers;
  }

  #onEntry(row: AuditedLine): void {
    const { audited, evidence } = this.#knownReaders();
    audited.add(row);
    evidence.remember(row.entry);
    this.#dropped.read(row.entry);
    this.#followTrust(row.entry, row.line);
  }

  /** The entry is written before the statement comes into force; where it does not, a refusal follows. */
  #followTrust({ action, index, detail }: LedgerEntry, line: number): void {
    const { statement } = detail;
    if (statement === undefined) return;
    if (action === "trust.stated" && !(this.#trust?.holds(statement) ?? false))
      this.#tellLater(statement, { line, index });
    if (action === "trust.refused") this.#untold.delete(statement);
  }

  #tellLater(statement: string, place: { readonly line: number; readonly index: number }): void {
    if (this.#untold.size < MAX_UNTOLD) this.#untold.set(statement, place);
    else this.#report.file("trust_short", place);
  }

  /** After the last line. `isInside`: the stream ended in the middle of one. */
  async finish(isInside: boolean): Promise<VerifyResult> {
    const readers = this.#readers;
    if (this.#isStopped) return this.#result(undefined, undefined);
    if (isInside || this.#stage !== "ended") this.#report.file("cut", { line: this.#lines });
    if (readers === undefined) return this.#result(undefined, undefined);
    await readers.audited.drain();
    readers.chain?.end();
    this.#notes.judge();
    if (readers.chain !== undefined) this.#judgeChain(readers.chain);
    readers.kept?.judge(this.#notes.agreed);
    for (const [, place] of this.#untold) this.#report.file("trust_short", place);
    const newest = readers.chain ?? readers.proven ?? NO_ENTRIES;
    const isNewest = readers.chain !== undefined && !this.#isContinued;
    this.#dropped.judge(isNewest);
    const audit = readers.audited.end(newest.at, isNewest);
    return this.#result(audit, this.#notes.judgeWitnesses(readers.room, newest));
  }

  #judgeChain(chain: ChainReader): void {
    const { covering, root } = this.#notes;
    if (covering === undefined || this.#isContinued) return;
    const place = { line: 0, index: chain.size };
    if (root === "other") this.#report.file("root", place);
    if (chain.size < covering.size)
      this.#report.file("short", { ...place, detail: `${chain.size} of ${covering.size}` });
    if (chain.size > covering.size) this.#report.file("uncovered", place);
  }

  #result(audit: AuditSummary | undefined, seen: SeenBy | undefined): VerifyResult {
    const { audited, evidence, kept } = this.#readers ?? {};
    const { entries, first, last } = this.#readers?.chain ?? this.#readers?.proven ?? NO_ENTRIES;
    const { covering } = this.#notes;
    return {
      log: this.#log,
      lines: this.#lines,
      entries,
      first: entries === 0 ? 0 : first,
      last: entries === 0 ? 0 : last,
      checkpoint: covering === undefined ? undefined : { size: covering.size, root: toBase64(covering.root) },
      receipts: audited?.receipts ?? 0,
      evidence: evidence?.checked ?? 0,
      audit,
      seenBy: seen,
      trust: this.#saidTrust,
      dropped: this.#dropped.said,
      kept: kept?.verdict,
      report: this.#report,
    };
  }
}

function decoded(bytes: Uint8Array): LedgerLine | undefined {
  try {
    return ledgerLineCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
