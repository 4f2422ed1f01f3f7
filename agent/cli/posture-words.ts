/** How hard hosts are to break into, as `clawhold status` says it: grade, score and how old that is. Facts of the newest scans. */
import { join } from "node:path";
import * as v from "valibot";
import { count } from "../../protocol/fields.ts";
import { grades } from "../../protocol/posture/words.ts";
import { keptJson } from "../host/posture/kept-json.ts";
import { systemCode } from "../shared/edge-error.ts";

/** Of a report, or of what a host says of itself: only this much, whatever version wrote the rest. */
export const standingSchema = v.object({
  grade: v.picklist(grades),
  score: v.pipe(count, v.maxValue(100)),
  /** When it was looked at; host wall clock, seconds. */
  at: count,
});
export type PostureStanding = v.InferOutput<typeof standingSchema>;

/** Of this host; undefined where nothing was looked at yet, or where reports are for root's eyes and we are not root. */
export function ownPosture(state: string): PostureStanding | undefined {
  try {
    return keptJson(join(state, "posture", "report.json"), standingSchema);
  } catch (error) {
    if (["EACCES", "EPERM"].includes(systemCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** @param now seconds, of the machine that shows it */
export function postureSentence({ grade, score, at }: PostureStanding, now: number): string {
  return `${grade}, ${String(score)} of 100, looked ${ageOf(now - at)}`;
}

/** A host whose clock is ahead of ours has looked just now. */
function ageOf(seconds: number): string {
  if (seconds < 60) return "less than a minute ago";
  const [size, unit] =
    seconds < 3_600
      ? ([60, "minute"] as const)
      : seconds < 86_400
        ? ([3_600, "hour"] as const)
        : ([86_400, "day"] as const);
  const number = Math.floor(seconds / size);
  return `${String(number)} ${unit}${number === 1 ? "" : "s"} ago`;
}
