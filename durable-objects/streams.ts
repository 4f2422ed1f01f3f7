/**
 * The streams of one workspace: far ends that follow the log live. Looks for new entries while there is anybody to send
 * them to, and wakes for what waits. Decides nothing about who may set one: whoever calls has judged the touch and
 * written it to the ledger.
 */
import { DurableObject } from "cloudflare:workers";
import type { DeliveryFault } from "../protocol/alerts.ts";
import type { StreamChange, StreamRow } from "../protocol/contracts/streams.ts";
import { STREAM_LOOK_SECONDS, STREAM_OVERLAP_SECONDS } from "../protocol/limits.ts";
import { alarmsOf } from "./alert-client.ts";
import { edgeSeconds } from "./clock.ts";
import { LedgerReader } from "./db/ledger-reader.ts";
import type { Env } from "./env.ts";
import { ledgerOf } from "./ledger-client.ts";
import { logFault } from "./log.ts";
import { wayOut } from "./outbound/post-out.ts";
import { Seals } from "./outbound/seal.ts";
import { Courier } from "./streams/courier.ts";
import { openFarEnd, rotated, sealFarEnd } from "./streams/secrets.ts";
import { describeStream, type Aside, type StoredStream } from "./streams/stream.ts";
import { StreamTable } from "./streams/stream-table.ts";

/** A change that names one that is there. */
type Named = Exclude<StreamChange, { readonly setting: "streamAdd" }>;

const TEST_BODY = JSON.stringify({ type: "stream.test", what: "This is a test. The activity log will arrive here." });

export class Streams extends DurableObject<Env> {
  /** Durable. */
  readonly #table: StreamTable;
  /** In memory only: the head at the last look, so that an idle log costs one row. */
  #lookedTo = 0;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#table = new StreamTable(state.storage.sql);
  }

  // ---- calls of the Worker ----

  async list(workspace: string): Promise<StreamRow[]> {
    this.#table.identify(workspace);
    const { index: head } = await this.#reader(workspace).head();
    const now = edgeSeconds();
    return this.#table
      .list()
      .map((stream) => describeStream(stream, { asides: this.#table.asides(stream.stream), head, now }));
  }

  /** `from` as asked for: 0 means what comes after this moment. */
  async add(
    workspace: string,
    stream: string,
    { label, url, secret, format, filter, from }: Extract<StreamChange, { readonly setting: "streamAdd" }>,
  ): Promise<void> {
    this.#table.identify(workspace);
    const cursor = from === 0 ? (await this.#reader(workspace).head()).index : from - 1;
    const sealed = await sealFarEnd(stream, { url, secrets: [{ secret }] }, this.#seals(workspace));
    const { host: to } = new URL(url);
    this.#table.insert({ stream, label, to, sealed, format, filter, cursor }, edgeSeconds());
    await this.#wakeAt(edgeSeconds());
  }

  /** False: there is no such stream any more. */
  async change(workspace: string, change: Named): Promise<boolean> {
    this.#table.identify(workspace);
    const { stream } = change;
    const known = this.#table.find(stream);
    if (known === undefined) return false;
    switch (change.setting) {
      case "streamRotate":
        await this.#rotate(workspace, known, change.secret);
        break;
      case "streamRewind":
        this.#table.rewind(stream, change.from);
        break;
      case "streamPause":
        this.#table.pause(stream);
        break;
      case "streamResume":
        this.#table.resume(stream);
        break;
      case "streamRemove":
        this.#table.remove(stream);
        break;
    }
    const isOver = change.setting === "streamPause" || change.setting === "streamRemove";
    if (isOver && known.alerted) await this.#settleAlert(workspace, stream);
    await this.#wakeAt(edgeSeconds());
    return true;
  }

  /** The ranges that would be sent again. */
  asides(workspace: string, stream: string): readonly Aside[] {
    this.#table.identify(workspace);
    return this.#table.asides(stream);
  }

  async replay(workspace: string, stream: string): Promise<void> {
    this.#table.identify(workspace);
    this.#table.queueAsides(stream);
    await this.#wakeAt(edgeSeconds());
  }

  /** One fixed sentence, now, without a retry. */
  async sendTest(workspace: string, stream: string): Promise<{ readonly fault?: DeliveryFault } | undefined> {
    this.#table.identify(workspace);
    const known = this.#table.find(stream);
    if (known === undefined) return undefined;
    const message = { id: `msg_test_${edgeSeconds()}`, body: TEST_BODY, contentType: "application/json" };
    const { fault } = await this.#courier(workspace).send(known, message);
    return fault === undefined ? {} : { fault };
  }

  /** There are new entries. Costs nothing where nobody follows. */
  async wake(workspace: string): Promise<void> {
    this.#table.identify(workspace);
    if (this.#live().length > 0) await this.#wakeAt(edgeSeconds());
  }

  override async alarm(): Promise<void> {
    const workspace = this.#table.workspace();
    if (workspace === undefined) return;
    let isMore = false;
    try {
      isMore = await this.#work(workspace);
    } catch (error) {
      logFault("streams_look", error); // the database does not answer: the next look comes anyway
    }
    await this.#plan(isMore);
  }

  // ---- inside ----

  async #work(workspace: string): Promise<boolean> {
    const live = this.#live();
    if (live.length === 0) return false;
    const { index: head } = await this.#reader(workspace).head();
    const isNew = head !== this.#lookedTo;
    const courier = this.#courier(workspace);
    const due = live.filter((stream) => isNew || this.#isOwed(stream));
    const more = await Promise.all(due.map(({ stream }) => courier.advance(stream, head)));
    this.#lookedTo = head;
    return more.includes(true);
  }

  /** Something besides new entries waits: a message, or a range to be sent again. */
  #isOwed({ stream, pending, cursor }: StoredStream): boolean {
    return pending !== undefined || cursor < this.#lookedTo || this.#table.queued(stream) !== undefined;
  }

  #live(): readonly StoredStream[] {
    return this.#table.list().filter(({ paused }) => !paused);
  }

  /** A look every few seconds while anybody follows, sooner for what is due sooner; none where nobody does. */
  async #plan(isMore: boolean): Promise<void> {
    const live = this.#live();
    if (live.length === 0) return this.ctx.storage.deleteAlarm();
    const now = edgeSeconds();
    const retries = live.flatMap(({ retryAt }) => (retryAt === undefined ? [] : [retryAt]));
    const next = isMore ? now : Math.min(now + STREAM_LOOK_SECONDS, ...retries);
    await this.#wakeAt(Math.max(next, now));
  }

  async #wakeAt(seconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(seconds * 1_000);
  }

  async #rotate(workspace: string, { stream, sealed }: StoredStream, secret: string): Promise<void> {
    const seals = this.#seals(workspace);
    const farEnd = await openFarEnd(stream, sealed, seals);
    if (farEnd === undefined) throw new TypeError("streams: sealed with another key");
    const now = edgeSeconds();
    this.#table.seal(
      stream,
      await sealFarEnd(stream, rotated(farEnd, secret, now), seals),
      now + STREAM_OVERLAP_SECONDS,
    );
  }

  async #settleAlert(workspace: string, stream: string): Promise<void> {
    this.#table.setAlerted(stream, false);
    await alarmsOf(this.env, () => workspace).settle({ kind: "stream.failing", subject: stream });
  }

  #reader(workspace: string): LedgerReader {
    return new LedgerReader(this.env, workspace);
  }

  #seals(workspace: string): Seals {
    return new Seals(this.env.SETTINGS_KEY, workspace);
  }

  #courier(workspace: string): Courier {
    return new Courier({
      table: this.#table,
      reader: this.#reader(workspace),
      seals: this.#seals(workspace),
      fetchOut: wayOut(this.env),
      alarms: alarmsOf(this.env, () => workspace),
      append: ledgerOf(this.env, workspace),
    });
  }
}
