/**
 * That old entries were dropped is believed of the log, never of the edge: the entry that says so stands in it, with the
 * segment that it names. Without it an edge could call dropped whatever it would rather not show.
 */
import type { LedgerEntry } from "../../protocol/ledger.ts";
import { LogSearch, type SearchDeps } from "./log-search.ts";

/** Newer than any entry, as far as an address carries it: the drop may be newer than what the page holds. */
const BEYOND = 999_999_999_999_999;
/** The entry is written before the segment goes; two clocks of one edge differ by less. */
const AFTER_SECONDS = 60;
/** Some hundred thousand entries around the moment that the edge names: a hint that is wrong is not worth the whole log. */
const MAX_LOOKS = 4;

export type Dropping =
  | "proven"
  | "open" // it is there, and no checkpoint covers it yet
  | "unknown" // not found where it should be, and not everything was looked at
  | "none";

export interface DroppedDeps extends SearchDeps {
  /** Index of the newest entry before that moment. */
  readonly indexBefore: (at: number) => Promise<number>;
  readonly head: number;
}

/** Whether the log says that everything up to `to` was dropped. @throws {TroubleError} */
export async function judgeDropped(to: number, deps: DroppedDeps): Promise<Dropping> {
  const search = new LogSearch(deps, { actions: ["ledger.dropped"] }, { before: await endOf(to, deps), floor: to });
  let isThere = false;
  for (let looks = 0; looks < MAX_LOOKS && !search.isDone; looks += 1) {
    for (const { held } of await search.next()) {
      if (held.kind !== "row" || !tellsOf(to, held.checked.entry)) continue;
      if (held.linked) return "proven";
      isThere = true;
    }
  }
  if (isThere) return "open";
  return search.isDone ? "none" : "unknown";
}

/** Where to look from: entries that were written since are passed over, as far as the edge says when it was. */
async function endOf(to: number, { source, indexBefore, head }: DroppedDeps): Promise<number> {
  const at = await source.droppedAt(to);
  if (at === undefined) return BEYOND;
  const last = await indexBefore(at + AFTER_SECONDS);
  return last >= head ? BEYOND : last + 1;
}

/** The edge answers for what a filter finds, so the entry is asked again what it is. */
function tellsOf(to: number, { index, action, detail }: LedgerEntry): boolean {
  const { segment } = detail;
  if (action !== "ledger.dropped" || segment === undefined) return false;
  return segment.first <= to && to <= segment.last && segment.last < index;
}
