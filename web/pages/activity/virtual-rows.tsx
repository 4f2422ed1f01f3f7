/**
 * A list of any length in a few dozen elements: rows of one height, drawn where they can be seen, reached one by one with
 * the keyboard, and counted for a screen reader. May not: know what a row shows.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { drawnPositions, drawnRange, seenRange, stepFrom, stepOfKey, type Range } from "./window.ts";

/** Where the list should go, once for each new object. */
export interface Going {
  readonly position: number;
  readonly focus: boolean;
}

interface VirtualRowsProps {
  readonly label: string;
  readonly count: number;
  /** More rows may follow that nobody counted. */
  readonly isOpenEnded: boolean;
  readonly going: Going | undefined;
  readonly row: (position: number, isCurrent: boolean) => ComponentChildren;
  readonly onSeen: (seen: Range, rowHeight: number) => void;
}

const NOTHING: Range = { first: 0, last: -1 };
/** What stands on top of the page and covers rows, and some air. */
const COVERED_PIXELS = 96;

export function VirtualRows(props: VirtualRowsProps) {
  const { label, count, isOpenEnded, row } = props;
  const { list, probe, rowHeight, seen, current, goTo } = useRows(props);
  const focusNext = useFocusOn(list, current);
  const gone = useRef<Going | undefined>(undefined);
  const tries = useSignal(0);
  void tries.value;
  // Only once the list is as tall as its rows: a shorter document cannot be scrolled there.
  useLayoutEffect(() => {
    const { going } = props;
    const isTall = rowHeight.value > 0 && (list.current?.offsetHeight ?? 0) >= Math.floor(count * rowHeight.value);
    if (going === undefined || going === gone.current) return undefined;
    if (!isTall) {
      const frame = requestAnimationFrame(() => (tries.value += 1));
      return () => cancelAnimationFrame(frame);
    }
    gone.current = going;
    focusNext.current = going.focus;
    goTo(going.position);
    return undefined;
  });
  const onKey = (event: KeyboardEvent) => {
    const step = stepOfKey(event);
    if (step === undefined) return;
    event.preventDefault();
    focusNext.current = true;
    const page = Math.max(1, seen.value.last - seen.value.first - 1);
    goTo(stepFrom(current.value, step, { count, page }));
  };
  const at = Math.min(current.value, count - 1);
  const drawn = rowHeight.value === 0 ? [] : drawnPositions(drawnRange(seen.value, count), at);
  return (
    <div
      class="rows"
      role="table"
      aria-label={label}
      aria-rowcount={isOpenEnded ? -1 : count}
      ref={list}
      style={{ height: `${count * rowHeight.value}px` }}
      onKeyDown={onKey}
      onFocusIn={(event) => (current.value = positionOf(event.target) ?? current.value)}
    >
      <div class="row-probe" aria-hidden="true" ref={probe} />
      <div role="rowgroup">
        {drawn.map((position) => (
          <div
            key={position}
            class="at"
            role="row"
            aria-rowindex={position + 1}
            data-position={position}
            style={{ transform: `translateY(${position * rowHeight.value}px)` }}
          >
            {row(position, position === at)}
          </div>
        ))}
      </div>
    </div>
  );
}

/** What is seen, how tall a row is, and where the keyboard stands. */
function useRows({ count, onSeen }: VirtualRowsProps) {
  const list = useRef<HTMLDivElement>(null);
  const probe = useRef<HTMLDivElement>(null);
  const rowHeight = useSignal(0);
  const seen = useSignal<Range>(NOTHING);
  const current = useSignal(0);
  const countNow = useRef(count);
  countNow.current = count;
  const look = () => {
    const height = probe.current?.offsetHeight ?? 0;
    const place = list.current?.getBoundingClientRect();
    if (height === 0 || place === undefined) return;
    const next = seenRange({ above: -place.top, view: innerHeight, rowHeight: height, count: countNow.current });
    rowHeight.value = height;
    if (next.first !== seen.value.first || next.last !== seen.value.last) seen.value = next;
  };
  useOnView(look);
  useLayoutEffect(look);
  useEffect(() => {
    if (rowHeight.value > 0) onSeen(seen.value, rowHeight.value);
  }, [seen.value, rowHeight.value, count]);
  const goTo = (position: number) => {
    const at = Math.max(0, Math.min(countNow.current - 1, position));
    current.value = at;
    const place = list.current?.getBoundingClientRect();
    if (place === undefined) return;
    const top = place.top + at * rowHeight.value;
    if (top < COVERED_PIXELS || top + rowHeight.value > innerHeight - COVERED_PIXELS)
      scrollTo({ top: scrollY + top - innerHeight / 3, behavior: "instant" });
    look();
  };
  return { list, probe, rowHeight, seen, current, goTo };
}

/** The row that the keyboard went to gets the focus once it is drawn. */
function useFocusOn(list: { readonly current: HTMLDivElement | null }, current: { readonly value: number }) {
  const focusNext = useRef(false);
  useLayoutEffect(() => {
    if (!focusNext.current) return;
    const link = list.current?.querySelector<HTMLElement>(`[data-position="${current.value}"] a`);
    if (link === null || link === undefined) return;
    link.focus({ preventScroll: true });
    focusNext.current = false;
  });
  return focusNext;
}

/** Calls after each scroll and change of size, at most once a frame. */
function useOnView(look: () => void): void {
  const newest = useRef(look);
  newest.current = look;
  useEffect(() => {
    let frame = 0;
    const onView = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        newest.current();
      });
    };
    addEventListener("scroll", onView, { passive: true });
    addEventListener("resize", onView);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", onView);
      removeEventListener("resize", onView);
    };
  }, []);
}

function positionOf(target: EventTarget | null): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>("[data-position]") : null;
  const position = row?.dataset["position"];
  return position === undefined ? undefined : Number(position);
}
