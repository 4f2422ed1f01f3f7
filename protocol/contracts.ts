/**
 * Every HTTP endpoint: who may call it, what it takes and gives. The Worker mounts this table, pages and agents
 * call it, the permission matrix and docs/PROTOCOL.md are checked against it. `touch` says whether a passkey
 * approval is inside the body, and why (not).
 */
import * as v from "valibot";
import { count, digest, id, label, nonce, publicKey, seconds, someBytes, trustHead } from "./fields.ts";
import { assertedSchema, signedSchema } from "./messages.ts";
import { telemetrySchema } from "./telemetry.ts";
import { alertEndpoints } from "./contracts/alerts.ts";
import { automationEndpoints } from "./contracts/automation.ts";
import { commandStatusSchema } from "./contracts/command-status.ts";
import {
  empty,
  NO_WRITE,
  ok,
  opening,
  registrationJson,
  registrationOptions,
  type Endpoint,
} from "./contracts/endpoint.ts";
import { exportEndpoints } from "./contracts/exports.ts";
import { gatewayEndpoints } from "./contracts/gateway.ts";
import { invitationEndpoints } from "./contracts/invitations.ts";
import {
  checkpointEndpoints,
  eraseEndpoints,
  keepingEndpoints,
  ledgerEndpoints,
  lookingEndpoints,
} from "./contracts/ledger.ts";
import { edgeKeyEndpoints } from "./contracts/edge-keys.ts";
import { hostInviteEndpoints } from "./contracts/host-invites.ts";
import { networkEndpoints } from "./contracts/networks.ts";
import { proposalEndpoints } from "./contracts/proposals.ts";
import { sessionEndpoints } from "./contracts/sessions.ts";
import { streamEndpoints } from "./contracts/streams.ts";
import { credentialSchema, signedRootSchema, signedStatementSchema, trustPageSchema } from "./trust/statements.ts";

export { type ActivityRow } from "./contracts/ledger.ts";
export { type CommandStatus } from "./contracts/command-status.ts";

export const hostRowSchema = v.strictObject({
  host: id,
  label,
  hostKey: publicKey,
  cosignKey: publicKey,
  colocated: v.boolean(),
  /**
   * The join that the host signed, in quarantine only: whoever admits takes the keys from it, because every other
   * field is the edge's word. Absent: it joined with a version that kept none.
   */
  join: v.optional(signedSchema),
  status: v.picklist(["quarantined", "admitted", "removed"]),
  connected: v.boolean(),
  /** Edge clock, seconds; absent when never heard from. */
  lastSeen: v.optional(seconds),
  /** The newest trust head this host has acknowledged, signed by its key. */
  trustAck: v.optional(signedSchema),
  telemetry: v.optional(telemetrySchema),
  /** Edge clock, seconds: when these figures came. Hours ago where nobody looked since. */
  telemetryAt: v.optional(seconds),
});
export type HostRow = v.InferOutput<typeof hostRowSchema>;

export const meSchema = v.strictObject({
  workspace: digest,
  person: id,
  name: v.optional(opening),
  session: digest,
  expires: seconds,
  /** Edge clock now, seconds. */
  now: seconds,
});
export type Me = v.InferOutput<typeof meSchema>;

/** What the live socket pushes: text frames, one JSON object each. */
export const liveEventSchema = v.variant("kind", [
  v.strictObject({ kind: v.literal("host"), row: hostRowSchema, now: seconds }),
  v.strictObject({ kind: v.literal("command"), status: commandStatusSchema }),
]);
export type LiveEvent = v.InferOutput<typeof liveEventSchema>;

export const endpoints = {
  health: {
    method: "GET",
    path: "/api/health",
    access: "open",
    touch: { needed: false, why: "says only that the edge answers" },
    response: ok,
  },
  setupState: {
    method: "GET",
    path: "/api/setup",
    access: "setup",
    touch: { needed: false, why: "gives the edge's public keys to the holder of the setup link" },
    response: v.strictObject({ dispatchKey: publicKey, ledgerKey: publicKey, expires: seconds, now: seconds }),
  },
  setupOptions: {
    method: "POST",
    path: "/api/setup/passkey-options",
    access: "setup",
    touch: { needed: false, why: "hands out a registration challenge" },
    request: v.strictObject({ name: label }),
    response: registrationOptions,
  },
  setupPasskey: {
    method: "POST",
    path: "/api/setup/passkey",
    access: "setup",
    touch: { needed: true, why: "registers the first passkey" },
    request: v.strictObject({ response: registrationJson }),
    response: credentialSchema,
  },
  setupRoot: {
    method: "POST",
    path: "/api/setup/root",
    access: "setup",
    touch: { needed: true, why: "the first sign-in approves the root" },
    request: v.strictObject({ signed: signedRootSchema, name: opening }),
    response: meSchema,
  },
  signInNonce: {
    method: "POST",
    path: "/api/sign-in/nonce",
    access: "open",
    touch: { needed: false, why: "hands out a one-time nonce" },
    /** `known`: a trust head that this page verified in an earlier session. Whoever names none learns none. */
    request: v.strictObject({ known: v.optional(trustHead) }),
    /**
     * `trustHead` is the newest one for a page that knew one of this log, and the root's, which the workspace id says
     * anyway, for everybody else. `lifetime`: what a page asks for that does not know who signs in; a constant.
     */
    response: v.strictObject({ nonce, workspace: digest, trustHead, now: seconds, lifetime: seconds }),
  },
  signIn: {
    method: "POST",
    path: "/api/sign-in",
    access: "open",
    touch: { needed: true, why: "the assertion certifies the session key" },
    request: v.strictObject({ session: assertedSchema }),
    response: meSchema,
  },
  signOut: {
    method: "POST",
    path: "/api/sign-out",
    access: "session",
    touch: { needed: false, why: "only ends one's own session" },
    request: empty,
    response: ok,
  },
  me: { method: "GET", path: "/api/me", access: "session", touch: NO_WRITE, response: meSchema },
  trust: {
    method: "GET",
    path: "/api/trust",
    access: "session",
    touch: NO_WRITE,
    response: v.strictObject({
      page: trustPageSchema,
      head: trustHead,
      names: v.array(v.strictObject({ person: id, opening })),
    }),
  },
  trustState: {
    method: "POST",
    path: "/api/trust",
    access: "session",
    touch: { needed: true, why: "a statement changes whom hosts obey; judged by its approvals" },
    request: signedStatementSchema,
    response: v.strictObject({ trustHead }),
  },
  passkeyOptions: {
    method: "POST",
    path: "/api/passkeys/options",
    access: "session",
    touch: { needed: false, why: "hands out a registration challenge" },
    request: empty,
    response: registrationOptions,
  },
  passkey: {
    method: "POST",
    path: "/api/passkeys",
    access: "session",
    touch: { needed: true, why: "registers a passkey; it counts only once a statement adds it" },
    request: v.strictObject({ response: registrationJson }),
    response: credentialSchema,
  },
  hosts: {
    method: "GET",
    path: "/api/hosts",
    access: "session",
    permission: "metadata.read",
    touch: NO_WRITE,
    response: v.strictObject({ hosts: v.array(hostRowSchema), now: seconds }),
  },
  host: {
    method: "GET",
    path: "/api/hosts/:host",
    access: "session",
    permission: "metadata.read",
    touch: NO_WRITE,
    response: v.strictObject({ host: hostRowSchema, now: seconds }),
  },
  prepare: {
    method: "POST",
    path: "/api/hosts/:host/prepare",
    access: "session",
    permission: "metadata.read",
    touch: { needed: false, why: "asks the host for a challenge; nothing runs" },
    /** `successor`: the approval that named the key which signed, when it is not the session's first. */
    request: v.strictObject({ prepare: signedSchema, successor: v.optional(assertedSchema) }),
    response: v.strictObject({ prepared: signedSchema }),
  },
  ticket: {
    method: "POST",
    path: "/api/tickets",
    access: "session",
    permission: "metadata.read",
    touch: { needed: false, why: "opens one live socket of metadata" },
    request: v.strictObject({ host: id }),
    response: v.strictObject({ ticket: nonce }),
  },
  live: { method: "GET", path: "/api/hosts/:host/live", access: "ticket", touch: NO_WRITE },
  command: {
    method: "POST",
    path: "/api/commands",
    access: "session",
    touch: { needed: true, why: "carries the approvals; judged by the operation's permission, here and on the host" },
    /** Canonical bytes of a Submission (messages.ts). */
    request: v.strictObject({ submission: someBytes(65_536) }),
    /** One for each target, in the order of the intent. */
    response: v.strictObject({ statuses: v.array(commandStatusSchema) }),
  },
  commandStatus: {
    method: "GET",
    path: "/api/commands/:intent/:host",
    access: "session",
    permission: "metadata.read",
    touch: NO_WRITE,
    response: commandStatusSchema,
  },
  /** What the person signed: kept beside the ledger, so that a reader can check the touch and not only the entry. */
  commandEvidence: {
    method: "GET",
    path: "/api/commands/:intent/:host/evidence",
    access: "session",
    permission: "ledger.read",
    touch: NO_WRITE,
    /** Canonical bytes of a Submission (messages.ts). */
    response: v.strictObject({ submission: someBytes(65_536) }),
  },
  ...gatewayEndpoints,
  ...ledgerEndpoints,
  ...checkpointEndpoints,
  ...lookingEndpoints,
  ...eraseEndpoints,
  ...keepingEndpoints,
  ...exportEndpoints,
  ...streamEndpoints,
  ...alertEndpoints,
  ...sessionEndpoints,
  ...automationEndpoints,
  ...invitationEndpoints,
  ...proposalEndpoints,
  ...hostInviteEndpoints,
  ...networkEndpoints,
  ...edgeKeyEndpoints,
} as const satisfies Record<string, Endpoint>;

export type { Endpoint } from "./contracts/endpoint.ts";
export type EndpointName = keyof typeof endpoints;

/** Problem details (RFC 9457) as the edge sends them: a code, a fixed sentence, an id for the log. */
export const problemSchema = v.strictObject({
  type: v.literal("about:blank"),
  title: v.string(),
  status: count,
  code: v.pipe(v.string(), v.regex(/^[a-z][a-z_.]{1,48}$/)),
  id: v.string(),
  /** With `session_long` only: the longest session of the person whose touch it was, in seconds. */
  limitSeconds: v.optional(seconds),
});
export type Problem = v.InferOutput<typeof problemSchema>;

/** Header names of a signed request. */
export const requestHeaders = {
  body: "clawhold-request",
  signature: "clawhold-signature",
  /** Id of the automation key that signed, where no session did. */
  automationKey: "clawhold-automation-key",
} as const;
export const SESSION_COOKIE = "__Host-clawhold";
/** WebSocket subprotocols: the first is echoed, the second carries the ticket. */
export const LIVE_SUBPROTOCOL = "clawhold.live.v1";
export const TICKET_SUBPROTOCOL_PREFIX = "clawhold.ticket.";
