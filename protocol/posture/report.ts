/**
 * What a scan of a host found: one finding for each check of the catalogue, with its evidence. Text in it comes from the machine
 * (command lines of ours, excerpts of answers), already without secrets, and is never a label of ours.
 */
import * as v from "valibot";
import { count, digest, seconds } from "../fields.ts";
import { checkNames } from "./ids.ts";
import { checkStates, evidenceLevels, grades, scanLanes } from "./words.ts";

const text = (characters: number) => v.pipe(v.string(), v.maxLength(characters));

/** A code of the host's own, e.g. `not_root`, `sshd_absent`: worded by whoever shows it. */
export const posturalReason = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{1,47}$/));

export const evidenceSchema = v.strictObject({
  level: v.picklist(evidenceLevels),
  /** The command as typed, or the path of a file, or what was tried, e.g. `tcp 203.0.113.10:18789`. */
  source: text(300),
  exit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(-1), v.maxValue(255))),
  at: seconds,
  /** SHA-256 of the whole answer, base64url. */
  digest: v.optional(digest),
  /** What in it decided, redacted. */
  excerpt: text(600),
});
export type Evidence = v.InferOutput<typeof evidenceSchema>;

export const waiverSchema = v.strictObject({
  check: v.picklist(checkNames),
  /** Random id of whoever signed it. */
  author: text(64),
  at: seconds,
  until: seconds,
  reason: text(300),
});
export type Waiver = v.InferOutput<typeof waiverSchema>;

export const findingSchema = v.strictObject({
  check: v.picklist(checkNames),
  rev: count,
  state: v.picklist(checkStates),
  /** The strongest evidence that was reached. */
  level: v.optional(v.picklist(evidenceLevels)),
  /** Why it does not apply, could not be seen, or went wrong. */
  reason: v.optional(posturalReason),
  /** What does not hold, or could not be seen, in a short sentence each: ours, with the machine's values in it. */
  shortfalls: v.pipe(v.array(text(300)), v.maxLength(12)),
  evidence: v.pipe(v.array(evidenceSchema), v.maxLength(8)),
  /** An accepted risk that has not run out. */
  waiver: v.optional(waiverSchema),
});
export type Finding = v.InferOutput<typeof findingSchema>;

export const reportSchema = v.strictObject({
  v: v.literal(1),
  at: seconds,
  lane: v.picklist(scanLanes),
  /** False: looked at without root's rights, so that more is unverified. */
  privileged: v.boolean(),
  agentVersion: text(40),
  /** Day of the newest advisory that was known, and how many. */
  advisories: v.strictObject({ asOf: v.optional(v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}$/))), count }),
  score: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(100)),
  grade: v.picklist(grades),
  findings: v.pipe(v.array(findingSchema), v.maxLength(checkNames.length)),
  /** Of the report before: a chain, so that none is left out unseen. */
  previous: v.optional(digest),
});
export type Report = v.InferOutput<typeof reportSchema>;
