/** What an endpoint is, and the shapes that several groups of endpoints share. */
import * as v from "valibot";
import { nonce } from "../fields.ts";
import type { Permission } from "../roles.ts";

/**
 * Who may call. `open`: anybody, and the answer tells nothing about the workspace beyond what the body proves to know.
 * `setup`: the request is signed by the setup key. `session`: cookie and session-key signature. `automation`: the
 * request is signed by an automation key of the trust log. `ticket`: a one-time ticket as WebSocket subprotocol, got by
 * a signed request.
 */
export type Access = "open" | "setup" | "session" | "automation" | "ticket";

export interface Endpoint {
  readonly method: "GET" | "POST";
  /** Hono path; `:name` are path parameters. */
  readonly path: string;
  readonly access: Access;
  /** Needed in addition to a session; undefined: any signed-in person. */
  readonly permission?: Permission;
  readonly touch: { readonly needed: boolean; readonly why: string };
  readonly request?: v.GenericSchema;
  readonly response?: v.GenericSchema;
}

export const empty = v.strictObject({});
export const ok = v.strictObject({ ok: v.literal(true) });
/** A commitment's opening, given to those who may read it. */
export const opening = v.strictObject({ salt: nonce, value: v.pipe(v.string(), v.maxLength(128)) });
export const NO_WRITE = { needed: false, why: "reads metadata only" } as const;

/** Registration: the browser's own JSON, judged by SimpleWebAuthn behind one door; bounded here. */
export const registrationJson = v.pipe(v.string(), v.maxLength(16_384));
export const registrationOptions = v.strictObject({ options: v.pipe(v.string(), v.maxLength(8_192)) });
