/** The figures of one host over time: numbers of the edge, under the short names that the host gave. */
import type { HistoryDesk } from "../state/curves.ts";
import type { EdgeClient } from "./http.ts";
import { resultOf } from "./trouble.ts";

export function historyDesk(client: EdgeClient): HistoryDesk {
  return {
    read: (host, range) => resultOf(() => client.call("hostHistory", { params: { host }, query: { range } })),
  };
}
