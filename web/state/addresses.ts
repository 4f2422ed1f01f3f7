/** Which listed addresses nobody uses. What the edge says of sign-ins is its word; when an address was listed is proven. */
import type { ReadonlySignal } from "@preact/signals";
import type { OriginUse } from "../../protocol/contracts/sessions.ts";
import type { TrustView } from "./people.ts";

const DAY_SECONDS = 86_400;
/** Longer than holidays, and a door that nobody opened for so long is one that nobody misses. */
export const UNUSED_DAYS = 30;

export interface AddressDesk {
  /** Undefined: not known, or not for this person. */
  readonly use: ReadonlySignal<OriginUse | undefined>;
  load(): Promise<void>;
}

/** Whole days since the last sign-in, by origin; only addresses without one for `UNUSED_DAYS`. */
export function unusedDays(
  {
    state,
    applied,
    rootAt,
  }: Pick<TrustView, "applied" | "rootAt"> & {
    readonly state: Pick<TrustView["state"], "origins">;
  },
  { since, used }: OriginUse,
  now: number,
): ReadonlyMap<string, number> {
  const days = state.origins.map(({ origin }) => {
    const listed = applied.find(({ statement }) => statement.kind === "origin.add" && statement.body.origin === origin);
    const lastAt = used.find((one) => one.origin === origin)?.at;
    // Never used: counted from when it was listed, or from when the edge began to look, whichever is later.
    const from = lastAt ?? Math.max(since, listed?.statement.at ?? rootAt);
    return [origin, Math.floor((now - from) / DAY_SECONDS)] as const;
  });
  return new Map(days.filter(([, count]) => count >= UNUSED_DAYS));
}
