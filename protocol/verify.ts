/**
 * The host's verification of a command, in the fixed order of the protocol; the first failure is named. Pure: the
 * caller brings clock, journal and challenges. What executes takes `Verified<Command>`, and only this module
 * makes one. Layers: 2 dispatch, 3 session key or automation key, 4 step-up, 5 role and class, 6 freshness and local
 * policy (1, mutual TLS, is the tunnel's; its certificate is bound in by 2).
 */
import * as v from "valibot";
import { fromBase64url, toBase64url } from "./bytes.ts";
import type { TrustHead } from "./fields.ts";
import {
  APPROVAL_SECONDS,
  APPROVAL_SKEW_SECONDS,
  MAX_ENVELOPE_BYTES,
  MAX_PROPOSAL_SECONDS,
  MAX_QUEUE_SECONDS,
  SESSION_SKEW_SECONDS,
} from "./limits.ts";
import {
  actorName,
  dispatchCodec,
  envelopeCodec,
  intentCodec,
  prepareCodec,
  type Asserted,
  type Envelope,
  type Expect,
  type Intent,
  type Prepare,
  type Signed,
  type Submission,
  type Target,
} from "./messages.ts";
import { isOperationName, operations, type Operation, type OperationName } from "./operations.ts";
import type { RefusalCode } from "./refusals.ts";
import { digestOf, sha256Of, verifySignature, type Digest } from "./signing.ts";
import { coversHost, hasPermission, sameHead, type TrustState } from "./trust/state.ts";
import { judgeApprovals, type JudgedApprovals } from "./verify/approvals.ts";
import { judgeAuthor, type Author, type AuthorView } from "./verify/author.ts";
import { judgeGrant, judgePeople } from "./verify/authority.ts";
import { decodeAs, Refused } from "./verify/refused.ts";

declare const verifiedBrand: unique symbol;
/** A value that went through verification. Cannot be written by hand: the brand has no constructor. */
export type Verified<T> = T & { readonly [verifiedBrand]: true };

/** Whose command it is: the person of the last touch, or the automation key. */
export type CommandAuthor =
  | { readonly kind: "person"; readonly id: string }
  | { readonly kind: "automation"; readonly id: string };

export interface Command {
  readonly digest: Digest;
  readonly intent: Intent;
  readonly operation: OperationName;
  readonly target: Target;
  readonly author: CommandAuthor;
  /** Ciphertext of the sealed arguments, whose digest the intent names; the host opens it with the challenge's key. */
  readonly sealed: Uint8Array | undefined;
}

export interface ChallengeRecord {
  /** `actorName` of whoever asked for it. */
  readonly actor: string;
  readonly operation: string;
}

/** Everything the rules need to know about this host at this moment. */
export interface HostView extends AuthorView {
  readonly host: string;
  readonly tunnel: string;
  readonly certFingerprint: string;
  readonly trust: TrustState;
  /** Host wall clock, seconds. */
  readonly now: number;
  /** Seconds that the command stood behind others on this host, by its monotonic clock; absent: none. */
  readonly waited?: number;
  /**
   * The intent under which the journal holds this one (executed, failed, interrupted or running): the same intent, or
   * the one that carried out the same proposal. Undefined: never begun.
   */
  known(intent: Digest, proposal: Digest | undefined): Digest | undefined;
  /** The live challenge, or undefined when spent, expired or never minted here. */
  challenge(challenge: string): ChallengeRecord | undefined;
  /** Commands of this automation key that began here within the last so many seconds. */
  automationRuns(key: string, seconds: number): number;
  /** The root-owned deny list of this machine. */
  denies(operation: OperationName): boolean;
}

export type Verification =
  | { readonly kind: "verified"; readonly command: Verified<Command> }
  /** `digest`: the intent whose receipt answers. */
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

interface Progress {
  digest: Digest | undefined;
  sessionVerified: boolean;
}

/** The list. */
export async function verifyEnvelope(bytes: Uint8Array, view: HostView): Promise<Verification> {
  const progress: Progress = { digest: undefined, sessionVerified: false };
  try {
    if (bytes.length > MAX_ENVELOPE_BYTES) throw new Refused("size");
    const envelope = decodeAs("malformed", () => envelopeCodec.decode(bytes));
    const read = readIntent(envelope);
    const { intent, digest } = read;
    progress.digest = digest;
    const known = view.known(digest, intent.proposal);
    if (known !== undefined) return { kind: "known", digest: known };
    const target = judgeTarget(intent, view);
    await judgeDispatch(envelope, digest, view);
    judgeChallenge(intent, target, view);
    judgeTrustHead(intent.trustHead, view.trust);
    const [theirs, touched] = await Promise.allSettled([
      judgeIntentAuthor(envelope, intent, view),
      judgeTouches(envelope, read, view.trust),
    ]);
    const author = settled(theirs);
    progress.sessionVerified = true;
    const approvals = settled(touched);
    const { name, operation } = judgeOperation(intent, target);
    const sealed = judgeSealed(envelope, intent, operation);
    judgeMandate({ intent, operation, host: view.host, author, approvals }, view);
    judgeRate(author, view);
    if (view.denies(name)) throw new Refused("local_policy");
    judgeClock({ target, ttl: intent.ttl, approvals }, view);
    const command: Command = { digest, intent, operation: name, target, author: describeAuthor(author), sealed };
    return { kind: "verified", command: command as Verified<Command> };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code, ...progress };
    throw error;
  }
}

/** The last rule before acting: what the person saw must still be true. */
export function judgeExpect(command: Command, observed: Expect): RefusalCode | undefined {
  const { gatewayBoot, configHash, subject } = command.target.expect;
  const holds = (pinned: string | undefined, seen: string | undefined): boolean =>
    pinned === undefined || pinned === seen;
  const holdsAll =
    holds(gatewayBoot, observed.gatewayBoot) &&
    holds(configHash, observed.configHash) &&
    holds(subject, observed.subject);
  return holdsAll ? undefined : "expect";
}

export type SubmissionVerdict =
  | { readonly kind: "accepted"; readonly intent: Intent; readonly digest: Digest; readonly author: CommandAuthor }
  | Refusal;

/** What the edge can check before it spends anybody's time. The host repeats all of it. `now`: edge clock, seconds. */
export async function verifySubmission(submission: Submission, view: AuthorView): Promise<SubmissionVerdict> {
  const progress: Progress = { digest: undefined, sessionVerified: false };
  try {
    const read = readIntent(submission);
    const { intent, digest } = read;
    progress.digest = digest;
    if (intent.workspace !== view.trust.workspace) throw new Refused("workspace");
    judgeTrustHead(intent.trustHead, view.trust);
    const author = await judgeIntentAuthor(submission, intent, view);
    progress.sessionVerified = true;
    const approvals = await judgeTouches(submission, read, view.trust);
    for (const target of intent.targets) {
      const { operation } = judgeOperation(intent, target);
      judgeSealed(submission, intent, operation);
      judgeMandate({ intent, operation, host: target.host, author, approvals }, view);
    }
    return { kind: "accepted", intent, digest, author: describeAuthor(author) };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code, ...progress };
    throw error;
  }
}

export interface PrepareView extends AuthorView {
  readonly host: string;
}

export type PrepareVerdict =
  | { readonly kind: "accepted"; readonly prepare: Prepare; readonly digest: Digest; readonly author: CommandAuthor }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly digest: Digest };

export interface SignedPrepare {
  readonly signed: Signed;
  /** Absent for an automation key. */
  readonly session?: Asserted | undefined;
  readonly successor?: Asserted | undefined;
}

/**
 * A request for a challenge: signed by somebody who may ask for the operation on this host. Edge and host both ask, so
 * that nobody reads a dialog in vain and no stranger fills the host's table.
 */
export async function verifyPrepare(
  { signed, session, successor }: SignedPrepare,
  view: PrepareView,
): Promise<PrepareVerdict> {
  const body = fromBase64url(signed.body);
  const digest = digestOf("prepare", body);
  try {
    const prepare = decodeAs("malformed", () => prepareCodec.decode(body));
    if (prepare.workspace !== view.trust.workspace) throw new Refused("workspace");
    if (prepare.host !== view.host) throw new Refused("target");
    if (view.trust.frozen !== undefined) throw new Refused("trust_frozen");
    const { signature } = signed;
    const message = { kind: "prepare", body, signature, actor: prepare.actor, session, successor } as const;
    const author = await judgeAuthor(message, view);
    if (!isOperationName(prepare.operation)) throw new Refused("operation");
    judgeAsking(prepare.operation, author, view);
    return { kind: "accepted", prepare, digest, author: describeAuthor(author) };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", code: error.code, digest };
    throw error;
  }
}

function judgeAsking(name: OperationName, author: Author, { trust, host, now }: PrepareView): void {
  if (author.kind === "automation") {
    const { key } = author;
    const granted = key.operations.some(({ operation }) => operation === name) && coversHost(trust, key, host);
    if (!granted) throw new Refused("automation_limit");
    return;
  }
  const { permission } = operations[name];
  if (!hasPermission(trust, author.person, { permission, now })) throw new Refused("role");
  if (!hasPermission(trust, author.person, { permission, host, now })) throw new Refused("host_scope");
}

function describeAuthor(author: Author): CommandAuthor {
  return author.kind === "session" ? { kind: "person", id: author.person } : { kind: "automation", id: author.key.id };
}

interface ReadIntent {
  readonly intent: Intent;
  readonly digest: Digest;
}

function readIntent(envelope: Submission): ReadIntent {
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
  if (record === undefined || record.actor !== actorName(intent.actor) || record.operation !== intent.operation) {
    throw new Refused("challenge");
  }
}

function judgeTrustHead(head: TrustHead, trust: TrustState): void {
  if (trust.frozen !== undefined) throw new Refused("trust_frozen");
  if (!sameHead(head, trust.head)) throw new Refused("trust_behind");
}

async function judgeIntentAuthor(submission: Submission, intent: Intent, view: AuthorView): Promise<Author> {
  return judgeAuthor(
    {
      kind: "intent",
      body: fromBase64url(submission.intent),
      signature: submission.sessionSignature,
      actor: intent.actor,
      session: submission.session,
      successor: submission.successor,
    },
    view,
  );
}

/** Nobody touches anything for an automation key: its own signature stands for both layers. */
async function judgeTouches(submission: Submission, read: ReadIntent, trust: TrustState): Promise<JudgedApprovals> {
  if ("session" in read.intent.actor) return judgeApprovals(submission, read, trust);
  const extra = submission.approvals.length > 0 || submission.proposal !== undefined;
  if (extra || read.intent.proposal !== undefined) throw new Refused("approval_extra");
  return { touches: [], after: 0 };
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

function judgeOperation(
  intent: Intent,
  target: Target,
): { readonly name: OperationName; readonly operation: Operation } {
  if (!isOperationName(intent.operation)) throw new Refused("operation");
  const operation: Operation = operations[intent.operation];
  if (!v.is(operation.args, intent.args)) throw new Refused("malformed");
  if (operation.oneHost === true && intent.targets.length > 1) throw new Refused("operation");
  if (operation.expects.some((fact) => target.expect[fact] === undefined)) throw new Refused("expect");
  return { name: intent.operation, operation };
}

/** What nobody between page and host may read arrives whole, for one host, from a person: exactly what was signed. */
function judgeSealed(submission: Submission, intent: Intent, operation: Operation): Uint8Array | undefined {
  const { targets, actor } = intent;
  const named = targets.flatMap(({ sealed }) => sealed);
  const [text, ...others] = submission.sealed;
  if (operation.sealed === undefined) {
    if (named.length > 0 || text !== undefined) throw new Refused("sealed");
    return undefined;
  }
  const [only] = named;
  const isOne = targets.length === 1 && others.length === 0 && "session" in actor;
  if (only === undefined || text === undefined || !isOne) throw new Refused("sealed");
  const bytes = fromBase64url(text);
  if (toBase64url(sha256Of(bytes)) !== only.digest) throw new Refused("sealed");
  return bytes;
}

interface Mandate {
  readonly intent: Intent;
  readonly operation: Operation;
  readonly host: string;
  readonly author: Author;
  readonly approvals: JudgedApprovals;
}

function judgeMandate({ author, approvals, ...rest }: Mandate, { trust, now }: AuthorView): void {
  const one = { ...rest, trust, now };
  if (author.kind === "session") judgePeople(one, author, approvals.touches);
  else judgeGrant(one, author.key);
}

function judgeRate(author: Author, view: HostView): void {
  if (author.kind !== "automation") return;
  const { id, rate } = author.key;
  if (view.automationRuns(id, rate.seconds) >= rate.commands) throw new Refused("automation_rate");
}

interface Timing {
  readonly target: Target;
  readonly ttl: number;
  readonly approvals: JudgedApprovals;
}

/**
 * Time is the host's: `iat` is its own answer carried forward by the page's monotonic clock. Judged is when the command came
 * in: who pressed in time is not refused because this host was busy.
 */
function judgeClock({ target, ttl, approvals }: Timing, { now, waited = 0 }: Pick<HostView, "now" | "waited">): void {
  const { after, exp } = approvals;
  if (exp !== undefined && (now > exp || exp > now + MAX_PROPOSAL_SECONDS + SESSION_SKEW_SECONDS))
    throw new Refused("proposal_expired");
  const approved = target.iat + after;
  const cameIn = now - Math.min(waited, MAX_QUEUE_SECONDS);
  const fromTheFuture = approved > cameIn + APPROVAL_SKEW_SECONDS;
  const tooOld = cameIn - approved > APPROVAL_SECONDS || cameIn > target.iat + ttl;
  // Written so that NaN refuses too.
  if (fromTheFuture || tooOld || !Number.isFinite(approved)) throw new Refused("clock");
}
