/**
 * What was found on a host, what mending it would change, and what was mended. Metadata: it asks for no touch, and it is sealed,
 * because whoever knows where a host is weak has half of an attack.
 */
import * as v from "valibot";
import { MAX_MOMENTS, momentSchema } from "../posture/history.ts";
import { checkNames } from "../posture/ids.ts";
import { nonce, someBytes } from "../fields.ts";
import { MAX_SEALED_QUESTION_BYTES } from "../limits.ts";
import { fixOptionsSchema, profileNames } from "../posture/options.ts";
import { outsideLookSchema } from "../posture/outside.ts";
import { fixSchema, planSchema } from "../posture/plan.ts";
import { posturalReason, reportSchema } from "../posture/report.ts";
import { digest, list, noArguments, seconds, type Read } from "./read.ts";

/**
 * Of what a person may choose (options.ts) the part that names nothing of the machine: a question is read by the edge on its way.
 * Users, addresses and ports go sealed with the command alone.
 */
const choices = v.strictObject({
  sshPort: v.optional(v.literal("random")),
  sshFrom: v.optional(v.picklist(["anywhere", "admins"])),
});

const planned = v.variant("kind", [
  /** `subject`: digest of this very plan, pinned by whoever approves it. */
  v.strictObject({ at: seconds, kind: v.literal("plan"), subject: digest, plan: planSchema }),
  /** Why there is none, e.g. `not_root`. */
  v.strictObject({ at: seconds, kind: v.literal("refused"), code: posturalReason }),
]);

export const postureReads = {
  "posture.report@1": {
    permission: "metadata.read",
    args: noArguments,
    result: v.strictObject({
      at: seconds,
      report: reportSchema,
      /** Evidence of checks that pass was left out, because all of it would not fit. */
      isCut: v.boolean(),
    }),
    what: "what the checks on this host found, with evidence",
  },
  "posture.plan@1": {
    permission: "metadata.read",
    args: v.strictObject({ check: v.picklist(checkNames), choices: v.optional(choices) }),
    result: planned,
    what: "what mending one check would change",
  },
  /** With what a person typed. The same plan, and the same digest, as the command `posture.fix-with@1` would have. */
  "posture.plan-with@1": {
    permission: "metadata.read",
    args: v.strictObject({
      check: v.picklist(checkNames),
      challenge: nonce,
      content: someBytes(MAX_SEALED_QUESTION_BYTES),
    }),
    sealed: { with: "posture.fix-with@1", schema: fixOptionsSchema },
    result: planned,
    what: "what mending one check would change, with what a person chose",
  },
  "posture.profile@1": {
    permission: "metadata.read",
    args: v.strictObject({ profile: v.picklist(profileNames), movePort: v.boolean() }),
    result: planned,
    what: "what a whole profile would change",
  },
  "posture.fixes@1": {
    permission: "metadata.read",
    args: noArguments,
    /** Newest first. */
    result: v.strictObject({ at: seconds, fixes: list(fixSchema, 100) }),
    what: "what was mended, and what became of it",
  },
  "posture.outside@1": {
    permission: "metadata.read",
    args: noArguments,
    /** `look`: absent while nobody ever looked. */
    result: v.strictObject({ at: seconds, look: v.optional(outsideLookSchema) }),
    what: "what the edge saw of it from outside",
  },
  "posture.history@1": {
    permission: "metadata.read",
    args: noArguments,
    /** Oldest first. */
    result: v.strictObject({ at: seconds, moments: list(momentSchema, MAX_MOMENTS) }),
    what: "how the score went, and which check changed when",
  },
} as const satisfies Record<string, Read>;
