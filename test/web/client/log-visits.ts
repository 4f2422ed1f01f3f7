/**
 * Visits of one browser to a log that an edge shows: signed as a test says, honest or bent on its way. What the browser keeps
 * is kept from visit to visit, and new for each test.
 */
import { beforeAll, beforeEach } from "vitest";
import type { ActivityRow } from "../../../protocol/contracts.ts";
import { Activity } from "../../../web/client/activity.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import { SignedLog } from "./signed-log.ts";

/** What the edge says of rows, for a test to bend. */
export interface Answer {
  rows: readonly ActivityRow[];
  head: { readonly index: number; readonly hash: string };
  droppedTo?: number;
  inclusion?: unknown;
  checkpoint?: unknown;
}

class LogVisits {
  #world: World | undefined;
  #far: FarEnd | undefined;
  /** Twenty entries. */
  rows: readonly ActivityRow[] = [];

  get world(): World {
    if (this.#world === undefined) throw new Error("the world is made before the first test");
    return this.#world;
  }
  get far(): FarEnd {
    if (this.#far === undefined) throw new Error("the far end is made before each test");
    return this.#far;
  }

  readonly open = async (): Promise<void> => {
    this.#world = await makeWorld();
    this.rows = this.history("one", 20);
  };
  readonly begin = (): void => {
    this.#far = new FarEnd(this.world);
  };

  readonly history = (code: string, size: number, at?: number): readonly ActivityRow[] => {
    const ledger = new LedgerMaker(this.world);
    for (let i = 0; i < size; i += 1)
      ledger.add({ action: "alert.raised", detail: { code }, ...(at === undefined ? {} : { at }) });
    return ledger.rows;
  };
  /** Signed up to there; no host has seen it. */
  readonly show = (shown: readonly ActivityRow[], signed = shown.length): SignedLog => {
    const log = new SignedLog(this.world.workspace, shown, { now: NOW, signed });
    this.far.log = log;
    return log;
  };
  /** Signed up to there, and cosigned by the only host. */
  readonly signed = (shown: readonly ActivityRow[], size = shown.length): SignedLog => {
    const log = this.show(shown, size);
    log.witnesses = [{ host: this.world.host, key: "host cosign", size, at: NOW }];
    return log;
  };
  readonly visit = async (): Promise<Activity> => {
    const deps = this.far.deps();
    const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
    await activity.refresh();
    return activity;
  };
  /** Nothing beyond that entry is shown. */
  readonly cutTo = (last: number) => (answer: Answer) => ({
    ...answer,
    rows: answer.rows.filter(({ index }) => index <= last),
    head: { index: last, hash: this.rows[last - 1]?.hash ?? "" },
  });
}

/** For the file that calls it: its hooks are registered there. */
export function logVisits(): LogVisits {
  const visits = new LogVisits();
  beforeAll(visits.open);
  beforeEach(visits.begin);
  return visits;
}

/** What the log says of its rows, changed on its way. */
export function bendRows(log: SignedLog, bend: (answer: Answer) => Answer): void {
  const honest = log.answer.bind(log);
  log.answer = async (name, input) => {
    const answer = await honest(name, input);
    return name === "activity" ? bend(answer as Answer) : answer;
  };
}

export function refuseProofs(log: SignedLog, upTo = Infinity): void {
  const honest = log.answer.bind(log);
  log.answer = async (name, input) => {
    if (name === "entryProof" && Number(input.params["index"]) <= upTo)
      throw new TroubleError({ code: "not_found", what: "There is nothing here." });
    return honest(name, input);
  };
}

/** Rows of another history, beside the checkpoints of this one. */
export function showInstead(log: SignedLog, other: readonly ActivityRow[]): void {
  const forged = new SignedLog(log.workspace, other, { now: NOW });
  const honest = log.answer.bind(log);
  log.answer = (name, input) => (name === "activity" ? forged.answer(name, input) : honest(name, input));
}

export function shownAs(activity: Activity, index: number) {
  const item = activity.rows.item(index);
  return [item?.witnessed, item?.entry?.seal.state];
}
