/** Holds what a person picked on the fleet page while the page is open. A link or a reload picks nothing. */
import { useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { HostView } from "../../state/backend.ts";
import {
  allPicked,
  pickable,
  pickedOf,
  toggle,
  toggleAll,
  toggleRange,
  type Selection,
} from "../../state/selection.ts";
import type { Picks } from "./table.tsx";

interface UsedPicks {
  /** Absent where there is nothing to choose among. */
  readonly picks: Picks | undefined;
  readonly picked: readonly HostView[];
  readonly clear: () => void;
}

/** `hosts`: all of them, because a filter hides a picked host and does not drop it. */
export function usePicks(hosts: readonly HostView[], shown: readonly HostView[], now: number): UsedPicks {
  const selection = useSignal<Selection>(new Set());
  const last = useRef<string | undefined>(undefined);
  const clear = useMemo(() => () => (selection.value = new Set()), [selection]);
  const picking = { shown, selection: selection.value, now };
  const onPick = (id: string, range: boolean) => {
    const from = last.current;
    selection.value = range && from !== undefined ? toggleRange(picking, from, id) : toggle(picking, id);
    last.current = id;
  };
  const picks = {
    selection: selection.value,
    all: allPicked(picking),
    onAll: () => (selection.value = toggleAll(picking)),
    onPick,
  };
  const isChoice = pickable(hosts, now).length > 1;
  return { picks: isChoice ? picks : undefined, picked: pickedOf(hosts, selection.value, now), clear };
}
