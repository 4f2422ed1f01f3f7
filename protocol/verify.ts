/**
 * The host's verification of a command, in the fixed order of the protocol; the first failure is named. Pure: the
 * caller brings clock, journal and challenges. What executes takes `Verified<Command>`, and only this module
 * makes one. Layers: 2 dispatch, 3 session key, 4 step-up, 5 role and class, 6 freshness and local policy
 * (1, mutual TLS, is the tunnel's; its certificate is bound in by 2).
 */
import * as v from "valibot";
import type { ListedOrigin } from "./assertion.ts";
import { fromBase64url } from "./bytes.ts";
import { MalformedError } from "./canonical.ts";
import type { TrustHead } from "./fields.ts";
import { APPROVAL_SECONDS, APPROVAL_SKEW_SECONDS, MAX_ENVELOPE_BYTES, SESSION_SKEW_SECONDS } from "./limits.ts";
import {
  approvalCodec,
  dispatchCodec,
  envelopeCodec,
  intentCodec,
  prepareCodec,
  sessionCodec,
  type Approval,
  type Asserted,
  type Envelope,
  type Expect,
  type Intent,
  type Prepare,
  type Session,
  type Signed,
  type Submission,
  type Target,
} from "./messages.ts";
import { isOperationName, operations, type Operation, type OperationName } from "./operations.ts";
import type { RefusalCode } from "./refusals.ts";
import { digestOf, verifySignature, type Digest } from "./signing.ts";
import { verifyTouch } from "./trust/apply.ts";
import { hasPermission, sameHead, sessionLimit, type TrustState } from "./trust/state.ts";

declare const verifiedBrand: unique symbol;
/** A value that went through verification. Cannot be written by hand: the brand has no constructor. */
export type Verified<T> = T & { readonly [verifiedBrand]: true };

export interface Command {
  readonly digest: Digest;
  readonly intent: Intent;
  readonly operation: OperationName;
  readonly target: Target;
  /** Whose touch approved it. */
  readonly person: string;
}

export interface ChallengeRecord {
  readonly session: Digest;
  readonly operation: string;
}

/** Everything the rules need to know about this host at this moment. */
export interface HostView {
  readonly host: string;
  readonly tunnel: string;
  readonly certFingerprint: string;
  readonly trust: TrustState;
  /** Host wall clock, seconds. */
  readonly now: number;
  /** True when the journal holds this intent: executed, failed, interrupted or running. */
  isKnown(intent: Digest): boolean;
  /** The live challenge, or undefined when spent, expired or never minted here. */
  challenge(challenge: string): ChallengeRecord | undefined;
  /** The root-owned deny list of this machine. */
  denies(operation: OperationName): boolean;
}

export type Verification =
  | { readonly kind: "verified"; readonly command: Verified<Command> }
  | { readonly kind: "known"; readonly digest: Digest }
  | Refusal;

/**
 * `digest` is undefined when not even an intent could be read. Before the session signature verified, a refusal
 * is counted and answered by an unsigned frame; afterwards it is receipted.
 */
export interface Refusal {
  readonly kind: "refused";
  readonly code: RefusalCode;
  readonly digest: Digest | undefined;
  readonly sessionVerified: boolean;
}

class Refused extends Error {
  readonly code: RefusalCode;
  constructor(code: RefusalCode) {
    super(code);
    this.code = code;
  }
}

/** The list. */
export async function verifyEnvelope(bytes: Uint8Array, view: HostView): Promise<Verification> {
  const progress: { digest: Digest | undefined; sessionVerified: boolean } = {
    digest: undefined,
    sessionVerified: false,
  };
  try {
    if (bytes.length > MAX_ENVELOPE_BYTES) throw new Refused("size");
    const envelope = decodeAs("malformed", () => envelopeCodec.decode(bytes));
    const { intent, digest } = readIntent(envelope);
    progress.digest = digest;
    if (view.isKnown(digest)) return { kind: "known", digest };
    const target = judgeTarget(intent, view);
    await judgeDispatch(envelope, digest, view);
    judgeChallenge(intent, target, view);
    judgeTrustHead(intent.trustHead, view.trust);
    const session = await judgeSession(envelope, intent, view);
    progress.sessionVerified = true;
    const approvals = await judgeApprovals(envelope, digest, view.trust);
    const { name, operation } = judgeOperation(intent, target);
    judgeClass(operation, approvals);
    judgeAuthority({ operation, hosts: [view.host], session, approvals }, view.trust);
    if (view.denies(name)) throw new Refused("local_policy");
    judgeClock({ target, ttl: intent.ttl, after: approvals.at(-1)?.after ?? Number.NaN }, view.now);
    const command: Command = { digest, intent, operation: name, target, person: session.person };
    return { kind: "verified", command: command as Verified<Command> };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code, ...progress };
    throw error;
  }
}

/** The last rule before acting: what the person saw must still be true. */
export function judgeExpect(command: Command, observed: Expect): RefusalCode | undefined {
  const pinned = command.target.expect.gatewayBoot;
  return pinned === undefined || pinned === observed.gatewayBoot ? undefined : "expect";
}

export interface SubmissionView {
  readonly trust: TrustState;
  /** Edge clock, seconds. */
  readonly now: number;
}

/** What the edge can check before it spends anybody's time. The host repeats all of it. */
export async function verifySubmission(
  submission: Submission,
  view: SubmissionView,
): Promise<
  { readonly kind: "accepted"; readonly intent: Intent; readonly digest: Digest; readonly person: string } | Refusal
> {
  const progress: { digest: Digest | undefined; sessionVerified: boolean } = {
    digest: undefined,
    sessionVerified: false,
  };
  try {
    const { intent, digest } = readIntent(submission);
    progress.digest = digest;
    if (intent.workspace !== view.trust.workspace) throw new Refused("workspace");
    judgeTrustHead(intent.trustHead, view.trust);
    const session = await judgeSession(submission, intent, view);
    progress.sessionVerified = true;
    const approvals = await judgeApprovals(submission, digest, view.trust);
    for (const target of intent.targets) {
      const { operation } = judgeOperation(intent, target);
      judgeClass(operation, approvals);
      judgeAuthority({ operation, hosts: [target.host], session, approvals }, view.trust);
    }
    return { kind: "accepted", intent, digest, person: session.person };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code, ...progress };
    throw error;
  }
}

export interface PrepareView extends SubmissionView {
  readonly host: string;
}

export type PrepareVerdict =
  | { readonly kind: "accepted"; readonly prepare: Prepare; readonly digest: Digest; readonly person: string }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly digest: Digest };

/**
 * A request for a challenge: signed by a certified session whose role allows the operation on this host. Edge and
 * host both ask, so that nobody reads a dialog in vain and no stranger fills the host's table.
 */
export async function verifyPrepare(
  { signed, session: asserted }: { readonly signed: Signed; readonly session: Asserted },
  view: PrepareView,
): Promise<PrepareVerdict> {
  const body = fromBase64url(signed.body);
  const digest = digestOf("prepare", body);
  try {
    const prepare = decodeAs("malformed", () => prepareCodec.decode(body));
    if (prepare.workspace !== view.trust.workspace) throw new Refused("workspace");
    if (prepare.host !== view.host) throw new Refused("target");
    const session = await judgeCertificate(asserted, prepare.actor.session, view);
    const { signature } = signed;
    if (!(await verifySignature({ kind: "prepare", body, signature, publicKey: session.sessionKey }))) {
      throw new Refused("session_key");
    }
    if (!isOperationName(prepare.operation)) throw new Refused("operation");
    const { permission } = operations[prepare.operation];
    if (!hasPermission(view.trust, session.person, { permission })) throw new Refused("role");
    if (!hasPermission(view.trust, session.person, { permission, host: view.host })) throw new Refused("host_scope");
    return { kind: "accepted", prepare, digest, person: session.person };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code, digest };
    throw error;
  }
}

function decodeAs<T>(code: RefusalCode, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) throw new Refused(code);
    throw error;
  }
}

function readIntent(envelope: Submission): { readonly intent: Intent; readonly digest: Digest } {
  const bytes = fromBase64url(envelope.intent);
  return { intent: decodeAs("malformed", () => intentCodec.decode(bytes)), digest: digestOf("intent", bytes) };
}

function judgeTarget(intent: Intent, view: HostView): Target {
  if (intent.workspace !== view.trust.workspace) throw new Refused("workspace");
  const mine = intent.targets.filter((target) => target.host === view.host);
  const [target] = mine;
  if (target === undefined || mine.length !== 1) throw new Refused("target");
  return target;
}

async function judgeDispatch(envelope: Envelope, intent: Digest, view: HostView): Promise<void> {
  const body = fromBase64url(envelope.dispatch.body);
  const dispatch = decodeAs("dispatch", () => dispatchCodec.decode(body));
  const fits =
    dispatch.workspace === view.trust.workspace &&
    dispatch.host === view.host &&
    dispatch.intent === intent &&
    dispatch.tunnel === view.tunnel &&
    dispatch.certFingerprint === view.certFingerprint;
  if (!fits) throw new Refused("dispatch");
  const { signature } = envelope.dispatch;
  if (!(await verifySignature({ kind: "dispatch", body, signature, publicKey: view.trust.dispatchKey }))) {
    throw new Refused("dispatch");
  }
}

function judgeChallenge(intent: Intent, target: Target, view: HostView): void {
  const record = view.challenge(target.challenge);
  if (record === undefined || record.session !== intent.actor.session || record.operation !== intent.operation) {
    throw new Refused("challenge");
  }
}

function judgeTrustHead(head: TrustHead, trust: TrustState): void {
  if (!sameHead(head, trust.head)) throw new Refused("trust_behind");
}

interface CertifiedSession extends Session {
  readonly person: string;
}

async function judgeSession(envelope: Submission, intent: Intent, view: SessionView): Promise<CertifiedSession> {
  const session = await judgeCertificate(envelope.session, intent.actor.session, view);
  const signed = {
    kind: "intent",
    body: fromBase64url(envelope.intent),
    signature: envelope.sessionSignature,
    publicKey: session.sessionKey,
  } as const;
  if (!(await verifySignature(signed))) throw new Refused("session_key");
  return session;
}

interface SessionView {
  readonly trust: TrustState;
  readonly now: number;
}

/** The sign-in behind a session key: valid now, made by a pinned passkey, and the one that `named` names. */
async function judgeCertificate(asserted: Asserted, named: Digest, view: SessionView): Promise<CertifiedSession> {
  const bytes = fromBase64url(asserted.body);
  const session = decodeAs("session_malformed", () => sessionCodec.decode(bytes));
  if (session.workspace !== view.trust.workspace) throw new Refused("session_workspace");
  const verdict = await verifyTouch(view.trust, asserted, "session");
  if (!verdict.ok) throw new Refused(`session.${verdict.rule}`);
  if (verdict.origin.origin !== session.origin) throw new Refused("session.origin");
  const person = view.trust.credentials.get(asserted.assertion.credentialId)?.person ?? "";
  judgeLifetime(session, sessionLimit(view.trust, person), view.now);
  if (digestOf("session", bytes) !== named) throw new Refused("session_key");
  return { ...session, person };
}

/** Certificates carry edge time; both ends are judged with the same tolerance. */
function judgeLifetime(session: Session, limitSeconds: number, now: number): void {
  const tooLong = session.exp - session.iat > limitSeconds || session.exp <= session.iat;
  const notYet = session.iat > now + SESSION_SKEW_SECONDS;
  const over = now > session.exp + SESSION_SKEW_SECONDS;
  if (tooLong || notYet || over) throw new Refused("session_lifetime");
}

interface JudgedApproval {
  readonly person: string;
  readonly origin: ListedOrigin;
  readonly after: number;
}

async function judgeApprovals(
  envelope: Submission,
  intent: Digest,
  trust: TrustState,
): Promise<readonly JudgedApproval[]> {
  const judged: JudgedApproval[] = [];
  for (const asserted of envelope.approvals) {
    const body = decodeAs("approval_malformed", (): Approval => approvalCodec.decode(fromBase64url(asserted.body)));
    if (body.kind !== "intent" || body.subject !== intent || body.workspace !== trust.workspace) {
      throw new Refused("approval_subject");
    }
    const verdict = await verifyTouch(trust, asserted, "approval");
    if (!verdict.ok) throw new Refused(`approval.${verdict.rule}`);
    const person = trust.credentials.get(asserted.assertion.credentialId)?.person ?? "";
    judged.push({ person, origin: verdict.origin, after: body.after });
  }
  if (judged.length === 0) throw new Refused("approval_missing");
  return judged;
}

function judgeOperation(
  intent: Intent,
  target: Target,
): { readonly name: OperationName; readonly operation: Operation } {
  if (!isOperationName(intent.operation)) throw new Refused("operation");
  const operation: Operation = operations[intent.operation];
  if (!v.is(operation.args, intent.args)) throw new Refused("malformed");
  if (operation.expects.some((fact) => target.expect[fact] === undefined)) throw new Refused("expect");
  return { name: intent.operation, operation };
}

function judgeClass(operation: Operation, approvals: readonly JudgedApproval[]): void {
  if (operation.class !== "critical") return;
  if (approvals.some((approval) => approval.origin.class !== "signer")) throw new Refused("class_origin");
}

interface Authority {
  readonly operation: Operation;
  readonly hosts: readonly string[];
  readonly session: CertifiedSession;
  readonly approvals: readonly JudgedApproval[];
}

function judgeAuthority({ operation, hosts, session, approvals }: Authority, trust: TrustState): void {
  for (const { person } of approvals) {
    const { permission } = operation;
    if (!hasPermission(trust, person, { permission })) throw new Refused("role");
    if (!hosts.every((host) => hasPermission(trust, person, { permission, host }))) throw new Refused("host_scope");
  }
  // The person whose session carries the command is the person of the last touch.
  if (approvals.at(-1)?.person !== session.person) throw new Refused("people");
}

interface Timing {
  readonly target: Target;
  readonly ttl: number;
  /** Seconds from building the intent to the last press. */
  readonly after: number;
}

/** Time is the host's: `iat` is its own answer carried forward by the page's monotonic clock. */
function judgeClock({ target, ttl, after }: Timing, now: number): void {
  const approved = target.iat + after;
  const fromTheFuture = approved > now + APPROVAL_SKEW_SECONDS;
  const tooOld = now - approved > APPROVAL_SECONDS || now > target.iat + ttl;
  // Written so that NaN refuses too.
  if (fromTheFuture || tooOld || !Number.isFinite(approved)) throw new Refused("clock");
}
