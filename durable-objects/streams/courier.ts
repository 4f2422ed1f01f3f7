/**
 * Brings entries to one far end, strictly in order: what was set aside and is to be sent again, then what is new. A batch
 * is named in storage before its first attempt and leaves it only when the far end has taken it, so it arrives at least
 * once whatever dies in between.
 */
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { STREAM_PATIENCE_SECONDS } from "../../protocol/limits.ts";
import type { Alarms } from "../alert-client.ts";
import { edgeSeconds } from "../clock.ts";
import type { LedgerReader } from "../db/ledger-reader.ts";
import { logFault, logStep } from "../log.ts";
import { postOut, type FetchOut, type PostOutcome } from "../outbound/post-out.ts";
import type { Seals } from "../outbound/seal.ts";
import { webhookHeaders } from "../outbound/webhook.ts";
import { lookForBatch, writeBatch } from "./batch.ts";
import { decide, type Decision } from "./decide.ts";
import { openFarEnd, validSecrets } from "./secrets.ts";
import type { Pending, StoredStream } from "./stream.ts";
import type { StreamTable } from "./stream-table.ts";

export interface CourierDeps {
  readonly table: StreamTable;
  readonly reader: LedgerReader;
  readonly seals: Seals;
  readonly fetchOut: FetchOut;
  readonly alarms: Pick<Alarms, "raise" | "settle">;
  /** Returns when the entry is durable. @throws {LedgerUnavailable} */
  readonly append: (draft: LedgerDraft) => Promise<unknown>;
}

/** In one wake of the object; whoever is far behind goes on at once, and the others are not kept waiting. */
const MAX_MESSAGES_PER_WAKE = 32;

export class Courier {
  readonly #deps: CourierDeps;

  constructor(deps: CourierDeps) {
    this.#deps = deps;
  }

  /** Never rejects. True: there is more to send at once. `head`: index of the newest entry. */
  async advance(name: string, head: number): Promise<boolean> {
    try {
      for (let i = 0; i < MAX_MESSAGES_PER_WAKE; i++) if (!(await this.#one(name, head))) return false;
      return true;
    } catch (error) {
      logFault("stream_delivery", error, { stream: name });
      return false;
    }
  }

  /** False: nothing more to do now. */
  async #one(name: string, head: number): Promise<boolean> {
    const stream = this.#deps.table.find(name);
    if (stream === undefined || stream.paused) return false;
    if (stream.retryAt !== undefined && stream.retryAt > edgeSeconds()) return false;
    const pending = stream.pending ?? (await this.#next(stream, head));
    if (pending === "skipped") return true;
    return pending === undefined ? false : this.#deliver(stream, pending);
  }

  async #next(stream: StoredStream, head: number): Promise<Pending | "skipped" | undefined> {
    const { table, reader } = this.#deps;
    const aside = table.queued(stream.stream);
    const range = aside ?? { first: stream.cursor + 1, last: head };
    if (range.first > range.last) return undefined;
    const looked = await lookForBatch(reader, { first: range.first, last: range.last, filter: stream.filter });
    // Somebody may have changed the stream while the log was read.
    const now = table.find(stream.stream);
    if (
      now === undefined ||
      now.paused ||
      now.cursor !== stream.cursor ||
      table.queued(stream.stream)?.id !== aside?.id
    )
      return "skipped";
    if (looked.found === "batch") return table.name(now, looked.range, aside?.id);
    if (aside !== undefined) {
      // Echoes, when they are asked for, are sent; entries that a policy dropped cannot be.
      const pending = table.name(now, { first: range.first, last: range.last }, aside.id);
      if (looked.found === "echoes") return pending;
      table.dropMessage(stream.stream, pending);
      return "skipped";
    }
    if (looked.found === "echoes") return undefined;
    table.skip(stream.stream, looked.upTo);
    return "skipped";
  }

  async #deliver(stream: StoredStream, pending: Pending): Promise<boolean> {
    const { table, reader } = this.#deps;
    const { filter, format } = stream;
    const { body, contentType } = await writeBatch(reader, { ...pending, filter }, format);
    if (body === "") {
      table.dropMessage(stream.stream, pending);
      return true;
    }
    const outcome = await this.send(stream, { id: pending.message, body, contentType });
    const { attempts, refusals } = stream;
    return this.#settle(stream, pending, decide(outcome, { attempts, refusals, chance: Math.random() }));
  }

  async #settle({ stream }: StoredStream, pending: Pending, decision: Decision): Promise<boolean> {
    const { table } = this.#deps;
    const now = edgeSeconds();
    switch (decision.next) {
      case "sent":
        if (table.sent(stream, pending, now)) await this.#recovered(stream);
        return true;
      case "wait": {
        const { fault, refused, seconds } = decision;
        table.wait({ stream, message: pending.message }, { fault, refused, retryAt: now + seconds, now });
        logStep("stream-waits", { stream, fault, seconds });
        const failingSince = table.find(stream)?.failingSince ?? now;
        if (now - failingSince >= STREAM_PATIENCE_SECONDS) await this.#alert(stream);
        return false;
      }
      case "set-aside":
        await this.#setAside(stream, pending, decision.fault);
        return true;
      case "pause":
        table.gone(stream, pending.message);
        logStep("stream-gone", { stream });
        await this.#alert(stream);
        return false;
    }
  }

  /** The entry first. Whoever dies in between writes the same one again, which is none. */
  async #setAside(
    stream: string,
    pending: Pending,
    fault: Parameters<StreamTable["setAside"]>[2]["fault"],
  ): Promise<void> {
    const { table, append } = this.#deps;
    const { first, last, message } = pending;
    await append({
      actor: { kind: "edge" },
      action: "stream.set-aside",
      detail: { stream, range: { first, last }, code: fault },
      subject: message,
    });
    if (table.setAside(stream, pending, { fault, now: edgeSeconds() })) await this.#alert(stream);
  }

  async #alert(stream: string): Promise<void> {
    // Again each time: an alert that somebody closed too early comes back, one that is open is only counted.
    this.#deps.table.setAlerted(stream, true);
    await this.#deps.alarms.raise({ kind: "stream.failing", subject: stream, detail: { stream } });
  }

  /** What was set aside still waits for somebody. */
  async #recovered(stream: string): Promise<void> {
    const { table, alarms } = this.#deps;
    if (table.find(stream)?.alerted !== true || table.asides(stream).length > 0) return;
    table.setAlerted(stream, false);
    await alarms.settle({ kind: "stream.failing", subject: stream });
  }

  /** One attempt. */
  async send(
    { stream, sealed }: Pick<StoredStream, "stream" | "sealed">,
    { id, body, contentType }: { readonly id: string; readonly body: string; readonly contentType: string },
  ): Promise<PostOutcome> {
    const { seals, fetchOut } = this.#deps;
    const farEnd = await openFarEnd(stream, sealed, seals);
    if (farEnd === undefined) return { fault: "settings", status: 0 };
    const now = edgeSeconds();
    const signed = await webhookHeaders({ id, body, now }, validSecrets(farEnd, now));
    return postOut({ url: farEnd.url, body, headers: { "content-type": contentType, ...signed } }, fetchOut);
  }
}
