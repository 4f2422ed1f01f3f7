/**
 * The journal: what this host began, what became of it, and its chain of receipts, in one append-only file, so that a
 * crash cannot leave the two in disagreement. An intent is written before it runs and is known for 90 days; that, and
 * not the challenge alone, is why nothing runs twice. It decides nothing and executes nothing.
 */
import * as v from "valibot";
import { decodeCanonical, encodeCanonical, MalformedError } from "../../../protocol/canonical.ts";
import { fromBase64url, utf8, utf8Text } from "../../../protocol/bytes.ts";
import { count, digest, gatewayBootId, id, operationName, seconds } from "../../../protocol/fields.ts";
import { JOURNAL_SECONDS } from "../../../protocol/limits.ts";
import { signedSchema, type Signed } from "../../../protocol/messages.ts";
import type { Digest } from "../../../protocol/signing.ts";
import { farewellCodec, type Farewell } from "../../../protocol/tunnel.ts";
import { HostError } from "../host-error.ts";
import { AppendFile, type AppendIo } from "./append-file.ts";
import { NO_RECEIPTS, positionOf, readReceipt, type ReceiptPosition, type StoredReceipt } from "./receipts.ts";

const startedSchema = v.strictObject({
  kind: v.literal("started"),
  intent: digest,
  operation: operationName,
  at: seconds,
  /** What to compare after a crash: the boot that was to be replaced. */
  gatewayBoot: v.optional(gatewayBootId),
  /** The proposal that it carried out: another intent for the same one is known too. */
  proposal: v.optional(digest),
  /** The automation key that asked, for its rate. */
  automationKey: v.optional(id),
});
const lineSchema = v.variant("kind", [
  /** First line after pruning: where the receipts that were dropped ended. */
  v.strictObject({ kind: v.literal("head"), number: count, hash: digest }),
  startedSchema,
  v.strictObject({ kind: v.literal("ended"), receipt: signedSchema }),
  /** In the chain of receipts, but the intent stays unknown: it may come again, properly. */
  v.strictObject({ kind: v.literal("refused"), receipt: signedSchema }),
  v.strictObject({ kind: v.literal("acked"), number: count }),
  /** The last line: this host key says no more. */
  v.strictObject({ kind: v.literal("farewell"), signed: signedSchema }),
]);
type Line = v.InferOutput<typeof lineSchema>;
export type Started = Omit<v.InferOutput<typeof startedSchema>, "kind">;

/** A receipt by its name: what the witness looks for in the log. */
export interface OwnReceipt {
  readonly number: number;
  readonly digest: Digest;
}

/** No rate of an automation key allows more, so no more need counting. */
const MAX_RATE_COMMANDS = 1_000;

export interface JournalOptions {
  readonly path: string;
  /** Host wall clock, seconds: what is older than the journal's life is dropped at opening. */
  readonly now: number;
  readonly io?: AppendIo;
}

export class Journal {
  /** Bytes of a torn last line that opening dropped. */
  readonly tornBytes: number;
  readonly #file: AppendFile;
  /** Each begun intent; a receipt once it ended. Rebuilt from the file. */
  readonly #intents = new Map<Digest, { readonly started: Started; ended: StoredReceipt | undefined }>();
  /** Begun proposals, and the intent that began each. Rebuilt from the file. */
  readonly #proposals = new Map<Digest, Digest>();
  /** When the newest commands of each automation key began. Rebuilt from the file. */
  readonly #runs = new Map<string, readonly number[]>();
  /** Receipts that the edge has not confirmed, by number. Rebuilt from the file. */
  readonly #unacked = new Map<number, StoredReceipt>();
  /** Digests of the receipts that were not yet proven to be in the log, by number. Rebuilt from the file. */
  readonly #unproven = new Map<number, Digest>();
  #position: ReceiptPosition = NO_RECEIPTS;
  #farewell: Signed | undefined;

  private constructor(file: AppendFile, tornBytes: number) {
    this.#file = file;
    this.tornBytes = tornBytes;
  }

  static open({ path, now, io }: JournalOptions): Journal {
    const { file, lines, tornBytes } = AppendFile.open(path, io);
    try {
      const parsed = lines.map((text, i) => parseLine(text, { path, number: i + 1 }));
      const journal = new Journal(file, tornBytes);
      for (const [i, line] of parsed.entries()) journal.#load(line, { path, number: i + 1 });
      const kept = journal.#prune(parsed, now - JOURNAL_SECONDS);
      if (kept === undefined) return journal;
      file.replace(kept.map(encodeLine));
      const pruned = new Journal(file, tornBytes);
      for (const [i, line] of kept.entries()) pruned.#load(line, { path, number: i + 1 });
      return pruned;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * The intent under which this one was begun here (executed, failed, interrupted or running): itself, or the one that
   * carried out the same proposal. Undefined: never begun.
   */
  known(intent: Digest, proposal: Digest | undefined): Digest | undefined {
    if (this.#intents.has(intent)) return intent;
    return proposal === undefined ? undefined : this.#proposals.get(proposal);
  }

  /** How many commands of an automation key began after a moment, host seconds. */
  runsSince(automationKey: string, moment: number): number {
    return (this.#runs.get(automationKey) ?? []).filter((at) => at > moment).length;
  }

  receiptOf(intent: Digest): StoredReceipt | undefined {
    return this.#intents.get(intent)?.ended;
  }

  /** Begun and not ended: while this process runs, the one that is running; after a start, the interrupted ones. */
  unfinished(): readonly Started[] {
    return [...this.#intents.values()].flatMap(({ started, ended }) => (ended === undefined ? [started] : []));
  }

  /** Oldest first. */
  unacked(): readonly StoredReceipt[] {
    return [...this.#unacked.values()];
  }

  get position(): ReceiptPosition {
    return this.#position;
  }

  /** The receipts after a number, oldest first. Those before it are forgotten here: nobody asks again. */
  receiptsAfter(provenTo: number): readonly OwnReceipt[] {
    for (const number of this.#unproven.keys()) {
      if (number > provenTo) break;
      this.#unproven.delete(number);
    }
    return [...this.#unproven].map(([number, digest]) => ({ number, digest }));
  }

  /** Durable when it returns; only then may the intent run. @throws {AppendError} */
  started(entry: Started): void {
    this.#requireOpen();
    if (this.known(entry.intent, entry.proposal) !== undefined)
      throw new TypeError("journal: an intent, and a proposal, is begun once");
    this.#file.append(encodeLine({ kind: "started", ...entry }));
    this.#begin(entry);
  }

  /** Durable when it returns; only then may the receipt leave. @throws {AppendError} */
  ended(stored: StoredReceipt): void {
    this.#requireOpen();
    const record = this.#intents.get(stored.receipt.intent);
    if (record === undefined || record.ended !== undefined) throw new TypeError("journal: ended without started");
    this.#file.append(encodeLine({ kind: "ended", receipt: stored.signed }));
    record.ended = stored;
    this.#chain(stored);
  }

  /** @throws {AppendError} */
  refused(stored: StoredReceipt): void {
    this.#requireOpen();
    this.#file.append(encodeLine({ kind: "refused", receipt: stored.signed }));
    this.#chain(stored);
  }

  /** The edge holds this receipt. Losing the line only means sending the receipt again. @throws {AppendError} */
  acked(number: number): void {
    if (!this.#unacked.has(number)) return;
    this.#file.appendLazily(encodeLine({ kind: "acked", number }));
    this.#unacked.delete(number);
  }

  /** The last word of this host key, once it was said. */
  get farewell(): Signed | undefined {
    return this.#farewell;
  }

  /** Nothing is written after it. Durable when it returns. @throws {AppendError} */
  bidFarewell(signed: Signed): void {
    this.#requireOpen();
    this.#file.append(encodeLine({ kind: "farewell", signed }));
    this.#farewell = signed;
  }

  close(): void {
    this.#file.close();
  }

  #requireOpen(): void {
    if (this.#farewell !== undefined) throw new TypeError("journal: nothing follows a farewell");
  }

  #begin(started: Started): void {
    const { intent, proposal, automationKey, at } = started;
    this.#intents.set(intent, { started, ended: undefined });
    if (proposal !== undefined) this.#proposals.set(proposal, intent);
    if (automationKey === undefined) return;
    const runs = this.#runs.get(automationKey) ?? [];
    this.#runs.set(automationKey, [...runs.slice(1 - MAX_RATE_COMMANDS), at]);
  }

  #chain(stored: StoredReceipt): void {
    this.#position = positionOf(stored);
    this.#unacked.set(stored.receipt.number, stored);
    this.#unproven.set(stored.receipt.number, this.#position.hash);
  }

  #load(line: Line, place: LinePlace): void {
    if (this.#farewell !== undefined) throw damaged(place, "something follows a farewell");
    switch (line.kind) {
      case "head":
        if (place.number !== 1) throw damaged(place, "a head is only ever the first line");
        this.#position = { number: line.number, hash: line.hash };
        return;
      case "started": {
        const { kind: _, ...started } = line;
        if (this.#intents.has(started.intent)) throw damaged(place, "an intent begins twice");
        if (started.proposal !== undefined && this.#proposals.has(started.proposal))
          throw damaged(place, "a proposal is carried out twice");
        this.#begin(started);
        return;
      }
      case "ended": {
        const stored = this.#follow(line.receipt, place);
        const record = this.#intents.get(stored.receipt.intent);
        if (record === undefined || record.ended !== undefined) throw damaged(place, "an intent ends that never began");
        record.ended = stored;
        return;
      }
      case "refused":
        this.#follow(line.receipt, place);
        return;
      case "acked":
        this.#unacked.delete(line.number);
        return;
      case "farewell":
        this.#farewell = this.#last(line.signed, place);
    }
  }

  /** The next receipt of the chain, or a reason not to start. */
  #follow(signed: StoredReceipt["signed"], place: LinePlace): StoredReceipt {
    const stored = receiptAt(signed, place);
    const { number, previous } = stored.receipt;
    if (number !== this.#position.number + 1 || previous !== this.#position.hash) {
      throw damaged(place, "a receipt does not follow the one before");
    }
    this.#chain(stored);
    return stored;
  }

  #last(signed: Signed, place: LinePlace): Signed {
    const { number, digest: hash } = farewellAt(signed, place).lastReceipt;
    if (number === this.#position.number && hash === this.#position.hash) return signed;
    throw damaged(place, "a farewell does not name the last receipt");
  }

  /** The lines worth keeping, or undefined when nothing is old enough to drop. Drops whole beginnings only. */
  #prune(lines: readonly Line[], before: number): readonly Line[] | undefined {
    let cut = 0;
    let position: ReceiptPosition | undefined;
    for (const [i, line] of lines.entries()) {
      const age = ageOf(line);
      if (line.kind === "farewell" || (age !== undefined && age >= before)) break;
      if (line.kind === "started" && this.#intents.get(line.intent)?.ended === undefined) break;
      if (line.kind === "ended" || line.kind === "refused") position = positionOf(readReceipt(line.receipt));
      if (line.kind === "head") position = { number: line.number, hash: line.hash };
      if (line.kind !== "started") cut = i + 1; // never between a beginning and its end
    }
    if (cut < 2 || position === undefined) return undefined;
    return [{ kind: "head", ...position }, ...lines.slice(cut)];
  }
}

interface LinePlace {
  readonly path: string;
  readonly number: number;
}

function parseLine(text: string, place: LinePlace): Line {
  try {
    const result = v.safeParse(lineSchema, decodeCanonical(utf8(text)));
    if (result.success) return result.output;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  throw damaged(place, "it is not a line that this program wrote");
}

function receiptAt(signed: StoredReceipt["signed"], place: LinePlace): StoredReceipt {
  try {
    return readReceipt(signed);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw damaged(place, "its receipt is not a receipt");
  }
}

function farewellAt(signed: Signed, place: LinePlace): Farewell {
  try {
    return farewellCodec.decode(fromBase64url(signed.body));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw damaged(place, "its farewell is none");
  }
}

function encodeLine(line: Line): string {
  return utf8Text(encodeCanonical(line));
}

/** When a line was written, seconds; undefined for lines that carry no time. */
function ageOf(line: Line): number | undefined {
  if (line.kind === "started") return line.at;
  if (line.kind === "ended" || line.kind === "refused") return readReceipt(line.receipt).receipt.ended;
  return undefined;
}

function damaged({ path, number }: LinePlace, why: string): HostError {
  return new HostError(
    "journal_damaged",
    `The journal ${path} is damaged in line ${number}: ${why}. Without it this host could run a command twice, so it does not start. Restore the file from a backup, or type clawhold trust reset and join this machine anew.`,
  );
}
