/** What waits for the next person: commands and statements that need several. The edge only keeps them. */
import * as v from "valibot";
import { digest, id, seconds, someBytes } from "../fields.ts";
import { MAX_APPROVALS } from "../limits.ts";
import { assertedSchema } from "../messages.ts";
import { NO_WRITE, ok, type Endpoint } from "./endpoint.ts";

export const proposalKinds = ["command", "statement"] as const;

export const proposalRowSchema = v.strictObject({
  kind: v.picklist(proposalKinds),
  /** Of the proposal, or of the statement. */
  digest,
  /** Exact canonical bytes of what the first person signed. */
  body: someBytes(16_384),
  approvals: v.pipe(v.array(assertedSchema), v.minLength(1), v.maxLength(MAX_APPROVALS)),
  /** Revocations that a statement knew (trust/statements.ts, `knew`). */
  knew: v.optional(v.array(digest)),
  by: id,
  madeAt: seconds,
  expires: seconds,
});
export type ProposalRow = v.InferOutput<typeof proposalRowSchema>;

export const proposalEndpoints = {
  proposals: {
    method: "GET",
    path: "/api/proposals",
    access: "session",
    permission: "metadata.read",
    touch: NO_WRITE,
    response: v.strictObject({ proposals: v.array(proposalRowSchema), now: seconds }),
  },
  propose: {
    method: "POST",
    path: "/api/proposals",
    access: "session",
    touch: { needed: true, why: "the first approval; judged like the command or statement itself" },
    request: v.strictObject({
      kind: v.picklist(proposalKinds),
      body: someBytes(16_384),
      approval: assertedSchema,
      knew: v.optional(v.pipe(v.array(digest), v.minLength(1))),
    }),
    response: v.strictObject({ digest }),
  },
  /** One more approval, where more than two people are needed. The last one sends the command or statement itself. */
  joinProposal: {
    method: "POST",
    path: "/api/proposals/:digest/approvals",
    access: "session",
    touch: { needed: true, why: "one more approval of exactly these bytes" },
    request: v.strictObject({ approval: assertedSchema }),
    response: ok,
  },
  withdrawProposal: {
    method: "POST",
    path: "/api/proposals/:digest/withdraw",
    access: "session",
    touch: { needed: false, why: "only takes an offer back: its maker, or an administrator" },
    request: v.strictObject({}),
    response: ok,
  },
} as const satisfies Record<string, Endpoint>;
