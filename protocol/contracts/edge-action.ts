/** The body of a write to the edge itself that a passkey approves: what changes, and the touch over exactly that. */
import * as v from "valibot";
import { toBase64url } from "../bytes.ts";
import { encodeCanonical } from "../canonical.ts";
import { someBytes } from "../fields.ts";
import { assertedSchema } from "../messages.ts";
import { sha256Of, type Digest } from "../signing.ts";

export function approvedChange<S extends v.GenericSchema>(change: S) {
  return v.strictObject({
    change,
    /** Canonical bytes of an EdgeAction (messages.ts) that names `change`. */
    action: someBytes(1_024),
    /** Approval of kind `edge-action` over the action. */
    approval: assertedSchema,
  });
}

/** What an EdgeAction names as its `change`: SHA-256 of the canonical JSON. */
export function changeDigest(change: object): Digest {
  return toBase64url(sha256Of(encodeCanonical(change)));
}
