/** The agent itself: replaced by a release that was signed offline. The edge carries the archive and chooses nothing. */
import * as v from "valibot";
import { fingerprint } from "../fields.ts";
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
} as const satisfies Record<string, Operation>;
