/**
 * What `posture.cjs` does when it mends: one order from the warden, or one of the calls that timers and a start of the machine make.
 * Each runs under the one lock, and first takes back whatever a killed run left armed.
 */
import { dirname } from "node:path";
import * as v from "valibot";
import { orderSchema, type Answer, type Order } from "../posture/door.ts";
import { clearAlarm, setAlarm } from "./dead-man.ts";
import { carryOut } from "./carry-out.ts";
import { must, type Hands } from "./hands.ts";
import { endHolder, isAlive, locked, LockError, ourselves } from "./lock.ts";
import { DEAD_MAN_SECONDS } from "./planning.ts";
import { formerState, isMove } from "./move/effect-move.ts";
import { WARDEN_DROP_IN } from "./move/remedy-move.ts";
import { firstFailure, type Proof } from "./proofs.ts";
import { driftOf, fixOf, Records, type FixRecord } from "./record.ts";
import type { Stage, Waiting } from "./remedy.ts";
import { seenSignIn } from "./sign-in.ts";
import { endRecovery, takeBack } from "./take-back.ts";
import { hasSystemd, sentenceOf, type Transacting, type TransactionStep } from "./transacting.ts";
import { applyFix, keep, planFor, refuse } from "./transaction.ts";

/** A person waits for the answer. */
const LOCK_SECONDS = 20;
/** The timer waits no longer than this for one that hangs: the owner may be shut out meanwhile. */
const DEAD_MAN_LOCK_SECONDS = 5;
/** Below TimeoutStartSec of its unit. */
const DEAD_MAN_LAST_SECONDS = 240;
const LOOK_MILLISECONDS = 1_000;

export interface VerbOptions {
  readonly hands: Hands;
  readonly directory: string;
  readonly log: (line: string) => void;
  readonly afterStep?: (step: TransactionStep) => Promise<void>;
}

const NOT_ROOT = "Only root can mend this machine. Start the agent as root, or install it with clawhold host add.";

/** One order as text, one answer. */
export async function orderVerb(options: VerbOptions, text: string): Promise<Answer> {
  const order = parsed(text);
  if (order === undefined) return refuse("malformed_order", "This is no order.");
  if (!options.hands.isRoot) return refuse("not_root", NOT_ROOT);
  try {
    return await locked(options.directory, LOCK_SECONDS, async () => {
      const transacting = transactingOf(options);
      await sweepArmed(transacting);
      return obey(transacting, order);
    });
  } catch (error) {
    if (error instanceof LockError) return refuse("busy", "Another change of this machine is under way.");
    options.log(sentenceOf(error));
    return refuse("failed", sentenceOf(error));
  }
}

function parsed(text: string): Order | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = v.safeParse(orderSchema, value);
  return result.success ? result.output : undefined;
}

function transactingOf({ hands, directory, log, afterStep }: VerbOptions): Transacting {
  return { hands, records: new Records(directory), log, afterStep: afterStep ?? (() => Promise.resolve()) };
}

async function obey(transacting: Transacting, order: Order): Promise<Answer> {
  const { hands, records } = transacting;
  switch (order.verb) {
    case "plan": {
      const { plan, subject } = await planFor(transacting, order.wanted);
      return { kind: "plan", plan, subject };
    }
    case "apply":
      return applyFix(transacting, order);
    case "rollback":
      return rollbackByHand(transacting, order.fix);
    case "fixes":
      return { kind: "fixes", fixes: records.all().map((record) => fixOf(record, hands.disk)) };
  }
}

async function rollbackByHand(transacting: Transacting, fix: string): Promise<Answer> {
  const { hands, records } = transacting;
  const record = records.one(fix);
  if (record === undefined) return refuse("no_such_fix", "This machine has no such fix.");
  if (record.state === "undone" || record.state === "failed") return { kind: "unchanged" };
  const why = hindranceOf(transacting, record);
  if (why !== undefined) return why;
  const undone = await takeBack(transacting, record, { direction: "back" });
  return { kind: "fix", fix: fixOf(undone, hands.disk) };
}

/** Half of a fix is never taken back: a firewall without the port that sshd still listens on would be a closed door. */
function hindranceOf({ hands, records }: Transacting, record: FixRecord): Answer | undefined {
  const drifted = driftOf(record, hands.disk).filter(({ deed }) => record.deeds[deed ?? -1]?.undo === undefined);
  const names = drifted.map(({ path }) => path);
  const mine = new Set(record.touched.map(({ path }) => path));
  const later = records
    .all()
    .filter(({ state, fix }) => state === "applied" && fix !== record.fix)
    .find((one) => isLater(one, record) && one.touched.some(({ path }) => mine.has(path)));
  if (later !== undefined)
    return refuse("undo_later_first", `A later fix built on this one: take back ${later.fix} first.`);
  if (names.length > 0)
    return refuse("drifted", `Changed since, and left alone: ${names.join(", ")}. Undo those changes first.`);
  if (record.state === "applied" && formerState(hands, record.effects) === "gone")
    return refuse(
      "former_state_gone",
      "The former state directory is gone, or another is in its place. Put it back first, or leave the gateway where it is.",
    );
  return undefined;
}

function isLater(one: FixRecord, than: FixRecord): boolean {
  return (one.ended ?? one.at) >= (than.ended ?? than.at) && one.at >= than.at;
}

/** The timer, or somebody at the machine. Ends one that hangs while it holds the lock. */
export async function rollbackVerb(options: VerbOptions, fix: string, because: string): Promise<number> {
  const { hands, directory } = options;
  const transacting = transactingOf(options);
  const work = async (): Promise<number> => {
    const record = transacting.records.one(fix);
    if (record?.state !== "armed") return 0; // proven meanwhile, or taken back
    const isWaiting = record.waiting !== undefined && hands.now() < record.waiting.until;
    if (because === "deadman" && isWaiting) return 0;
    await takeBack(transacting, record, {
      direction: "back",
      reason: because === "window" ? "no_sign_in" : "not_proven",
    });
    return 0;
  };
  try {
    return await locked(directory, DEAD_MAN_LOCK_SECONDS, work);
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    for (const { holder } of transacting.records.armed()) endHolder(holder);
    // It fires once: whoever else holds the lock, a plan that takes long, is waited for as long as the unit may run.
    return locked(directory, DEAD_MAN_LAST_SECONDS, work);
  }
}

/** Before SSH and the network are up: files alone, their programs will read them as they start. */
export async function recoverVerb(options: VerbOptions): Promise<number> {
  const transacting = transactingOf(options);
  return locked(options.directory, LOCK_SECONDS, async () => {
    for (const record of transacting.records.armed())
      await takeBack(transacting, record, { direction: "boot", reason: "restarted" });
    endRecovery(transacting);
    return 0;
  });
}

/** What a killed run left, where there is no timer to see to it. */
export async function sweepVerb(options: VerbOptions): Promise<number> {
  return locked(options.directory, LOCK_SECONDS, async () => {
    await sweepArmed(transactingOf(options));
    return 0;
  });
}

async function sweepArmed(transacting: Transacting): Promise<void> {
  const { hands, records } = transacting;
  for (const record of records.armed()) {
    const isWaiting = record.waiting !== undefined && hands.now() < record.waiting.until;
    if (isWaiting || isAlive(record.holder)) continue;
    await takeBack(transacting, record, { direction: "back", reason: "interrupted" });
  }
}

const waitingOrder = v.custom<{ waitsFor: Waiting; closing: Stage; proofs: readonly Proof[] }>(
  (value) => typeof value === "object" && value !== null && "closing" in value,
);

/** Waits until somebody signs in over the new way, then closes the old one; else the timer takes all of it back. */
export async function watchVerb(options: VerbOptions, fix: string): Promise<number> {
  const transacting = transactingOf(options);
  const { hands, records } = transacting;
  for (;;) {
    const record = records.one(fix);
    if (record?.state !== "armed" || record.waiting === undefined) return 0;
    const { since, until, order } = record.waiting;
    if (hands.now() >= until) return rollbackVerb(options, fix, "window");
    const { waitsFor, closing, proofs } = v.parse(waitingOrder, JSON.parse(order)); // our own words, root's file
    if (await seenSignIn(hands, since, waitsFor))
      return locked(options.directory, LOCK_SECONDS, () => close(transacting, record, { closing, proofs }));
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
}

/** Under the lock, with a timer of its own: what is closed now is what the owner used until now. */
async function close(
  transacting: Transacting,
  record: FixRecord,
  { closing, proofs }: { readonly closing: Stage; readonly proofs: readonly Proof[] },
): Promise<number> {
  const { hands, records, log } = transacting;
  const { fix } = record;
  if (records.one(fix)?.state !== "armed") return 0;
  // From here on it is no longer waiting: the timer takes it back without asking.
  const { waiting: _, ...rest } = record;
  const closingRecord: FixRecord = { ...rest, holder: ourselves() };
  await setAlarm(hands, { alarm: "deadman", fix, seconds: DEAD_MAN_SECONDS, directory: records.directory });
  records.save(closingRecord);
  try {
    await carryOut(hands, closing);
    await must(hands, ["sync"], { milliseconds: 60_000 });
    const failure = await firstFailure(hands, proofs);
    if (failure !== undefined) throw new Error(failure);
  } catch (error) {
    log(`${fix}: ${sentenceOf(error)}`);
    await takeBack(transacting, closingRecord, { direction: "back", reason: "not_proven" });
    return 0;
  }
  await keep(transacting, closingRecord);
  endRecovery(transacting);
  if (hasSystemd(hands)) await clearAlarm(hands, "window", fix);
  return 0;
}

/** The warden goes: nobody would take it away. */
function removeWardenDropIn({ hands: { disk } }: Transacting): void {
  disk.remove(WARDEN_DROP_IN);
  disk.remove(dirname(WARDEN_DROP_IN));
}

/**
 * Newest first, for an uninstallation. A gateway that was moved stays where it is: its service needs nothing of ours, and the state of
 * before is as old as the move. @returns names of fixes that were left, because a person changed their files since */
export async function rollbackAll(options: VerbOptions): Promise<readonly string[]> {
  const transacting = transactingOf(options);
  return locked(options.directory, LOCK_SECONDS, async () => {
    const left: string[] = [];
    for (const record of transacting.records.all().filter(({ state }) => state === "applied" || state === "armed")) {
      if (isMove(record) && record.state === "applied") removeWardenDropIn(transacting);
      else if (hindranceOf(transacting, record) !== undefined) left.push(record.fix);
      else await takeBack(transacting, record, { direction: "back" });
    }
    return left;
  });
}
