/** Which rows of a long list are drawn. Pure arithmetic: a list of any length is a few dozen elements. */

/** Rows drawn above and below what can be seen, so that a flick does not outrun them. */
const SPARE_ROWS = 10;
/** A browser caps the height of an element somewhere above ten million pixels. */
const MAX_LIST_PIXELS = 10_000_000;

export interface Viewed {
  /** Pixels of the list above the upper edge of the window; negative while it begins below. */
  readonly above: number;
  /** Height of the window. */
  readonly view: number;
  readonly rowHeight: number;
  readonly count: number;
}

/** Positions; both included. Empty: `last` is before `first`. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** What can be seen, at least in part. */
export function seenRange({ above, view, rowHeight, count }: Viewed): Range {
  const first = Math.floor(Math.max(0, above) / rowHeight);
  const last = Math.ceil((above + view) / rowHeight) - 1;
  return { first: Math.min(first, Math.max(0, count - 1)), last: Math.min(last, count - 1) };
}

/** What is drawn for it. */
export function drawnRange({ first, last }: Range, count: number): Range {
  return { first: Math.max(0, first - SPARE_ROWS), last: Math.min(count - 1, last + SPARE_ROWS) };
}

/** The positions to draw: the range, and the one that has the focus, wherever it is. */
export function drawnPositions({ first, last }: Range, focused: number | undefined): readonly number[] {
  const positions: number[] = [];
  for (let position = first; position <= last; position += 1) positions.push(position);
  if (focused === undefined || (focused >= first && focused <= last)) return positions;
  return focused < first ? [focused, ...positions] : [...positions, focused];
}

/** As many rows as one element may be tall for. */
export function rowsThatFit(rowHeight: number): number {
  return Math.floor(MAX_LIST_PIXELS / rowHeight);
}

/** Part of a log: from its newest index shown, downwards. */
export interface Part {
  readonly top: number;
  readonly count: number;
}

/** The part of a log that has `index` in it, as near to `part` as it goes; everything where everything fits. */
export function partWith(
  index: number,
  {
    top,
    head,
    floor,
    fit,
  }: { readonly top: number; readonly head: number; readonly floor: number; readonly fit: number },
): Part {
  const isInside = index <= top && index > top - fit;
  const newTop = isInside ? top : Math.min(head, index + Math.floor(fit / 2));
  return { top: newTop, count: Math.max(0, Math.min(fit, newTop - floor)) };
}

export type Step = "next" | "previous" | "page-down" | "page-up" | "first" | "last";

/** Where the keyboard goes from a position. */
export function stepFrom(
  position: number,
  step: Step,
  { count, page }: { readonly count: number; readonly page: number },
): number {
  const to = {
    next: position + 1,
    previous: position - 1,
    "page-down": position + page,
    "page-up": position - page,
    first: 0,
    last: count - 1,
  }[step];
  return Math.max(0, Math.min(count - 1, to));
}

const keys: Readonly<Record<string, Step>> = {
  ArrowDown: "next",
  j: "next",
  ArrowUp: "previous",
  k: "previous",
  PageDown: "page-down",
  PageUp: "page-up",
  Home: "first",
  End: "last",
};

export function stepOfKey(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): Step | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  return Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
}
