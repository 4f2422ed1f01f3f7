/**
 * Risks that somebody accepted for a while, with who, why and until when. Only the list is changed here: a check goes on being
 * looked at, and what it found stays visible.
 */
import type { CheckId } from "../../../protocol/posture.ts";
import type { Waiver } from "../../../protocol/posture/report.ts";

/** Long enough for a plan, short enough that somebody looks at it again. */
export const MAX_WAIVER_SECONDS = 180 * 86_400;

export type Waived = { readonly waivers: readonly Waiver[] } | { readonly refused: "until_past" | "until_late" };

/** A second one for the same check takes the place of the first. */
export function withWaiver(waivers: readonly Waiver[], waiver: Waiver): Waived {
  if (waiver.until <= waiver.at) return { refused: "until_past" };
  if (waiver.until - waiver.at > MAX_WAIVER_SECONDS) return { refused: "until_late" };
  return { waivers: [...standing(waivers, waiver), waiver] };
}

/** Undefined: there is none to take back. */
export function withoutWaiver(
  waivers: readonly Waiver[],
  { check, at }: { readonly check: CheckId; readonly at: number },
): readonly Waiver[] | undefined {
  const left = standing(waivers, { check, at });
  return waivers.some((one) => one.check === check && one.until > at) ? left : undefined;
}

/** Those of other checks that have not run out. */
function standing(waivers: readonly Waiver[], { check, at }: { readonly check: CheckId; readonly at: number }) {
  return waivers.filter((one) => one.check !== check && one.until > at);
}
