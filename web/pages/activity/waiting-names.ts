/** Entries with the labels of hosts that wait, as Fleet shows them, wherever an entry is told. */
import { useApp } from "../../state/app.ts";
import type { LedgerEntry } from "../../state/backend.ts";
import { withWaitingNames } from "./names.ts";

export function useWaitingNames(): (entry: LedgerEntry) => LedgerEntry {
  const fleet = useApp().backend.fleet.value;
  const hosts = fleet.state === "ready" ? fleet.value : [];
  return (entry) => withWaitingNames(entry, hosts);
}
