/**
 * Holds the log against what hosts signed, entry by entry in order: receipts that are missing, commands without answers,
 * answers without commands, values that somebody keeps back. Pure; remembers one line for each host, open command and
 * missing value, whatever the length of the log. That the entries form a chain is checked elsewhere, and before.
 */
import type { AuditFinding } from "./audit/findings.ts";
import { judgeOpenings, type Openings } from "./audit/openings.ts";
import type { JudgedReceipt } from "./audit/receipts.ts";
import { personalFields, type LedgerAction, type LedgerEntry, type PersonalField } from "./ledger.ts";
import { MAX_INTENT_TTL_SECONDS, SESSION_SKEW_SECONDS } from "./limits.ts";
import { ZERO_DIGEST } from "./messages.ts";
import type { Digest } from "./signing.ts";

/** After this long no host obeys the command any more, whatever its clock says. */
export const ANSWER_MILLISECONDS = (MAX_INTENT_TTL_SECONDS + SESSION_SKEW_SECONDS) * 1_000;

export interface AuditRange {
  /** Index of the first entry that is given. Later than 1: what stands before is not judged, nor what depends on it. */
  readonly first: number;
  /** False where neighbours may be missing between the entries: then each is judged by itself only. */
  readonly whole: boolean;
}

export interface AuditedRow {
  readonly entry: LedgerEntry;
  readonly openings: Openings;
  /** Of a `command.receipt`, judged (audit/receipts.ts); undefined where that found something wrong. */
  readonly receipt?: JudgedReceipt | undefined;
}

export interface AuditEnd {
  /** Edge clock, milliseconds: commands younger than their life before this are still open. */
  readonly at: number;
  /** The entries reach the newest that there is: an erasure would be among them. */
  readonly isNewest: boolean;
}

export interface AuditSummary {
  /** By host, the number of the newest receipt of a chain without gaps or not; and how many were seen. */
  readonly hosts: ReadonlyMap<string, { readonly last: number; readonly seen: number }>;
  readonly accepted: number;
  readonly answered: number;
  readonly erased: number;
  /** Receipts whose command may stand before the first entry. */
  readonly unjudged: number;
}

interface HostChain {
  number: number;
  hash: Digest;
  seen: number;
}

interface OpenCommand {
  readonly index: number;
  readonly at: number;
  readonly host: string;
  /** The host said no, unsigned; a receipt may still follow. */
  isRefused: boolean;
}

/** These, and entries with values, are all that an audit looks at; whoever reads fast may pass over the others. */
export const auditedActions: ReadonlySet<LedgerAction> = new Set<LedgerAction>([
  "command.accepted",
  "command.refused",
  "command.receipt",
  "host.reset",
  "calls.counted",
  "ledger.erased",
]);

export class Audit {
  readonly #range: AuditRange;
  readonly #chains = new Map<string, HostChain>();
  readonly #open = new Map<string, OpenCommand>();
  /** Running totals by actor. */
  readonly #calls = new Map<string, number>();
  /** Values that are not there, until an entry says that they were erased. */
  readonly #missing = new Set<number>();
  #accepted = 0;
  #answered = 0;
  #erased = 0;
  #unjudged = 0;

  constructor(range: AuditRange) {
    this.#range = range;
  }

  /** The next entry. What it shows at once; what only the end shows comes with `end`. */
  add({ entry, openings, receipt }: AuditedRow): readonly AuditFinding[] {
    const { index } = entry;
    const values = judgeOpenings(entry, openings);
    for (const field of values.missing) this.#missing.add(placeOf(index, field));
    const wrong = values.wrong.map((one) => ({ ...one, index }));
    return [...wrong, ...this.#follow(entry, receipt)];
  }

  #follow(entry: LedgerEntry, receipt: JudgedReceipt | undefined): readonly AuditFinding[] {
    if (entry.action === "ledger.erased") this.#erase(entry);
    if (!this.#range.whole) return [];
    switch (entry.action) {
      case "command.accepted":
        this.#accept(entry);
        return [];
      case "command.refused":
        this.#refuse(entry);
        return [];
      case "command.receipt":
        return [...this.#answer(entry), ...(receipt === undefined ? [] : this.#link(entry.index, receipt))];
      case "host.reset":
        return this.#reset(entry);
      case "calls.counted":
        return this.#count(entry);
      default:
        return [];
    }
  }

  #accept({ index, at, target, detail }: LedgerEntry): void {
    if (target === undefined || detail.intent === undefined) return;
    this.#accepted += 1;
    this.#open.set(`${detail.intent} ${target}`, { index, at, host: target, isRefused: false });
  }

  #refuse({ target, detail }: LedgerEntry): void {
    const open = this.#open.get(`${detail.intent ?? ""} ${target ?? ""}`);
    if (open !== undefined) open.isRefused = true;
  }

  #answer({ index, target, detail }: LedgerEntry): readonly AuditFinding[] {
    const key = `${detail.intent ?? ""} ${target ?? ""}`;
    if (this.#open.delete(key)) {
      this.#answered += 1;
      return [];
    }
    if (this.#range.first === 1) return [{ code: "unasked", index, ...hostOf(target) }];
    this.#unjudged += 1;
    return [];
  }

  /** The host's own chain: a number that is missing is a receipt that somebody kept back. */
  #link(index: number, { receipt, digest }: JudgedReceipt): readonly AuditFinding[] {
    const { host, number, previous } = receipt;
    const before = this.#chains.get(host) ?? this.#start(receipt);
    this.#chains.set(host, { number, hash: digest, seen: before.seen + 1 });
    if (number === before.number + 1 && previous === before.hash) return [];
    if (number > before.number + 1)
      return [{ code: "unreported", index, host, receipts: { first: before.number + 1, last: number - 1 } }];
    return [{ code: "forked", index, host, receipts: { first: number, last: number } }];
  }

  /** From the first entry on a host begins with number 1; later on with whatever is seen first. */
  #start({ number, previous }: JudgedReceipt["receipt"]): HostChain {
    return this.#range.first === 1
      ? { number: 0, hash: ZERO_DIGEST, seen: 0 }
      : { number: number - 1, hash: previous, seen: 0 };
  }

  /** The host key's last word says where its chain ended; whatever comes under that name afterwards begins anew. */
  #reset({ index, target, detail }: LedgerEntry): readonly AuditFinding[] {
    if (target === undefined) return [];
    const chain = this.#chains.get(target);
    const isKnown = chain !== undefined || this.#range.first === 1;
    const fits = (detail.receipt ?? ZERO_DIGEST) === (chain?.hash ?? ZERO_DIGEST);
    this.#chains.set(target, { number: 0, hash: ZERO_DIGEST, seen: chain?.seen ?? 0 });
    return isKnown && !fits ? [{ code: "farewell_short", index, host: target }] : [];
  }

  #count({ index, actor, detail }: LedgerEntry): readonly AuditFinding[] {
    const name = "id" in actor ? actor.id : actor.kind;
    const before = this.#calls.get(name) ?? (this.#range.first === 1 ? 0 : undefined);
    const { calls } = detail;
    this.#calls.set(name, calls?.total ?? before ?? 0);
    const follows = calls !== undefined && (before === undefined || calls.total === before + calls.since);
    return follows ? [] : [{ code: "uncounted", index, actor: name }];
  }

  #erase({ detail }: LedgerEntry): void {
    const { erased } = detail;
    if (erased === undefined || erased.field === "name") return;
    if (this.#missing.delete(placeOf(erased.index, erased.field))) this.#erased += 1;
  }

  /** What was still open when the log ended. */
  *end({ at, isNewest }: AuditEnd): Iterable<AuditFinding> {
    for (const { index, at: accepted, host, isRefused } of this.#open.values())
      if (!isRefused && at - accepted > ANSWER_MILLISECONDS) yield { code: "unanswered", index, host };
    const code = isNewest && this.#range.whole ? "withheld" : "unopened";
    for (const place of this.#missing) yield { code, ...valueAt(place) };
  }

  summary(): AuditSummary {
    return {
      hosts: new Map([...this.#chains].map(([host, { number, seen }]) => [host, { last: number, seen }])),
      accepted: this.#accepted,
      answered: this.#answered,
      erased: this.#erased,
      unjudged: this.#unjudged,
    };
  }
}

function hostOf(host: string | undefined): { readonly host?: string } {
  return host === undefined ? {} : { host };
}

/** One number for entry and field: a hostile copy could miss millions of values. */
function placeOf(index: number, field: PersonalField): number {
  return index * personalFields.length + personalFields.indexOf(field);
}

function valueAt(place: number): { readonly index: number; readonly field: PersonalField } {
  const field = personalFields[place % personalFields.length] ?? "source";
  return { index: Math.floor(place / personalFields.length), field };
}
