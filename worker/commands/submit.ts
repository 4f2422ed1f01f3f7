/**
 * Takes a command in, whoever's it is: the edge checks all that it can; for each host `command.accepted` is written
 * before the intent gets its place in that host's sequence. The edge adds nothing to the command and the hosts repeat
 * every check. One host that is away, or refuses, holds up no other.
 */
import type { NewCommand } from "../../durable-objects/host/acceptance.ts";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { logFault } from "../../durable-objects/log.ts";
import { fromBase64url, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { CommandStatus } from "../../protocol/contracts.ts";
import type { LedgerActor, LedgerDraft } from "../../protocol/ledger.ts";
import { MAX_ENVELOPE_BYTES, SESSION_SKEW_SECONDS } from "../../protocol/limits.ts";
import { actorName, proposalCodec, submissionCodec, type Intent, type Submission } from "../../protocol/messages.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { verifySubmission } from "../../protocol/verify.ts";
import { removeProposal } from "../db/proposals.ts";
import type { Deps } from "../deps.ts";
import type { Arrival } from "../http/arrival.ts";
import { commandProblem, problem } from "../http/problems.ts";

/** What the dispatch adds to a submission: two nonces, two digests, ids and a signature, in base64url. */
const DISPATCH_BYTES = 1_024;

/** Who hands a command in: a signed-in person, or an automation key. */
export interface Submitter {
  readonly workspace: string;
  readonly trust: TrustState;
  readonly actor: LedgerActor;
  /** `actorName` of the only actor whose intents this caller may bring. */
  readonly name: string;
  readonly session?: string;
}

/** The request around it. */
export interface Handing {
  readonly arrival: Pick<Arrival, "sourceIp">;
  readonly deps: Deps;
  readonly later: (work: Promise<unknown>) => void;
}

export interface Submitted {
  readonly submission: Submission;
  readonly intent: Intent;
  readonly digest: string;
  /** One for each target, in their order. */
  readonly statuses: CommandStatus[];
}

/** @throws {ProblemError} after recording the refusal */
export async function submitCommand(submitter: Submitter, bytes: Uint8Array, handing: Handing): Promise<Submitted> {
  const accepted = await judge(submitter, bytes, handing);
  const statuses = await handOut({ ...accepted, bytes }, submitter, handing);
  const { proposal } = accepted.intent;
  if (proposal !== undefined) handing.later(removeProposal(handing.deps.db, submitter.workspace, proposal));
  return { ...accepted, statuses };
}

type Accepted = Omit<Submitted, "statuses">;

async function judge(submitter: Submitter, bytes: Uint8Array, handing: Handing): Promise<Accepted> {
  const refuse = (code: RefusalCode, intent?: string): Promise<never> =>
    refuseCommand(submitter, { code, ...(intent === undefined ? {} : { intent }) }, handing);
  if (bytes.length > MAX_ENVELOPE_BYTES - DISPATCH_BYTES) return refuse("size");
  const submission = decodeSubmission(bytes);
  if (submission === undefined) return refuse("malformed");
  const { trust, name } = submitter;
  const now = edgeSeconds();
  // Its session was found open when this request was authenticated.
  const verdict = await verifySubmission(submission, { trust, now, isSessionEnded: () => false });
  if (verdict.kind === "refused") return refuse(verdict.code, verdict.digest);
  const { intent, digest } = verdict;
  // One signed-in page cannot hand in another session's command.
  if (actorName(intent.actor) !== name) return refuse("session_key", digest);
  if (intent.targets.some(({ host }) => !trust.hosts.has(host))) return refuse("target", digest);
  if (now > endOfProposal(submission) + SESSION_SKEW_SECONDS) return refuse("proposal_expired", digest);
  return { submission, intent, digest };
}

/** Its bytes were verified with the rest. */
function endOfProposal({ proposal }: Submission): number {
  return proposal === undefined ? Number.POSITIVE_INFINITY : proposalCodec.decode(fromBase64url(proposal.body)).exp;
}

/** @throws {ProblemError} */
export async function refuseCommand(
  { workspace, actor, session }: Submitter,
  { code, intent }: { readonly code: RefusalCode; readonly intent?: string },
  { arrival, deps, later }: Handing,
): Promise<never> {
  const { sourceIp } = arrival;
  const by = session === undefined ? {} : { session };
  later(deps.countRefusal(workspace, { code, ...by }));
  await deps.ledger(workspace)({
    actor,
    action: "command.refused",
    detail: { code, ...by, ...(intent === undefined ? {} : { intent }) },
    ...(intent === undefined ? {} : { subject: `${intent}:${code}` }),
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  throw commandProblem(code);
}

/** Each host's object writes its entry before it delivers, and finishes even if this request dies now. */
async function handOut(
  { intent, digest, bytes }: Accepted & { readonly bytes: Uint8Array },
  submitter: Submitter,
  { arrival, deps }: Handing,
): Promise<CommandStatus[]> {
  const { workspace, trust } = submitter;
  const submission = utf8Text(bytes);
  const outcomes = await Promise.all(
    intent.targets.map(({ host }) => {
      const entry = acceptedEntry(submitter, { intent, digest, host }, arrival);
      return handTo({ deps, workspace, host, seen: trust.head }, { intent: digest, submission, entry });
    }),
  );
  const known = outcomes.filter((outcome) => outcome !== undefined && outcome !== "uncertain");
  if (known.length === outcomes.length) return known;
  if (known.length > 0) throw problem("ledger_partly");
  throw problem(outcomes.includes("uncertain") ? "command_uncertain" : "ledger_unavailable");
}

interface Place {
  readonly deps: Deps;
  readonly workspace: string;
  readonly host: string;
  readonly seen: TrustState["head"];
}

/**
 * Undefined: nothing was done. An object that dies under the question may have kept the command before, and then finishes
 * it: only what it says of it afterwards may be passed on.
 */
async function handTo(place: Place, command: NewCommand): Promise<CommandStatus | undefined | "uncertain"> {
  const { deps, workspace, host, seen } = place;
  try {
    return await deps.host(workspace, host).submit({ workspace, host }, command, seen);
  } catch (error) {
    logFault("submit", error, { host, intent: command.intent });
    return statusAfterFault(place, command.intent);
  }
}

async function statusAfterFault(
  { deps, workspace, host }: Place,
  intent: string,
): Promise<CommandStatus | undefined | "uncertain"> {
  try {
    return await deps.host(workspace, host).status({ workspace, host }, intent);
  } catch (error) {
    logFault("submit_status", error, { host, intent });
    return "uncertain";
  }
}

interface AcceptedOn {
  readonly intent: Intent;
  readonly digest: string;
  readonly host: string;
}

/** One for each host, so that every receipt has its own acceptance before it. */
function acceptedEntry(
  { actor, session }: Submitter,
  { intent, digest, host }: AcceptedOn,
  { sourceIp }: Pick<Arrival, "sourceIp">,
): LedgerDraft {
  const { operation, proposal } = intent;
  return {
    actor,
    action: "command.accepted",
    target: host,
    detail: {
      operation,
      intent: digest,
      ...(session === undefined ? {} : { session }),
      ...(proposal === undefined ? {} : { proposal }),
    },
    subject: `${digest}:${host}`,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  };
}

function decodeSubmission(bytes: Uint8Array): Submission | undefined {
  try {
    return submissionCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
