/**
 * What a host says of the log as its witness, and what becomes of it: an entry and an alert, each once for each fact. The
 * host's word is a claim about what it was shown; nothing is decided by it but whom to tell. None of it may make the log
 * grow by itself for ever.
 */
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { parseCheckpoint, rootDigest } from "../../protocol/checkpoint.ts";
import type { CheckpointView, LedgerDraft } from "../../protocol/ledger.ts";
import { decodeNote, noteFromWire } from "../../protocol/note.ts";
import { sha256Of } from "../../protocol/signing.ts";
import type { OutwardFrame } from "../../protocol/tunnel.ts";
import type { Alarms } from "../alert-client.ts";
import { logFault, logStep } from "../log.ts";
import type { OpenTunnel } from "./delivery.ts";
import { HourlyBound } from "./hourly.ts";
import type { Outbox } from "./outbox.ts";
import type { HostStore } from "./store.ts";

/** An honest host says a conflict once; a broken or hostile one could invent a new one with every frame. */
export const WITNESS_ENTRIES_PER_HOUR = 12;

type Frame<K extends OutwardFrame["kind"]> = Extract<OutwardFrame, { kind: K }>;

export interface WitnessWordsDeps {
  readonly store: HostStore;
  readonly outbox: () => Outbox;
  readonly alarms: Alarms;
  /** Tells the writer what a host holds. */
  readonly seen: (open: OpenTunnel, note: string) => Promise<void>;
}

export class WitnessWords {
  readonly #deps: WitnessWordsDeps;
  readonly #bound: HourlyBound;

  constructor(deps: WitnessWordsDeps) {
    this.#deps = deps;
    this.#bound = new HourlyBound(deps.store, { name: "witness-entries", limit: WITNESS_ENTRIES_PER_HOUR });
  }

  /** The writer judges for itself who signed it; that it cannot be asked is no fault of the host. */
  async witnessed(open: OpenTunnel, { note }: Frame<"witnessed">): Promise<void> {
    const text = noteFromWire(note);
    try {
      await this.#deps.seen(open, text);
    } catch (error) {
      logFault("witness_not_told", error, { host: open.attachment.host });
    }
  }

  async refused({ attachment }: OpenTunnel, frame: Frame<"witness-refused">): Promise<void> {
    const { store, alarms } = this.#deps;
    const { host } = attachment;
    const { reason, receipt } = frame;
    const isStalled = reason === "receipt_missing";
    if (!this.#bound.take()) return logStep("witness-refused", { host, reason });
    store.setLatest("witness", "refused");
    const [held, shown] = [viewOf(frame.held), viewOf(frame.shown)];
    const digest = receipt === undefined ? undefined : store.receiptsNumbered([receipt])[0]?.digest;
    const recorded = this.#record({
      actor: { kind: "host", id: host },
      action: "witness.refused",
      target: host,
      detail: {
        code: reason,
        ...(digest === undefined ? {} : { receipt: digest }),
        ...(held === undefined || shown === undefined ? {} : { views: { held, shown } }),
      },
      // By what the host holds, not by what it was shown: its entry makes the log longer, and that is shown next.
      subject: `${host}:${reason}:${isStalled ? (receipt ?? 0) : (held?.root ?? "")}`,
    });
    await alarms.raise({
      kind: isStalled ? "witness.stalled" : "witness.refused",
      subject: host,
      host,
      detail: {
        ...(receipt === undefined ? {} : { place: receipt }),
        ...(held === undefined ? {} : { held }),
        ...(shown === undefined ? {} : { shown }),
      },
    });
    await recorded;
  }

  async reset({ attachment }: OpenTunnel, { note }: Frame<"witness-reset">): Promise<void> {
    const { host } = attachment;
    if (!this.#bound.take()) return logStep("witness-reset", { host });
    const recorded = this.#record({
      actor: { kind: "host", id: host },
      action: "witness.reset",
      target: host,
      detail: {},
      subject: `${host}:${note === undefined ? "" : digestOfNote(note)}`,
    });
    await this.#deps.alarms.raise({ kind: "witness.reset", subject: host, host });
    await recorded;
  }

  /** The host cosigned: what it complained of is over. Nothing is told where it had not complained. */
  async healed(host: string): Promise<void> {
    const { store, alarms } = this.#deps;
    if (store.latest("witness") !== "refused") return;
    store.setLatest("witness", "fine");
    for (const kind of ["witness.refused", "witness.stalled"] as const) await alarms.settle({ kind, subject: host });
  }

  #record(draft: LedgerDraft): Promise<void> {
    const { store, outbox } = this.#deps;
    store.addToOutbox(draft);
    return outbox().schedule();
  }
}

/** Undefined for what is no checkpoint: the host was shown something else, and says so. */
function viewOf(wire: string | undefined): CheckpointView | undefined {
  if (wire === undefined) return undefined;
  try {
    const checkpoint = parseCheckpoint(decodeNote(noteFromWire(wire)).text);
    return { size: checkpoint.size, root: rootDigest(checkpoint) };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function digestOfNote(wire: string): string {
  return toBase64url(sha256Of(utf8(wire)));
}
