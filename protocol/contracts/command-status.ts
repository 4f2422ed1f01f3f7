/** What became of a command on one host, as the edge knows it. */
import * as v from "valibot";
import { count, digest, id } from "../fields.ts";
import { signedSchema } from "../messages.ts";
import { refusalCodes } from "../refusals.ts";

const commandState = v.picklist(["queued", "delivered", "refused", "receipted"]);
export const commandStatusSchema = v.strictObject({
  intent: digest,
  host: id,
  state: commandState,
  /** Index of `command.accepted` in the ledger, in the answer to the submission. */
  ledgerIndex: v.optional(count),
  /** Unsigned answer of the host before it could verify the session: proves nothing. */
  code: v.optional(v.picklist(refusalCodes)),
  receipt: v.optional(signedSchema),
});
export type CommandStatus = v.InferOutput<typeof commandStatusSchema>;
