/** Sign-ins that are open: listed with device and place, ended one by one or all. */
import * as v from "valibot";
import { digest, id, origin, seconds } from "../fields.ts";
import { signedSessionEndSchema } from "../messages.ts";
import { NO_WRITE, ok, opening, type Endpoint } from "./endpoint.ts";

export const sessionRowSchema = v.strictObject({
  session: digest,
  person: id,
  /** The sign-in itself (canonical bytes of an Asserted), which ending somebody else's session must carry. */
  certificate: v.string(),
  startedAt: seconds,
  lastSeenAt: seconds,
  expires: seconds,
  origin,
  /** Browser and system as the request named them; a claim. */
  device: v.pipe(v.string(), v.maxLength(64)),
  /** Address of the sign-in, where not erased. */
  source: v.optional(opening),
  current: v.boolean(),
});
export type SessionRow = v.InferOutput<typeof sessionRowSchema>;

/** When somebody last signed in at each address, as far as the edge saw it. */
export const originUseSchema = v.strictObject({
  /** Of what was before, nothing is known. */
  since: seconds,
  used: v.array(v.strictObject({ origin, at: seconds })),
});
export type OriginUse = v.InferOutput<typeof originUseSchema>;

export const sessionEndpoints = {
  /** One's own; with workspace.administer everybody's, and which addresses are used. */
  sessions: {
    method: "GET",
    path: "/api/sessions",
    access: "session",
    touch: NO_WRITE,
    response: v.strictObject({
      sessions: v.array(sessionRowSchema),
      originUse: v.optional(originUseSchema),
      now: seconds,
    }),
  },
  sessionEnd: {
    method: "POST",
    path: "/api/sessions/end",
    access: "session",
    touch: { needed: true, why: "one touch ends any other session, or several; one's own ends by its own key" },
    request: signedSessionEndSchema,
    response: ok,
  },
} as const satisfies Record<string, Endpoint>;
