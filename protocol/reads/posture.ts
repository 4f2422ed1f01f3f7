/**
 * What was found on a host, what mending it would change, and what was mended. Metadata: it asks for no touch, and it is sealed,
 * because whoever knows where a host is weak has half of an attack.
 */
import * as v from "valibot";
import { momentSchema } from "../posture/history.ts";
import { checkNames } from "../posture/ids.ts";
import { fixSchema, planSchema } from "../posture/plan.ts";
import { reportSchema } from "../posture/report.ts";
import { digest, list, noArguments, seconds, type Read } from "./read.ts";

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
    args: v.strictObject({ check: v.picklist(checkNames) }),
    result: v.strictObject({
      at: seconds,
      /** Digest of this very plan: pinned by whoever approves the fix. */
      subject: digest,
      plan: planSchema,
    }),
    what: "what mending one check would change",
  },
  "posture.fixes@1": {
    permission: "metadata.read",
    args: noArguments,
    /** Newest first. */
    result: v.strictObject({ at: seconds, fixes: list(fixSchema, 100) }),
    what: "what was mended, and what became of it",
  },
  "posture.history@1": {
    permission: "metadata.read",
    args: noArguments,
    /** Oldest first. */
    result: v.strictObject({ at: seconds, moments: list(momentSchema, 400) }),
    what: "how the score went, and which check changed when",
  },
} as const satisfies Record<string, Read>;
