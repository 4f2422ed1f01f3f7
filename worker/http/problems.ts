/**
 * Every problem the edge can answer with (RFC 9457): a code, a status, and a fixed sentence with the next step. What
 * exactly went wrong goes to the log under the same id; an unauthenticated caller learns nothing about the workspace.
 */
import { logStep } from "../../durable-objects/log.ts";
import type { Problem } from "../../protocol/contracts.ts";
import { rateLimitFields, type Standing } from "../../protocol/rates.ts";
import { explainRefusal, type RefusalCode } from "../../protocol/refusals.ts";
import { explainTrustRefusal, type TrustRefusal } from "../../protocol/trust/refusals.ts";
import { randomNonce } from "../../durable-objects/clock.ts";

interface Entry {
  readonly status: number;
  readonly title: string;
  readonly limitSeconds?: number;
}

const PROBLEMS = {
  malformed_request: { status: 400, title: "The control plane could not read the request. Reload the page." },
  origin: {
    status: 403,
    title: "The request came from a page that is not part of this workspace. Open the dashboard's own address.",
  },
  unauthenticated: { status: 401, title: "You are not signed in here, or your session has ended. Sign in again." },
  automation_refused: {
    status: 401,
    title:
      "The automation key is unknown here, has ended, or did not sign this request. Check the key file and this machine's clock; an administrator can see whether the key is granted.",
  },
  sign_in_refused: {
    status: 401,
    title: "The sign-in was refused. Try again; if it stays so, use another of your passkeys.",
  },
  session_long: {
    status: 403,
    title:
      "Your roles allow a shorter session than this page asked for, so none was opened. Sign in again; the page now asks for what they allow.",
  },
  no_role: {
    status: 403,
    title: "Your passkey is known, but you hold no role now. Ask an administrator to give or renew one.",
  },
  setup_wrong: {
    status: 401,
    title: "This setup link is not the newest one. Use the link that the terminal shows now.",
  },
  setup_used: { status: 401, title: "This setup link was used: the workspace exists. Sign in with your passkey." },
  setup_expired: {
    status: 401,
    title: "This setup link has ended; it lasts 15 minutes. Use the new link that the terminal shows.",
  },
  forbidden: { status: 403, title: "Your role does not allow this. Ask an administrator for a role that does." },
  not_found: { status: 404, title: "There is nothing at this address." },
  host_unknown: { status: 404, title: "No such host has joined this workspace. Look at the list of hosts." },
  command_unknown: {
    status: 404,
    title: "This host holds no such command. It was never accepted; press again for a fresh one.",
  },
  alert_unknown: { status: 404, title: "There is no such alert. Reload the list." },
  alert_target: {
    status: 400,
    title:
      "Alerts can only be sent to an https address with a public name, without user name or fragment. Correct the address.",
  },
  alert_nowhere: { status: 409, title: "Alerts are not sent anywhere yet. Set a webhook or an ntfy topic first." },
  export_unknown: {
    status: 404,
    title: "There is no such copy of this session, or its hour is over. Ask for a new one.",
  },
  segment_unknown: { status: 404, title: "There is no such sealed segment. Look at Retention for those there are." },
  segment_older: {
    status: 409,
    title: "An older segment is still here, and nothing was dropped. Drop the oldest first.",
  },
  segment_kept: {
    status: 409,
    title: "The policy keeps this segment for now, so nothing was dropped. Retention says when it is due.",
  },
  segment_copy: {
    status: 409,
    title:
      "Nobody has taken a whole copy of this segment with that digest, or somebody has taken a newer one. Nothing was dropped; reload Retention and compare the digest with your file.",
  },
  segment_moving: {
    status: 409,
    title: "This segment is still being moved, so nothing was dropped. Try again in some minutes.",
  },
  entry_dropped: {
    status: 410,
    title: "This entry was in a segment that was dropped. Look for it in the copy that was kept.",
  },
  stream_unknown: { status: 404, title: "There is no such stream any more. Reload the list." },
  stream_target: {
    status: 400,
    title:
      "Entries can only be sent to an https address with a public name, without user name or fragment. Correct the address.",
  },
  streams_many: { status: 409, title: "There are as many streams as one workspace may have. Remove one first." },
  stream_ahead: {
    status: 400,
    title: "A stream can go back, not ahead: entries would be left out. Choose an entry that was sent already.",
  },
  stream_nothing: { status: 409, title: "Nothing was set aside, so there is nothing to send again. Reload the list." },
  approval_wrong: {
    status: 403,
    title: "The touch does not approve exactly this change by this person. Nothing was changed; approve it again.",
  },
  approval_late: { status: 403, title: "The change was approved too long ago. Nothing was changed; approve it again." },
  approval_used: {
    status: 409,
    title: "This approval was used already. Look whether the change is there; otherwise approve it again.",
  },
  method: { status: 405, title: "This address takes another kind of request." },
  no_workspace: { status: 409, title: "There is no workspace yet. Open the setup link that the terminal shows." },
  workspace_exists: { status: 409, title: "The workspace exists already; nobody can set it up again." },
  setup_busy: { status: 409, title: "Another page is finishing this setup. Wait a moment, then reload." },
  root_keys: { status: 409, title: "The root names other keys than this control plane holds. Start the setup again." },
  root_origin: { status: 409, title: "The root must name this page as its signer. Start the setup again." },
  root_passkey: {
    status: 409,
    title: "The root must name the passkey made in this setup, and no other. Start the setup again.",
  },
  passkey_refused: {
    status: 400,
    title: "The passkey could not be registered. Try again, or use another authenticator.",
  },
  passkey_exists: { status: 409, title: "This passkey is registered already." },
  passkey_unregistered: {
    status: 409,
    title: "The statement names a passkey that was not registered here. Add the passkey again.",
  },
  edge_key_unheld: {
    status: 409,
    title:
      "The control plane does not hold the key that the change names, and could sign nothing any more. Reload the page, then change to the key that waits there.",
  },
  statement_large: {
    status: 413,
    title:
      "The statement carries more approvals than a host can be told at once. Approve it again with fewer passkeys.",
  },
  revocations_many: {
    status: 409,
    title:
      "So many revocations wait that no list has room for another. Make any other change in People, for example renew a role, then revoke again.",
  },
  host_offline: {
    status: 409,
    title:
      "The host is not connected, so nothing was sent. Look whether it is running and can reach the control plane.",
  },
  host_quarantined: { status: 409, title: "The host is not admitted yet. Compare its six words, then admit it." },
  host_silent: {
    status: 409,
    title: "The host is connected but did not answer within 10 seconds. Nothing ran. Try again in a moment.",
  },
  too_large: { status: 413, title: "The request is larger than anything this page sends. Reload the page." },
  media_type: { status: 415, title: "The request must be JSON. Reload the page." },
  join_token_wrong: {
    status: 403,
    title: "The join token is not known here. Make a new join file and use it within 15 minutes.",
  },
  join_token_used: {
    status: 403,
    title: "The join token was used already; each is good for one host. Make a new join file.",
  },
  join_token_expired: { status: 403, title: "The join token has ended; it lasts 15 minutes. Make a new join file." },
  join_refused: {
    status: 403,
    title: "The join request does not verify. Update the agent on the host, then make a new join file.",
  },
  join_workspace: {
    status: 403,
    title: "The join file is for another workspace than this control plane's. Make a new one here.",
  },
  proposal_unknown: {
    status: 404,
    title: "This proposal no longer waits: it was carried out, withdrawn, or it ran out. Look at Activity.",
  },
  proposal_joined: { status: 409, title: "You have approved this already. It waits for somebody else." },
  proposal_raced: {
    status: 409,
    title: "Somebody else approved at the same moment. Look at it, then approve it again.",
  },
  proposal_needless: {
    status: 409,
    title: "One person is enough for this. Approve it directly instead of proposing it.",
  },
  proposals_many: {
    status: 409,
    title: "Too many proposals or approvals wait already. Carry some out or withdraw them, then propose again.",
  },
  invitation_wrong: {
    status: 403,
    title: "This invitation is not known here. Open the whole link, or ask whoever invited you for a new one.",
  },
  invitation_withdrawn: {
    status: 403,
    title: "This invitation was taken back. Ask whoever invited you for a new one.",
  },
  invitation_expired: {
    status: 403,
    title: "This invitation has ended; it lasts seven days. Ask whoever invited you for a new one.",
  },
  invitation_used: {
    status: 409,
    title: "A passkey was enrolled with this invitation already. If that was not you, tell whoever invited you.",
  },
  invitation_unknown: {
    status: 404,
    title: "There is no such invitation, or it became a person already. Reload the list.",
  },
  address_banned: {
    status: 429,
    title:
      "Too many attempts from this address failed, so it is turned away for a while. Wait, or use another network; an administrator who is signed in can end it under Networks.",
  },
  network_refused: {
    status: 403,
    title:
      "The control plane does not answer to this network. Use one that is allowed, or ask an administrator to change the list under Networks.",
  },
  network_locks_out: {
    status: 409,
    title:
      "This would turn away the very address you ask from. Nothing was changed; allow your own network first, or make the change from another one.",
  },
  networks_many: { status: 409, title: "This list has as many networks as it may have. Remove one first." },
  network_known: { status: 409, title: "This network is in that list already. Reload the list." },
  network_unknown: { status: 404, title: "There is no such entry in that list any more. Reload the list." },
  access_required: {
    status: 403,
    title:
      "This dashboard stands behind Cloudflare Access, which did not vouch for this request. Open the dashboard's own address again and sign in to Access.",
  },
  access_unreachable: {
    status: 503,
    title: "Cloudflare Access could not be asked for its keys, so nobody is let in. Try again in a minute.",
  },
  access_misconfigured: {
    status: 503,
    title:
      "Cloudflare Access is configured by halves, so nothing is answered. Set ACCESS_TEAM_DOMAIN and ACCESS_AUDIENCE both, or neither, then deploy again.",
  },
  rates_misconfigured: {
    status: 503,
    title: "RATE_FACTOR must be a whole number from 1 to 1000, so nothing is answered. Correct it, then deploy again.",
  },
  body_slow: { status: 408, title: "The request took too long to arrive. Try again." },
  too_many: { status: 429, title: "That was asked too often. Wait a minute, then try again." },
  certificate_missing: { status: 403, title: "The host sent no client certificate. Join it to the workspace first." },
  certificate_untrusted: {
    status: 403,
    title: "The host's client certificate is not one of this control plane's. Join the host again.",
  },
  certificate_expired: { status: 403, title: "The host's client certificate has ended. Join the host again." },
  certificate_early: {
    status: 403,
    title: "The host's client certificate is not valid yet. Check the clocks of the host and of the control plane.",
  },
  certificate_unavailable: {
    status: 403,
    title:
      "This address takes no client certificates (names under workers.dev never do), so no host is let in. Give the control plane a hostname of one of your zones, enable client certificates for it, and make new join files.",
  },
  certificate_quota: {
    status: 503,
    title:
      "Cloudflare issues no more client certificates in the configured zones. Add another zone of the same account, or revoke certificates that nobody uses; docs/DEPLOY.md, Client certificates, says how.",
  },
  certificate_authority: {
    status: 503,
    title:
      "The certificate authority did not answer as agreed, so nothing was done. Try again; if it stays so, check the API token of the control plane.",
  },
  certificate_revoked: {
    status: 403,
    title: "The host's client certificate was revoked. Join the host again if it should come back.",
  },
  certificate_replaced: {
    status: 403,
    title:
      "The host has a newer client certificate than this one, perhaps on a copy of it. Find out whether there is one, then join the host again.",
  },
  certificate_unknown: {
    status: 403,
    title: "The host's client certificate was never issued here. Join the host again.",
  },
  host_removed: {
    status: 403,
    title:
      "The host was removed from the workspace for good. Join it again as a new host, with another data directory.",
  },
  invite_elsewhere: {
    status: 409,
    title:
      "This control plane runs on a machine of yours, and only there its join files are made. Type there: clawhold host invite --out join.json",
  },
  no_agent_endpoint: {
    status: 409,
    title: "This control plane has no address for agents, so no host can join it. Deploy it again: npm run deploy",
  },
  nothing_to_erase: {
    status: 404,
    title: "There is no such value: it was erased before, or the entry never had one. Reload Activity to see.",
  },
  checkpoint_refused: {
    status: 409,
    title:
      "No checkpoint is signed now: the log in the database does not fit what was signed before. Look at the top of Activity for both views.",
  },
  ledger_unavailable: {
    status: 503,
    title: "The activity log could not be written, so nothing was done. Look whether the disk is full, then try again.",
  },
  ledger_partly: {
    status: 503,
    title:
      "The activity log took the command for some hosts and not for others. Look at each host's state before you press again.",
  },
  command_uncertain: {
    status: 503,
    title:
      "The control plane failed while it took the command, so it may or may not run. Look at its state before you press again.",
  },
  storage_full: {
    status: 503,
    title: "The control plane's disk is full, so nothing was done. Free some space on its machine, then try again.",
  },
  trust_damaged: {
    status: 503,
    title: "The stored trust log does not verify, so nothing can be allowed. Restore the database from a backup.",
  },
  internal: {
    status: 500,
    title: "The control plane failed in a way it should not. Try again; the log has the details under this id.",
  },
} as const satisfies Record<string, Entry>;
export type ProblemCode = keyof typeof PROBLEMS;

/** Thrown by whatever refuses; becomes the answer at one place. `detail` is for the log only. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string | undefined;
  /** See `problemSchema`. */
  readonly limitSeconds: number | undefined;
  /** Of the answer: what a rate's refusal says to programs. */
  readonly fields: Readonly<Record<string, string>> = {};
  constructor(code: string, { status, title, limitSeconds }: Entry, detail?: string) {
    super(code);
    this.limitSeconds = limitSeconds;
    this.code = code;
    this.status = status;
    this.title = title;
    this.detail = detail;
  }
}

export function problem(code: ProblemCode, detail?: string): ProblemError {
  return new ProblemError(code, PROBLEMS[code], detail);
}

/** `waitSeconds`: until it is worth asking again. */
export function limitedProblem(
  code: "too_many" | "address_banned",
  { standings, waitSeconds }: { readonly standings: readonly Standing[]; readonly waitSeconds: number },
): ProblemError {
  const fields = { ...rateLimitFields(standings), "retry-after": String(Math.max(1, waitSeconds)) };
  return Object.assign(new ProblemError(code, PROBLEMS[code], standings[0]?.name), { fields });
}

/** Only for the person whose passkey was just verified: it tells how long their roles let a session last. */
export function sessionLongProblem(limitSeconds: number): ProblemError {
  return new ProblemError("session_long", { ...PROBLEMS.session_long, limitSeconds });
}

export function commandProblem(code: RefusalCode): ProblemError {
  const { what, next } = explainRefusal(code);
  return new ProblemError(code, { status: 409, title: `The control plane refused: ${what}. ${next}` });
}

export function hostRefusalProblem(code: RefusalCode): ProblemError {
  const { what, next } = explainRefusal(code);
  return new ProblemError(code, { status: 409, title: `The host refused: ${what}. ${next}` });
}

export function trustProblem(code: TrustRefusal): ProblemError {
  return new ProblemError(code, { status: 409, title: explainTrustRefusal(code) });
}

export function problemResponse(error: ProblemError): Response {
  const id = randomNonce().slice(0, 16);
  logStep("refused", { id, code: error.code, status: error.status, detail: error.detail });
  const { title, status, code, limitSeconds } = error;
  const limit = limitSeconds === undefined ? {} : { limitSeconds };
  const body: Problem = { type: "about:blank", title, status, code, id, ...limit };
  const headers = { ...error.fields, "content-type": "application/problem+json" };
  return Response.json(body, { status: error.status, headers });
}
