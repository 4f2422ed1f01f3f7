/**
 * One sealed segment of a workspace's ledger, named `workspace/number`. Takes its rows out of the open table by itself,
 * step by step, and gives them to whoever reads; drops them when it is told to, which a person has approved and the ledger
 * holds by then. Writes no entry, changes none.
 */
import { DurableObject } from "cloudflare:workers";
import type { LedgerFilter } from "../protocol/contracts/ledger.ts";
import { alarmsOf } from "./alert-client.ts";
import type { Beside, LedgerRecord, Page, Span } from "./db/ledger-rows.ts";
import type { Env } from "./env.ts";
import { logFault, logStep } from "./log.ts";
import { Mover, SegmentMisfit } from "./segment/mover.ts";
import { SegmentRows, type SegmentState, type SegmentTask, type ValuePlace } from "./segment/segment-rows.ts";

/** Nothing is in a hurry: whoever appended a moment ago goes first, and between steps everybody else does. */
const START_SECONDS = 10;
const PAUSE_SECONDS = 2;
/** After something that may pass by itself. */
const AGAIN_SECONDS = 30;
/** After rows that do not fit: only somebody who restores the database helps. */
const MISFIT_SECONDS = 3_600;

/** What a reader asks a segment for. */
export interface SegmentQuestion extends Page {
  readonly filter: LedgerFilter;
  readonly span: Span;
}

export class LedgerSegment extends DurableObject<Env> {
  /** Durable. */
  readonly #rows: SegmentRows;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#rows = new SegmentRows(state.storage);
  }

  // ---- calls of the ledger's writer ----

  /** Begins, or goes on. Returns at once; again with the same task: nothing new. */
  async seal(task: SegmentTask): Promise<void> {
    const state = this.#rows.state();
    if (state?.stage === "dropping") return;
    if (state === undefined || (state.stage === "copying" && !isSame(state.task, task))) this.#rows.begin(task);
    else if (!isSame(state.task, task)) return this.#refuse(task, new SegmentMisfit("it was sealed as another"));
    // The database was put back to before it knew: what is here is checked and stays.
    else if (state.stage === "done") this.#rows.setStage("held");
    if ((await this.ctx.storage.getAlarm()) === null) await this.#wakeIn(START_SECONDS);
  }

  override async alarm(): Promise<void> {
    const state = this.#rows.state();
    if (state === undefined) return;
    try {
      const hasMore = await this.#mover(state).step(state);
      if (state.stage === "copying" && this.#rows.state()?.stage === "held")
        await alarmsOf(this.env, () => state.task.workspace).settle(alertOf(state.task));
      if (hasMore) await this.#wakeIn(PAUSE_SECONDS);
      else logStep("segment", { n: state.task.n, stage: state.stage });
    } catch (error) {
      if (error instanceof SegmentMisfit) return this.#misfit(state, error);
      logFault("segment", error, { n: state.task.n, stage: state.stage });
      await this.#wakeIn(AGAIN_SECONDS);
    }
  }

  #mover({ task }: SegmentState): Mover {
    return new Mover({ db: this.env.DB, rows: this.#rows, durable: () => this.ctx.storage.sync() }, task);
  }

  /** Nothing is removed that was not understood, and a person is told. */
  async #misfit({ task }: SegmentState, misfit: SegmentMisfit): Promise<void> {
    this.#rows.begin(task);
    await this.#wakeIn(MISFIT_SECONDS);
    await this.#refuse(task, misfit);
  }

  async #refuse({ workspace, n, signed }: SegmentTask, misfit: SegmentMisfit): Promise<void> {
    logFault("segment_misfit", misfit, { n });
    await alarmsOf(this.env, () => workspace).raise({
      ...alertOf({ n }),
      detail: { held: signed, ...(misfit.found === undefined ? {} : { shown: misfit.found }) },
    });
  }

  async #wakeIn(seconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + seconds * 1_000);
  }

  // ---- reading ----

  records({ filter, span, order, limit }: SegmentQuestion): readonly LedgerRecord[] {
    return this.#rows.records(filter, span, { order, limit });
  }

  /** Openings of these entries, and these receipts. */
  beside(indices: readonly number[], receipts: readonly string[]): Beside {
    return { values: this.#rows.values(indices), receipts: this.#rows.receipts(receipts) };
  }

  receiptEntries(digests: readonly string[]): readonly { digest: string; index: number; body: string }[] {
    return this.#rows.receiptEntries(digests);
  }

  // ---- erasing and dropping; the entry that says so is written ----

  holdsValue(place: ValuePlace): boolean {
    return this.#rows.holdsValue(place);
  }

  eraseValue(place: ValuePlace): void {
    this.#rows.eraseValue(place);
  }

  /** Remembered first, so that it is carried through whatever dies in between. */
  async drop(): Promise<void> {
    const state = this.#rows.state();
    if (state === undefined) return; // dropped before
    if (state.stage === "copying") throw new TypeError("segment: not moved yet");
    this.#rows.setStage("dropping");
    await this.#wakeIn(AGAIN_SECONDS);
    await this.#mover(state).step({ ...state, stage: "dropping" });
  }
}

function alertOf({ n }: Pick<SegmentTask, "n">) {
  return { kind: "ledger.rewritten", subject: `segment-${n}` } as const;
}

/** The checkpoint that it is compared with may be a newer one. */
function isSame(a: SegmentTask, b: SegmentTask): boolean {
  return a.workspace === b.workspace && a.n === b.n && a.first === b.first && a.last === b.last && a.hash === b.hash;
}
