/** One fact out of many looks: rows for what was seen, a gap for what was not. */
import { known, unknown, type Fact, type Seen, type UnknownReason } from "../../fact.ts";

export interface Gap {
  readonly why: UnknownReason;
  readonly source: string;
}
export type Look<T> = { readonly row: T } | { readonly rows: readonly T[] } | { readonly gap: Gap };

export function factOf<T>(
  looks: readonly Look<T>[],
  seen: Omit<Seen, "raw"> & { readonly raw?: string },
): Fact<readonly T[]> {
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : "rows" in look ? look.rows : []));
  const gap = looks.map((look) => ("gap" in look ? look.gap : undefined)).find((one) => one !== undefined);
  if (gap !== undefined && rows.length === 0) return unknown(gap.why, gap.source);
  const fact = known<readonly T[]>(rows, { raw: JSON.stringify(rows), ...seen });
  return gap === undefined ? fact : { ...fact, gap };
}
