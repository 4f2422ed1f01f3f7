/**
 * One command to one host, from question to receipt. What the dialog shows is parsed back from the exact bytes that will
 * be signed; the session key signs them, one touch approves them, and nothing is ever signed again by itself.
 */
import { toHex, utf8Text } from "../../protocol/bytes.ts";
import type { CommandStatus } from "../../protocol/contracts.ts";
import { APPROVAL_SECONDS, CHALLENGE_SECONDS } from "../../protocol/limits.ts";
import { operations } from "../../protocol/operations.ts";
import { digestBytes } from "../../protocol/signing.ts";
import type { CommandStep, IntentFacts, OperationId, PreparedCommand } from "../state/backend.ts";
import type { HostOutcome, NamedHost, OrderDetails } from "../state/orders.ts";
import { askHost, startAsking, type Answer, type Asking, type CommandDeps } from "./asking.ts";
import { monotonicMs } from "./clock.ts";
import { askStatus, NEVER_ARRIVED, outcomeOf, StatusFeed } from "./command-status.ts";
import { actorOf, buildIntent, readBack, signIntent, submit, type Intended, type SignedIntent } from "./intents.ts";
import type { SealedContent } from "./sealed-content.ts";
import { arrived } from "./late.ts";
import { CANCELLED, troubleOf } from "./trouble.ts";
import { words } from "./words.ts";

/** After this long without a word the dialog says so; the receipt may still come. */
export const SILENT_AFTER_MS = 30_000;
/** A restart is allowed to take this long before we stop asking by ourselves. */
export const GIVE_UP_AFTER_MS = 150_000;

export interface CommandOrder extends OrderDetails {
  readonly operation: OperationId;
  readonly hostId: string;
}

interface OneHost {
  readonly intended: Intended;
  readonly hostId: string;
}

/** @throws {TroubleError} when host or edge refuse, or when the answer does not verify. */
export async function prepareCommand(
  deps: CommandDeps,
  { operation, hostId, args, expect, content }: CommandOrder,
): Promise<PreparedCommand> {
  const asking = await startAsking(deps);
  const answer = await askHost(asking, { operation, hostId });
  const sealed = await sealedFor(answer, operation, content);
  const pinned = () => expect;
  const intended = buildIntent(asking, { operation, args, answers: [answer], pinned, sealed });
  const { activeSessions } = answer.prepared.facts;
  const one = { intended, hostId };
  return {
    facts: factsOf(intended.bytes),
    host: await namedHost(asking, hostId),
    actor: actorOf(asking),
    hostSays: activeSessions === undefined ? {} : { activeSessions },
    ...(sealed === undefined ? {} : { content: sealed.content }),
    exactIntent: utf8Text(intended.bytes),
    digest: toHex(digestBytes("intent", intended.bytes)),
    challengeSecondsLeft: () => challengeSecondsLeft(intended),
    approve: (abort) => approve(one, abort),
    askReceipt: () => askOnce(one),
  };
}

/** Most commands seal nothing, and need none of the code that does. */
async function sealedFor(answer: Answer, operation: OperationId, content: unknown): Promise<SealedContent | undefined> {
  if (content === undefined && !("sealed" in operations[operation])) return undefined;
  const { sealContent } = await arrived(import("./sealed-content.ts"));
  return sealContent(answer, operation, content);
}

export async function namedHost({ state }: Pick<Asking, "state">, id: string): Promise<NamedHost> {
  const host = state.hosts.get(id);
  if (host === undefined) return { id, label: id, words: [] };
  const { hostWords } = await words();
  return { id, label: host.label, words: hostWords({ hostKey: host.hostKey, workspace: state.workspace }) };
}

export function challengeSecondsLeft({ builtMs }: Intended): number {
  return Math.max(0, CHALLENGE_SECONDS - Math.ceil((monotonicMs() - builtMs) / 1000));
}

function factsOf(bytes: Uint8Array): IntentFacts {
  const { targets, ...facts } = readBack(bytes);
  const [target] = targets;
  return { ...facts, hostId: target?.hostId ?? "", expect: target?.expect ?? {} };
}

async function* approve(one: OneHost, abort: AbortSignal): AsyncGenerator<CommandStep> {
  const pressedMs = monotonicMs();
  const afterMs = () => Math.round(monotonicMs() - pressedMs);
  yield { kind: "authenticator", secondsLeft: APPROVAL_SECONDS };
  let signed: SignedIntent;
  try {
    signed = await signIntent(one.intended, abort);
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === CANCELLED) yield { kind: "cancelled" };
    else yield { kind: "refused", by: "page", trouble, retry: "prepare" };
    return;
  }
  yield { kind: "approved", afterMs: afterMs() };
  const states = new StatusFeed(one.intended, [one.hostId]);
  try {
    const first = (await submit(one.intended, signed))?.[0];
    if (first?.ledgerIndex !== undefined) yield { kind: "ledgered", afterMs: afterMs(), index: first.ledgerIndex };
    if (first !== undefined) states.put(first);
    yield* follow(one, states, { abort, afterMs });
  } catch (error) {
    yield { kind: "refused", by: "edge", trouble: troubleOf(error), retry: "prepare" };
  } finally {
    states.stop();
  }
}

async function* follow(
  { intended, hostId }: OneHost,
  states: StatusFeed,
  { abort, afterMs }: { readonly abort: AbortSignal; readonly afterMs: () => number },
): AsyncGenerator<CommandStep> {
  let saidDelivered = false;
  let saidSilent = false;
  while (!abort.aborted && afterMs() < GIVE_UP_AFTER_MS) {
    const status = await states.next(1_000);
    const outcome = status === undefined ? undefined : await outcomeOf(intended, status);
    const end = outcome === undefined ? undefined : ending(outcome, afterMs());
    if (end !== undefined) {
      yield end;
      return;
    }
    if (states.neverGot(hostId)) {
      yield { kind: "refused", by: "edge", trouble: NEVER_ARRIVED, retry: "prepare" };
      return;
    }
    if (outcome?.kind === "delivered" && !saidDelivered) {
      saidDelivered = true;
      yield { kind: "dispatched", afterMs: afterMs() };
      yield { kind: "running", afterMs: afterMs() };
    }
    if (afterMs() > SILENT_AFTER_MS && !saidSilent) {
      saidSilent = true;
      yield { kind: "silent", afterMs: afterMs() };
    }
  }
}

/** The step that ends a command, if this outcome is one. */
function ending(outcome: HostOutcome, afterMs: number): CommandStep | undefined {
  if (outcome.kind === "refused") {
    const { by, trouble } = outcome;
    return { kind: "refused", by, trouble, retry: by === "page" ? "none" : "prepare" };
  }
  if (outcome.kind !== "receipt") return undefined;
  const { receipt } = outcome;
  return { kind: "receipt", afterMs, receipt, retry: receipt.verdict === "executed" ? "none" : "prepare" };
}

async function askOnce({ intended, hostId }: OneHost): Promise<CommandStep> {
  const status: CommandStatus = await askStatus(intended, hostId);
  return ending(await outcomeOf(intended, status), 0) ?? { kind: "silent", afterMs: 0 };
}
