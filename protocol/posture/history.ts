/** How the score of a host went, and which check changed when. Kept on the host; a page asks for it sealed. */
import * as v from "valibot";
import { seconds } from "../fields.ts";
import { checkNames } from "./ids.ts";
import { checkStates, grades } from "./words.ts";

/** Of one scan, at most: a host that is looked at for the first time has no changes, only a score. */
export const MAX_CHANGES = 100;
/** Moments that are kept: one for each change, and one a day where nothing changes. */
export const MAX_MOMENTS = 400;

export const momentSchema = v.strictObject({
  at: seconds,
  score: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(100)),
  grade: v.picklist(grades),
  /** What became of checks since the moment before. */
  changes: v.pipe(
    v.array(
      v.strictObject({ check: v.picklist(checkNames), from: v.picklist(checkStates), to: v.picklist(checkStates) }),
    ),
    v.maxLength(MAX_CHANGES),
  ),
});
export type Moment = v.InferOutput<typeof momentSchema>;
