/** What each key of the edge is for, and the statement that changes it. */
import type { KeyJob } from "../../state/edge-keys.ts";

interface JobWords {
  readonly title: string;
  readonly what: string;
  readonly statement: "dispatch-key.rotate" | "ledger-key.rotate";
}

export const jobWords = {
  dispatch: {
    title: "Dispatch key",
    what: "Signs every delivery to a host, and proves the edge when a host connects. Whoever has a copy can pose as the edge; no command runs without a person's touch all the same.",
    statement: "dispatch-key.rotate",
  },
  ledger: {
    title: "Ledger key",
    what: "Signs the checkpoints of the log, which hosts then cosign. Whoever has a copy can sign another log; hosts refuse to cosign it, and a verifier finds it out.",
    statement: "ledger-key.rotate",
  },
} as const satisfies Record<KeyJob, JobWords>;
