/**
 * The exact bytes of a command: built once, read back for whoever decides, signed by the session's key, approved by one
 * touch, sent once. Nothing is ever signed again by itself.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import type { CommandStatus } from "../../protocol/contracts.ts";
import { MAX_INTENT_TTL_SECONDS } from "../../protocol/limits.ts";
import {
  approvalCodec,
  intentCodec,
  submissionCodec,
  type Expect,
  type Intent,
  type Prepared,
  type Submission,
} from "../../protocol/messages.ts";
import { operations, type OperationName } from "../../protocol/operations.ts";
import { digestOf } from "../../protocol/signing.ts";
import { rolesOf, type TrustState } from "../../protocol/trust/state.ts";
import type { Args, IntendedTarget, PinnedFacts } from "../state/orders.ts";
import type { OperationClass, Scalar } from "../state/backend.ts";
import type { Answer, Asking } from "./asking.ts";
import { monotonicMs } from "./clock.ts";
import { touch } from "./passkey.ts";
import { randomNonce } from "./random.ts";
import type { SealedContent } from "./sealed-content.ts";
import type { OfferedKey } from "./session-keys.ts";
import { TroubleError, UNREACHABLE } from "./trouble.ts";
import type { StoredSession } from "./vault.ts";

/**
 * The request may or may not have arrived: no answer at all, the front's word that the edge behind it went away, or the
 * edge's that only some of its hosts have it.
 */
const LOST_ANSWERS: ReadonlySet<string> = new Set([
  UNREACHABLE.code,
  "edge_restarting",
  "ledger_partly",
  "command_uncertain",
]);

export interface Intended {
  readonly asking: Asking;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
  /** Monotonic time at which the intent was built: `after` counts from here. */
  readonly builtMs: number;
  /** What the people before approved, where there are any. */
  readonly proposal: Submission["proposal"];
  /** Ciphertext for the one host. */
  readonly sealed: Submission["sealed"];
}

export interface Intention {
  readonly operation: OperationName;
  readonly args: Args;
  readonly answers: readonly Answer[];
  readonly proposal?: { readonly digest: string; readonly carried: NonNullable<Submission["proposal"]> };
  /** What readings of this host showed, or an earlier person approved. */
  readonly pinned?: (hostId: string) => PinnedFacts | undefined;
  readonly sealed?: SealedContent | undefined;
}

export function buildIntent(asking: Asking, intention: Intention): Intended {
  const { operation, args, answers, proposal, pinned, sealed } = intention;
  const builtMs = monotonicMs();
  const targets = answers
    .map(({ prepared, answeredMs }) => ({
      host: prepared.host,
      challenge: prepared.challenge,
      iat: prepared.now + Math.floor((builtMs - answeredMs) / 1000),
      expect: expectOf(operation, prepared, pinned?.(prepared.host)),
      sealed: sealed === undefined ? [] : [{ path: "content" as const, digest: sealed.digest }],
    }))
    .toSorted((a, b) => (a.host < b.host ? -1 : 1));
  const intent: Intent = {
    v: 1,
    workspace: asking.state.workspace,
    actor: { session: asking.session.digest },
    operation,
    args: { ...args },
    targets,
    ...(proposal === undefined ? {} : { proposal: proposal.digest }),
    trustHead: asking.state.head,
    ttl: MAX_INTENT_TTL_SECONDS,
    id: randomNonce(),
  };
  const bytes = intentCodec.encode(intent);
  return {
    asking,
    bytes,
    digest: digestOf("intent", bytes),
    builtMs,
    proposal: proposal?.carried,
    sealed: sealed === undefined ? [] : [sealed.ciphertext],
  };
}

/**
 * What must still be so when the host acts: what it said in its answer, and what a reading of it showed.
 * @throws {TroubleError} when that is less than needed, or not so any more.
 */
export function expectOf(operation: OperationName, { facts }: Pick<Prepared, "facts">, pinned?: PinnedFacts): Expect {
  const wanted: readonly (keyof Expect)[] = operations[operation].expects;
  const read = pinned?.configHash;
  if (read !== undefined && facts.configHash !== undefined && facts.configHash !== read)
    throw new TroubleError(CONFIG_CHANGED);
  const known: Readonly<Record<keyof Expect, string | undefined>> = {
    gatewayBoot: facts.gatewayBoot,
    configHash: read ?? facts.configHash,
    subject: pinned?.subject,
  };
  const missing = wanted.find((fact) => known[fact] === undefined);
  if (missing !== undefined) throw new TroubleError(missing === "subject" ? NOT_READ : NO_GATEWAY);
  return Object.fromEntries(wanted.map((fact) => [fact, known[fact]])) as Expect; // none is missing
}

export interface ReadBack {
  readonly operation: OperationName;
  readonly class: OperationClass;
  readonly args: Args;
  readonly targets: readonly IntendedTarget[];
  readonly workspace: string;
  readonly ttlSeconds: number;
  readonly proposal?: string;
}

/** Everything here is read back from the bytes, not from the object they were made of. */
export function readBack(bytes: Uint8Array): ReadBack {
  const intent = intentCodec.decode(bytes);
  const operation = intent.operation as OperationName; // written by buildIntent from the table's own keys
  return {
    operation,
    class: operations[operation].class,
    args: intent.args as Args,
    targets: intent.targets.map(({ host, expect }) => ({ hostId: host, expect: scalarsOf(expect) })),
    workspace: intent.workspace,
    ttlSeconds: intent.ttl,
    ...(intent.proposal === undefined ? {} : { proposal: intent.proposal }),
  };
}

export function scalarsOf(expect: Expect): Readonly<Record<string, Scalar>> {
  const known = Object.entries(expect).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(known) as Record<string, Scalar>;
}

export interface SignedIntent {
  readonly submission: Uint8Array;
  readonly offered: OfferedKey;
}

/** One touch over exactly these bytes. It also names the key that follows the session's present one. */
export async function signIntent(intended: Intended, abort: AbortSignal): Promise<SignedIntent> {
  const { asking, bytes, digest, builtMs } = intended;
  const { deps, session, signer, state } = asking;
  deps.trust.requireKnownPast(); // the intent was built before the page found out, perhaps
  const offered = await deps.keys.offer(session);
  const approval = approvalCodec.encode({
    v: 1,
    workspace: state.workspace,
    kind: "intent",
    subject: digest,
    decision: "approve",
    after: Math.floor((monotonicMs() - builtMs) / 1000),
    nextSessionKey: offered.successor,
  });
  const allow = credentialsHere(state, session);
  const approved = await touch({ kind: "approval", body: approval, allow, signal: abort });
  await deps.keys.sent(offered, approved);
  const submission = submissionCodec.encode({
    intent: toBase64url(bytes),
    sessionSignature: await signer.sign("intent", bytes),
    session: session.certificate,
    ...(session.successor === undefined ? {} : { successor: session.successor }),
    approvals: [approved],
    ...(intended.proposal === undefined ? {} : { proposal: intended.proposal }),
    sealed: intended.sealed,
  });
  return { submission, offered };
}

/**
 * Undefined when the answer was lost: the command may be running, so the page asks by digest and signs nothing again.
 * @throws {TroubleError} when the edge refused it.
 */
export async function submit(
  { asking }: Intended,
  { submission, offered }: SignedIntent,
): Promise<readonly CommandStatus[] | undefined> {
  const { client, keys } = asking.deps;
  try {
    const { statuses } = await client.call("command", { body: { submission: toBase64url(submission) } });
    await keys.accepted(offered);
    return statuses;
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    if (LOST_ANSWERS.has(error.trouble.code)) return undefined;
    await keys.dropped(offered);
    throw error;
  }
}

/** This person's passkeys for this page's name. */
export function credentialsHere(state: TrustState, { person }: Pick<StoredSession, "person">): readonly string[] {
  return [...state.credentials.values()]
    .filter((credential) => credential.person === person && credential.rpId === location.hostname)
    .map((credential) => credential.credentialId);
}

export function actorOf({ deps, state, session }: Asking): { readonly name: string; readonly role: string } {
  const roles = rolesOf(state, session.person, deps.now());
  return { name: deps.trust.nameOf(session.person) ?? session.person, role: roles.map(({ id }) => id).join(", ") };
}

const NO_GATEWAY = {
  code: "no_gateway",
  what: "No gateway answers on this host, so there is nothing to restart or to change.",
  next: "Start OpenClaw on the host; this page notices it within seconds.",
} as const;
const CONFIG_CHANGED = {
  code: "expect",
  what: "The configuration changed since this page read it.",
  why: "What you saw is no longer what would be changed.",
  next: "Read it again, then decide.",
} as const;
const NOT_READ = {
  code: "not_read",
  what: "This page has not read from the host what the command is about.",
  why: "The host acts only when it still sees exactly what you saw.",
  next: "Open the list on the host's page, then press there.",
} as const;
