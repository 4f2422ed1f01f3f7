/**
 * What this host does not vouch for: says so to the edge and in the log, as often as it helps and no more, and keeps both
 * notes where two pasts were shown. Each carries the log key's own signature, so they prove themselves.
 */
import { MAX_FRAME_NOTE_BYTES } from "../../../protocol/limits.ts";
import { noteToWire } from "../../../protocol/note.ts";
import type { OutwardFrame, WitnessRefusal } from "../../../protocol/tunnel.ts";
import type { HostLog } from "../log.ts";
import { wallSeconds, type HostClock } from "../warden/clock.ts";
import { textOfWire } from "./notes.ts";
import { heldSize, MAX_CONFLICTS_PER_REASON, type Conflict, type WitnessFile } from "./witness-file.ts";

/** Each reason is said once an hour. It is on disk and in the status, too. */
const REPEAT_SECONDS = 3_600;

export interface ObjectionsDeps {
  readonly witnessFile: WitnessFile;
  readonly clock: HostClock;
  readonly log: HostLog;
}

type Say = (frame: OutwardFrame) => void;

export class Objections {
  readonly #deps: ObjectionsDeps;
  /** RAM only: monotonic milliseconds at which each reason was said last. */
  readonly #said = new Map<WitnessRefusal, number>();

  constructor(deps: ObjectionsDeps) {
    this.#deps = deps;
  }

  /** `shown`: the note as the wire carries it. */
  conflict(reason: Conflict["reason"], shown: string, say: Say): void {
    this.#keep(reason, textOfWire(shown));
    if (!this.#isDue(reason)) return;
    this.#deps.log({ event: "witness_refused", code: reason });
    say({ kind: "witness-refused", reason, ...this.#held(), shown });
  }

  /** Nothing is cosigned from here on until the receipt is proven. `shown` is absent where no checkpoint came. */
  missing(receipt: number, shown?: string, say?: Say): void {
    const { witnessFile, log } = this.#deps;
    const { record } = witnessFile;
    if (record.withheld === undefined) witnessFile.replace(heldSize(record), { ...record, withheld: receipt });
    if (!this.#isDue("receipt_missing")) return;
    log({ event: "witness_refused", code: "receipt_missing", receipt });
    if (shown !== undefined)
      say?.({ kind: "witness-refused", reason: "receipt_missing", ...this.#held(), shown, receipt });
  }

  /** Behind another tunnel may stand another edge: it hears of two pasts, too. */
  newTunnel(): void {
    for (const reason of this.#said.keys()) if (reason !== "receipt_missing") this.#said.delete(reason);
  }

  /** The next objection is a new one. */
  healed(): void {
    this.#said.clear();
  }

  #keep(reason: Conflict["reason"], shown: string | undefined): void {
    const { witnessFile, clock } = this.#deps;
    const { record } = witnessFile;
    const { held, conflicts } = record;
    // Anybody can write a note that nobody signed: one of them is enough.
    const isKnown = conflicts.some(
      (kept) => kept.reason === reason && (reason === "signature" || kept.shown === shown),
    );
    // Old notes, honestly signed, must not take the place of the one that shows another past.
    const isFull = conflicts.filter((kept) => kept.reason === reason).length >= MAX_CONFLICTS_PER_REASON;
    if (shown === undefined || shown.length > MAX_FRAME_NOTE_BYTES || isKnown || isFull) return;
    const conflict: Conflict = {
      reason,
      ...(held === undefined ? {} : { held: held.note }),
      shown,
      at: wallSeconds(clock),
    };
    witnessFile.replace(heldSize(record), { ...record, conflicts: [...conflicts, conflict] });
  }

  #held(): { readonly held?: string } {
    const { held } = this.#deps.witnessFile.record;
    return held === undefined ? {} : { held: noteToWire(held.note) };
  }

  #isDue(reason: WitnessRefusal): boolean {
    const now = this.#deps.clock.monotonic();
    const before = this.#said.get(reason);
    if (before !== undefined && now - before < REPEAT_SECONDS * 1_000) return false;
    this.#said.set(reason, now);
    return true;
  }
}
