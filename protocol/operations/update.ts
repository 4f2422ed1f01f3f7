/** The agent itself: replaced by a release that was signed offline. The edge carries the archive and chooses nothing. */
import * as v from "valibot";
import { fingerprint, signature, someBytes } from "../fields.ts";
import { MAX_CANARY_BYTES } from "../limits.ts";
import { releaseVersion } from "../release.ts";
import type { Operation } from "./operation.ts";

export const updateOperations = {
  /** `sha256`: of the archive, lower-case hex. The host refuses what its pinned release key did not sign, and what is not newer. */
  "agent.update@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({ version: releaseVersion, sha256: fingerprint }),
    oneHost: true,
    expects: [],
  },
  /**
   * The others in one touch. `canary`: the `prepared` of a host that has that release already, signed by its host key; every
   * host that is asked refuses without one, or when the release was well there for less than ten minutes (canary.ts).
   */
  "agent.update-rest@1": {
    class: "critical",
    permission: "gateway.configure",
    args: v.strictObject({
      version: releaseVersion,
      sha256: fingerprint,
      canary: someBytes(MAX_CANARY_BYTES),
      canarySignature: signature,
    }),
    tellsAgent: true,
    expects: [],
  },
} as const satisfies Record<string, Operation>;
