/**
 * One command to many hosts: every host is asked for its own challenge, one intent names them all, one touch approves it,
 * and each host answers for itself. Hosts that gave no challenge are in no intent.
 */
import { toHex, utf8Text } from "../../protocol/bytes.ts";
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import type { Submission } from "../../protocol/messages.ts";
import { digestBytes } from "../../protocol/signing.ts";
import type {
  AskedHosts,
  HostOutcome,
  HostOutcomeStep,
  NamedHost,
  Order,
  OrderStep,
  PinnedFacts,
  PreparedOrder,
  UnaskedHost,
} from "../state/orders.ts";
import type { Trouble } from "../state/backend.ts";
import { askHost, startAsking, type Answer, type Asking, type CommandDeps } from "./asking.ts";
import { monotonicMs } from "./clock.ts";
import { challengeSecondsLeft, GIVE_UP_AFTER_MS, namedHost, SILENT_AFTER_MS } from "./commands.ts";
import { askStatus, isOver, NEVER_ARRIVED, outcomeOf, StatusFeed } from "./command-status.ts";
import {
  actorOf,
  buildIntent,
  expectOf,
  readBack,
  signIntent,
  submit,
  type Intended,
  type SignedIntent,
} from "./intents.ts";
import { CANCELLED, TroubleError, troubleOf } from "./trouble.ts";

/** What several people approved before, to be carried out now. */
export interface CarriedProposal {
  readonly digest: string;
  readonly carried: NonNullable<Submission["proposal"]>;
  readonly approvedBefore: readonly string[];
  /** What they pinned for a host. */
  readonly expected: (hostId: string) => PinnedFacts | undefined;
  /** Whether what the host says now is still what was approved. */
  readonly stillSo: (answer: Answer) => Trouble | undefined;
}

type Outcome = { readonly ok: true; readonly answer: Answer } | { readonly ok: false; readonly host: UnaskedHost };

/** @throws {TroubleError} when signed out. A host that cannot be asked is an entry, not an error. */
export async function askHosts(deps: CommandDeps, order: Order, proposal?: CarriedProposal): Promise<AskedHosts> {
  return askThese({ deps, order, ...(proposal === undefined ? {} : { proposal }) }, order.hostIds, []);
}

interface Question {
  readonly deps: CommandDeps;
  readonly order: Order;
  readonly proposal?: CarriedProposal | undefined;
}

async function askThese(
  question: Question,
  hostIds: readonly string[],
  before: readonly Answer[],
): Promise<AskedHosts> {
  const { deps, order, proposal } = question;
  const asking = await startAsking(deps);
  const outcomes = await Promise.all(hostIds.map((hostId) => askOne(asking, question, hostId)));
  const answers = [...before, ...outcomes.flatMap((one) => (one.ok ? [one.answer] : []))];
  const unanswered = outcomes.flatMap((one) => (one.ok ? [] : [one.host]));
  const answered = await Promise.all(answers.map(({ prepared }) => namedHost(asking, prepared.host)));
  return {
    answered,
    unanswered,
    mayLeaveOut: proposal === undefined,
    askAgain: () => {
      // Another trust head or session key kills what was answered before: then everybody is asked again.
      const isSame = deps.trust.state.value === asking.state && deps.keys.session.value === asking.session;
      const missing = unanswered.map(({ id }) => id);
      return isSame ? askThese(question, missing, answers) : askThese(question, order.hostIds, []);
    },
    command: () => prepareOrder(asking, question, { answers, answered }),
  };
}

async function askOne(asking: Asking, { order, proposal }: Question, hostId: string): Promise<Outcome> {
  try {
    const answer = await askHost(asking, { operation: order.operation, hostId });
    const changed = proposal?.stillSo(answer);
    if (changed !== undefined) throw new TroubleError(changed);
    expectOf(order.operation, answer.prepared, pinnedBy({ order, proposal }, hostId));
    return { ok: true, answer };
  } catch (error) {
    return { ok: false, host: { ...(await namedHost(asking, hostId)), trouble: troubleOf(error) } };
  }
}

/** What the people before approved, else what this person's page read. */
function pinnedBy({ order, proposal }: Pick<Question, "order" | "proposal">, hostId: string): PinnedFacts | undefined {
  return proposal === undefined ? order.expect : proposal.expected(hostId);
}

interface Answered {
  readonly answers: readonly Answer[];
  /** The hosts that gave them. */
  readonly answered: readonly NamedHost[];
}

function prepareOrder(asking: Asking, { order, proposal }: Question, { answers, answered }: Answered): PreparedOrder {
  const { operation, args } = order;
  const pinned = (hostId: string) => pinnedBy({ order, proposal }, hostId);
  const carrying = proposal === undefined ? {} : { proposal };
  const intended = buildIntent(asking, { operation, args, answers, pinned, ...carrying });
  const facts = readBack(intended.bytes);
  const sessions = answers.flatMap(({ prepared }) => prepared.facts.activeSessions ?? []);
  const hostIds = facts.targets.map(({ hostId }) => hostId);
  return {
    facts,
    hosts: hostIds.flatMap((id) => answered.find((host) => host.id === id) ?? []),
    actor: actorOf(asking),
    ...(sessions.length === 0 ? {} : { activeSessions: sessions.reduce((sum, count) => sum + count, 0) }),
    approvedBefore: proposal?.approvedBefore ?? [],
    exactIntent: utf8Text(intended.bytes),
    digest: toHex(digestBytes("intent", intended.bytes)),
    challengeSecondsLeft: () => challengeSecondsLeft(intended),
    approve: (abort) => approve(intended, hostIds, abort),
    askReceipts: (ids) => Promise.all(ids.map((hostId) => askReceipt(intended, hostId))),
  };
}

async function* approve(intended: Intended, hostIds: readonly string[], abort: AbortSignal): AsyncGenerator<OrderStep> {
  yield { kind: "authenticator", secondsLeft: APPROVAL_SECONDS };
  let signed: SignedIntent;
  try {
    signed = await signIntent(intended, abort);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === CANCELLED) yield { kind: "cancelled" };
    else yield { kind: "refused", by: "page", trouble, retry: "prepare" };
    return;
  }
  yield { kind: "approved" };
  const states = new StatusFeed(intended, hostIds);
  try {
    for (const status of (await submit(intended, signed)) ?? []) states.put(status);
    yield* follow(intended, states, abort);
  } catch (error) {
    yield { kind: "refused", by: "edge", trouble: troubleOf(error), retry: "prepare" };
  } finally {
    states.stop();
  }
}

/** Until each host has ended, or nobody waits any more. One that is silent holds up none of the others. */
async function* follow(intended: Intended, states: StatusFeed, abort: AbortSignal): AsyncGenerator<HostOutcomeStep> {
  const beganMs = monotonicMs();
  let saidSilent = false;
  while (!abort.aborted && states.open.length > 0 && monotonicMs() - beganMs < GIVE_UP_AFTER_MS) {
    const status = await states.next(1_000);
    if (status !== undefined) {
      const outcome = await outcomeOf(intended, status);
      if (isOver(outcome)) states.end(status.host);
      yield step(status.host, outcome);
    }
    for (const hostId of states.open.filter((id) => states.neverGot(id))) {
      states.end(hostId);
      yield step(hostId, { kind: "refused", by: "edge", trouble: NEVER_ARRIVED });
    }
    if (!saidSilent && monotonicMs() - beganMs > SILENT_AFTER_MS) {
      saidSilent = true;
      for (const hostId of states.open) yield step(hostId, { kind: "silent" });
    }
  }
}

async function askReceipt(intended: Intended, hostId: string): Promise<HostOutcomeStep> {
  try {
    const outcome = await outcomeOf(intended, await askStatus(intended, hostId));
    return step(hostId, isOver(outcome) ? outcome : { kind: "silent" });
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    return step(hostId, { kind: "silent" }); // the edge cannot say either: nothing new is known
  }
}

function step(hostId: string, outcome: HostOutcome): HostOutcomeStep {
  return { kind: "outcome", hostId, outcome };
}
