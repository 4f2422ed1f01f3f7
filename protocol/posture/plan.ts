/**
 * What mending a check would do, exactly, before it is done. The digest of a plan is what a person's command pins, so a host
 * applies what was shown or nothing.
 */
import * as v from "valibot";
import { count, digest, seconds } from "../fields.ts";
import { checkNames } from "./ids.ts";
import { fixRisks } from "./words.ts";
import { posturalReason } from "./report.ts";

const text = (characters: number) => v.pipe(v.string(), v.maxLength(characters));
const path = text(300);

/** One step of a plan as it is shown. `before`, `after`: the whole text of a small file of ours, or the rendered state. */
export const planStepSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("file"),
    path,
    mode: count,
    before: v.optional(text(8_000)),
    after: v.optional(text(8_000)),
  }),
  v.strictObject({ kind: v.literal("mode"), path, before: text(80), after: text(80) }),
  v.strictObject({ kind: v.literal("command"), argv: v.pipe(v.array(text(300)), v.maxLength(32)), why: text(200) }),
]);
export type PlanStep = v.InferOutput<typeof planStepSchema>;

export const planSchema = v.strictObject({
  v: v.literal(1),
  checks: v.pipe(v.array(v.picklist(checkNames)), v.minLength(1), v.maxLength(checkNames.length)),
  risk: v.picklist(fixRisks),
  /** What changes, in order. Empty: all of it is as it should be already. */
  steps: v.pipe(v.array(planStepSchema), v.maxLength(64)),
  /** How it is proven afterwards, in plain words. */
  proof: text(300),
  /** Undoes itself after so many seconds unless proven; absent where nothing can be lost. */
  deadManSeconds: v.optional(count),
  /** What a person must know before, e.g. the new port. */
  notes: v.pipe(v.array(text(300)), v.maxLength(12)),
  /** Absent: can be applied. Else why not. */
  blocked: v.optional(posturalReason),
});
export type Plan = v.InferOutput<typeof planSchema>;

/** `applied`: proven and kept. `undone`: by its timer or by hand. `armed`: applied, not proven yet. */
export const fixStates = ["armed", "applied", "undone", "failed"] as const;

export const fixSchema = v.strictObject({
  /** Random name of the transaction. */
  fix: v.pipe(v.string(), v.regex(/^fix-[0-9a-f]{16}$/)),
  checks: v.pipe(v.array(v.picklist(checkNames)), v.minLength(1)),
  state: v.picklist(fixStates),
  at: seconds,
  ended: v.optional(seconds),
  author: text(64),
  /** Digest of the plan that was signed. */
  plan: digest,
  /** Files of ours that are no longer as we wrote them. */
  drifted: v.pipe(v.array(path), v.maxLength(64)),
  reason: v.optional(posturalReason),
});
export type Fix = v.InferOutput<typeof fixSchema>;
