/** Order and search of a list, as its address says. Pure. What has no value stands last in both directions. */

export type Value = string | number | undefined;

/** `sort`: a column's id, with `-` before it from the last to the first. */
export interface Sorting {
  readonly column: string;
  readonly isDescending: boolean;
}

export function sortingOf(sort: string): Sorting {
  return sort.startsWith("-") ? { column: sort.slice(1), isDescending: true } : { column: sort, isDescending: false };
}

export function compareValues(a: Value, b: Value, isDescending: boolean): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const order =
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), "en", { numeric: true, sensitivity: "base" });
  return isDescending ? -order : order;
}

/** The next press of a column's head: its first direction, then the other one. */
export function pressed(sort: string, column: string, startsHigh: boolean): string {
  const [first, second] = startsHigh ? [`-${column}`, column] : [column, `-${column}`];
  return sort === first ? second : first;
}

export function matches(text: string, search: string): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const held = text.toLowerCase();
  return words.every((word) => held.includes(word));
}
