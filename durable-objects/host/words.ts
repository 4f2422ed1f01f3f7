/**
 * What a welcomed host says about trust and commands, and what is kept of it. Signed words are verified before they
 * count and stored before they are acknowledged; unsigned ones only end a wait.
 */
import { MalformedError } from "../../protocol/canonical.ts";
import type { Signed } from "../../protocol/messages.ts";
import { inwardFrames, type OutwardFrame } from "../../protocol/tunnel.ts";
import type { Alarms } from "../alert-client.ts";
import { logStep } from "../log.ts";
import type { OpenTunnel } from "./delivery.ts";
import { judgeFarewell, judgeTrustAck, type TrustAck } from "./greeting.ts";
import { judgePrepared, judgeReceipt, type JudgedReceipt } from "./judge-frames.ts";
import { HourlyBound } from "./hourly.ts";
import type { Outbox } from "./outbox.ts";
import type { Prepares } from "./prepares.ts";
import type { Reads } from "./reads.ts";
import { trySend } from "./sockets.ts";
import type { HostStore } from "./store.ts";

export interface WordsDeps {
  readonly store: HostStore;
  /** What pages wait for. */
  readonly asked: { readonly prepares: Prepares; readonly reads: Reads };
  readonly outbox: () => Outbox;
  /** Resolves when everything written so far is on disk. */
  readonly durable: () => Promise<void>;
  readonly pushCommand: (intent: string) => void;
  readonly alarms: Alarms;
}

/** A host is frozen now and then, and answers commands that this edge brought; more is a broken or hostile one. */
export const ODD_ENTRIES_PER_HOUR = 12;

export class Words {
  readonly #deps: WordsDeps;
  readonly #bound: HourlyBound;

  constructor(deps: WordsDeps) {
    this.#deps = deps;
    this.#bound = new HourlyBound(deps.store, { name: "odd-entries", limit: ODD_ENTRIES_PER_HOUR });
  }

  async trustAck({ attachment }: OpenTunnel, signed: Signed): Promise<TrustAck> {
    const ack = await judgeTrustAck(attachment, signed);
    if (ack === undefined) throw new MalformedError("trust-ack does not verify");
    const { store, outbox, alarms } = this.#deps;
    store.setLatest("trust-ack", JSON.stringify(signed));
    const { host, frozen } = ack;
    if (frozen === undefined) {
      if (store.latest("frozen") === "yes") await this.#thawed(host);
      return ack;
    }
    store.setLatest("frozen", "yes");
    const alarm = { kind: "trust.forked", subject: host, host, detail: { place: frozen.place } } as const;
    const subject = `${host}:${frozen.mine}:${frozen.other}`;
    // Said again with every tunnel; only what is new costs an entry.
    if (store.latest("freeze") !== subject && !this.#bound.take()) {
      await alarms.keep(alarm);
      return ack;
    }
    store.setLatest("freeze", subject);
    store.addToOutbox({
      actor: { kind: "host", id: host },
      action: "host.frozen",
      target: host,
      detail: { code: frozen.reason, statement: frozen.mine },
      subject,
    });
    const recorded = outbox().schedule();
    await alarms.keep(alarm);
    await recorded;
    return ack;
  }

  async #thawed(host: string): Promise<void> {
    const { store, alarms } = this.#deps;
    store.setLatest("frozen", "no");
    await alarms.settle({ kind: "trust.forked", subject: host });
  }

  /** The machine's owner made it forget whom it obeys: its last word, kept before it is acknowledged. */
  async farewell({ socket, attachment }: OpenTunnel, signed: Signed): Promise<void> {
    const farewell = await judgeFarewell(attachment, signed);
    if (farewell === undefined) throw new MalformedError("farewell does not verify");
    const { store, outbox, durable, alarms } = this.#deps;
    const { host, lastReceipt } = farewell;
    store.addToOutbox({
      actor: { kind: "host", id: host },
      action: "host.reset",
      target: host,
      detail: lastReceipt.number === 0 ? {} : { receipt: lastReceipt.digest },
      subject: host, // a host is named by its key, and a key has one last word
    });
    const recorded = outbox().schedule();
    await durable();
    trySend(socket, inwardFrames.encode({ kind: "ack", receipt: lastReceipt.number + 1 }));
    await alarms.raise({ kind: "host.reset", subject: host, host });
    await recorded;
  }

  async prepared({ attachment }: OpenTunnel, signed: Signed): Promise<void> {
    const prepared = await judgePrepared(attachment, signed);
    if (prepared === undefined) throw new MalformedError("prepared does not verify");
    this.#deps.asked.prepares.settle(prepared.prepare, { kind: "prepared", signed });
  }

  /** The entry names the edge as the one who says so: nobody signed this. */
  async refused({ attachment }: OpenTunnel, frame: Extract<OutwardFrame, { kind: "refused" }>): Promise<void> {
    const { store, asked, outbox, pushCommand, alarms } = this.#deps;
    const { subject, code } = frame;
    const { host } = attachment;
    const waiting = [asked.prepares, asked.reads].find((open) => open.isOpen(subject));
    if (waiting !== undefined) {
      waiting.settle(subject, { kind: "refused", code });
      return alarms.count({ code, host });
    }
    if (!store.markRefused(subject, code)) return;
    store.addToOutbox({
      actor: { kind: "edge" },
      action: "command.refused",
      target: host,
      detail: { intent: subject, code },
      subject: `${subject}:${host}`,
    });
    pushCommand(subject);
    await Promise.all([outbox().gather(), alarms.count({ code, host })]);
  }

  /** Fact and outbox row commit together; the host hears `ack` only after both are on disk. */
  async receipt({ socket, attachment }: OpenTunnel, frame: Extract<OutwardFrame, { kind: "receipt" }>): Promise<void> {
    const judged = await judgeReceipt(attachment, frame.number, frame.signed);
    if (judged === undefined) throw new MalformedError("receipt does not verify");
    const { store, durable, pushCommand, alarms } = this.#deps;
    const { host, intent, number, verdict, code } = judged.receipt;
    const isAsked = store.stateOf(intent) !== undefined || store.receipt(judged.digest) !== undefined;
    // Not acknowledged, so an honest host says it again when there is room.
    if (!isAsked && !this.#bound.take()) return logStep("receipt-not-asked-for", { host, receipt: judged.digest });
    const isFork = store.hasOtherReceipt(number, judged.digest);
    const carried = this.#keepReceipt(judged, frame.signed);
    await durable();
    if (carried !== undefined) logStep("receipt-stored", { intent, host, receipt: judged.digest });
    trySend(socket, inwardFrames.encode({ kind: "ack", receipt: number }));
    pushCommand(intent);
    await carried;
    if (carried === undefined) return;
    if (isFork) await alarms.raise({ kind: "receipts.forked", subject: host, host, detail: { place: number } });
    if (verdict === "refused" && code !== undefined) await alarms.count({ code, host });
  }

  /** Undefined when these very bytes are known already. */
  #keepReceipt({ receipt, digest }: JudgedReceipt, signed: Signed): Promise<void> | undefined {
    const { store, outbox } = this.#deps;
    const { host, intent, verdict, code, number } = receipt;
    if (!store.addReceipt({ digest, intent, number, signed })) return undefined;
    store.addToOutbox(
      {
        actor: { kind: "host", id: host },
        action: "command.receipt",
        target: host,
        detail: { intent, verdict, receipt: digest, ...(code === undefined ? {} : { code }) },
        subject: digest,
      },
      digest,
    );
    return outbox().gather();
  }
}
