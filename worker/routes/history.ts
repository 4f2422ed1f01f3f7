/** The figures of one host over time, as its object rolled them up. Numbers and tags only. */
import * as v from "valibot";
import { historyRangeNames, type HistoryRange } from "../../protocol/history.ts";
import { problem } from "../http/problems.ts";
import type { Handler } from "../mount.ts";
import { requireVisible } from "./hosts.ts";

const rangeName = v.picklist(historyRangeNames);

export const hostHistory: Handler<"hostHistory"> = async ({ authority, params, arrival, deps }) => {
  const { workspace, trust } = authority;
  const host = requireVisible(authority, params["host"]);
  // Of a host that is not admitted nothing is kept, and a made-up name must not create an object.
  if (!trust.hosts.has(host)) throw problem("host_unknown");
  return { body: await deps.host(workspace, host).history({ workspace, host }, rangeOf(arrival.query)) };
};

function rangeOf(query: URLSearchParams): HistoryRange {
  const [range, ...more] = query.getAll("range");
  if (more.length > 0 || !v.is(rangeName, range)) throw problem("malformed_request", "range");
  return range;
}
