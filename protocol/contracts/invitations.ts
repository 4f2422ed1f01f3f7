/**
 * How a second person comes in: an administrator makes an invitation, the invited person enrols a passkey with it, both
 * compare six words, and only the administrator's `person.add` makes it count.
 */
import * as v from "valibot";
import { digest, id, label, nonce, seconds } from "../fields.ts";
import { credentialSchema } from "../trust/statements.ts";
import { NO_WRITE, ok, opening, registrationJson, registrationOptions, type Endpoint } from "./endpoint.ts";

export const enrolmentSchema = v.strictObject({ credential: credentialSchema, name: opening });
export type Enrolment = v.InferOutput<typeof enrolmentSchema>;

export const invitationRowSchema = v.strictObject({
  /** Names the invitation without opening it. */
  invitation: id,
  /** What the administrator called the person. */
  label,
  madeBy: id,
  expires: seconds,
  enrolment: v.optional(enrolmentSchema),
  /** The person that it became. */
  person: v.optional(id),
});
export type InvitationRow = v.InferOutput<typeof invitationRowSchema>;

/** The token travels in a link's fragment and in bodies, never in a URL that a server sees. */
const holder = { token: nonce };

export const invitationEndpoints = {
  invitations: {
    method: "GET",
    path: "/api/invitations",
    access: "session",
    permission: "workspace.administer",
    touch: NO_WRITE,
    response: v.strictObject({ invitations: v.array(invitationRowSchema), now: seconds }),
  },
  invite: {
    method: "POST",
    path: "/api/invitations",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "lets one person enrol a passkey that counts for nothing until a statement adds it" },
    request: v.strictObject({ label }),
    response: v.strictObject({ invitation: id, token: nonce, expires: seconds }),
  },
  uninvite: {
    method: "POST",
    path: "/api/invitations/withdraw",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "only takes an offer back" },
    request: v.strictObject({ invitation: id }),
    response: ok,
  },
  invitationState: {
    method: "POST",
    path: "/api/invitation/state",
    access: "open",
    touch: { needed: false, why: "tells the holder of an invitation where it stands" },
    request: v.strictObject(holder),
    response: v.strictObject({
      workspace: digest,
      expires: seconds,
      now: seconds,
      /** Absent: nobody enrolled yet. */
      enrolment: v.optional(enrolmentSchema),
      added: v.boolean(),
    }),
  },
  invitationOptions: {
    method: "POST",
    path: "/api/invitation/passkey-options",
    access: "open",
    touch: { needed: false, why: "hands out a registration challenge to the holder of an invitation" },
    request: v.strictObject({ ...holder, name: label }),
    response: registrationOptions,
  },
  invitationPasskey: {
    method: "POST",
    path: "/api/invitation/passkey",
    access: "open",
    touch: { needed: true, why: "registers the invited person's passkey" },
    request: v.strictObject({ ...holder, response: registrationJson, name: opening }),
    response: enrolmentSchema,
  },
} as const satisfies Record<string, Endpoint>;
