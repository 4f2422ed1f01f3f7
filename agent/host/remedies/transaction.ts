/**
 * Mending as a transaction: keep what was, try it dry, set the timer, change, prove, disarm. Killed or cut off at any instant it
 * leaves the old state or the new one: the record says `armed` from before the first change until it is proven, and whatever is
 * armed is taken back by the timer, by the next start of the machine, or by the next order.
 */
import { randomBytes } from "node:crypto";
import type { Answer, Refused, Wanted } from "../posture/door.ts";
import { clearAlarm, ensureRecovery, setAlarm, startWatch } from "./dead-man.ts";
import { carryOut, install } from "./carry-out.ts";
import { touchedPaths } from "./difference.ts";
import { dryFailure } from "./dry-check.ts";
import { observe, sorted } from "./effects.ts";
import { CommandError, must, type Hands } from "./hands.ts";
import { ourselves } from "./lock.ts";
import { workFor, type Work } from "./planning.ts";
import { drawPort } from "./port.ts";
import { approveRules, readApprovedRules, touchesRules } from "./approved-rules.ts";
import { isMove, refreshWarden } from "./move/effect-move.ts";
import { firstFailure } from "./proofs.ts";
import { fixOf, type FixRecord, type Touched } from "./record.ts";
import type { Stage } from "./remedy.ts";
import { survey } from "./survey.ts";
import { endRecovery, takeBack } from "./take-back.ts";
import { hasSystemd, sentenceOf, type Transacting } from "./transacting.ts";

/** How long a person has to sign in over the new way; both ways are open meanwhile. */
export const SIGN_IN_SECONDS = 600;

export interface Applying {
  readonly wanted: Wanted;
  readonly subject: string;
  readonly author: string;
}

export const refuse = (code: string, sentence: string): Refused => ({
  kind: "refused",
  code,
  sentence: sentence.slice(0, 600),
});

export async function planFor({ hands, records }: Transacting, wanted: Wanted): Promise<Work> {
  const isMove = wanted.kind === "check" && wanted.check === "usr.dedicated";
  return workFor(wanted, await survey(hands, { ...surveyOptions(records.directory), isMove }));
}

function surveyOptions(directory: string) {
  return { freePort: drawPort(directory), approvedRules: readApprovedRules(directory)?.digest };
}

/** Under the lock. */
export async function applyFix(transacting: Transacting, applying: Applying): Promise<Answer> {
  const { hands, records } = transacting;
  const work = await planFor(transacting, applying.wanted);
  const { blocked, steps, notes } = work.plan;
  if (blocked !== undefined) return refuse(blocked, notes.join(" "));
  if (steps.length === 0) return { kind: "unchanged" };
  if (work.subject !== applying.subject)
    return refuse("plan_changed", "The machine changed since this plan was shown. Look at the plan again.");
  if (records.armed().length > 0)
    return refuse("another_armed", "Another change waits to be proven. It ends by itself within ten minutes.");
  try {
    await install(hands, work.packages);
  } catch (error) {
    return refuse("packages_failed", sentenceOf(error));
  }
  return transact(transacting, { work, author: applying.author });
}

interface Doing {
  readonly work: Work;
  readonly author: string;
}

async function transact(transacting: Transacting, { work, author }: Doing): Promise<Answer> {
  const { hands, records, afterStep } = transacting;
  const fix = `fix-${randomBytes(8).toString("hex")}`;
  let record: FixRecord;
  try {
    record = await snapshot(transacting, { fix, work, author });
    await afterStep("snapshot");
    const failure = await dryFailure(hands, work);
    if (failure !== undefined) {
      records.forget(fix);
      return refuse("dry_check_failed", failure);
    }
    await afterStep("check");
    await arm(transacting, record, work.deadManSeconds);
    await afterStep("arm");
  } catch (error) {
    // Nothing of the machine was changed yet.
    const failed = records.one(fix);
    if (failed === undefined) {
      records.forget(fix);
      endRecovery(transacting);
      // It is set before the record, which a disk may then not take.
      await disarm(hands, fix);
    } else await takeBack(transacting, failed, { direction: "back", reason: "not_armed" });
    return refuse(isFull(error) ? "disk_full" : "not_armed", sentenceOf(error));
  }
  return prove(transacting, { record, work });
}

async function prove(
  transacting: Transacting,
  { record, work }: { readonly record: FixRecord; readonly work: Work },
): Promise<Answer> {
  const { hands, afterStep, log } = transacting;
  try {
    await carryOut(hands, work.opening);
    await must(hands, ["sync"], { milliseconds: 60_000 });
    await afterStep("apply");
    const failure = await firstFailure(hands, work.proofs);
    if (failure !== undefined) throw new ProofError(failure);
    await afterStep("probe");
  } catch (error) {
    log(`${record.fix}: ${sentenceOf(error)}`);
    const reason = error instanceof ProofError ? "not_proven" : isFull(error) ? "disk_full" : "apply_failed";
    const undone = await takeBack(transacting, record, { direction: "back", reason });
    await afterStep("disarm");
    return { kind: "fix", fix: fixOf(undone, hands.disk) };
  }
  const next = work.waitsFor === undefined ? await keep(transacting, record) : await wait(transacting, record, work);
  endRecovery(transacting);
  await afterStep("disarm");
  return { kind: "fix", fix: fixOf(next, hands.disk) };
}

/** What is proven stays. The record's new word is the one instant at which the new state counts. */
export async function keep({ hands, records }: Transacting, record: FixRecord): Promise<FixRecord> {
  const { waiting: _, ...rest } = record;
  const kept: FixRecord = {
    ...rest,
    state: "applied",
    ended: hands.now(),
    touched: record.touched.map((one) => ({ ...one, after: hands.disk.state(one.path) })),
  };
  records.save(kept);
  await disarm(hands, record.fix);
  if (touchesRules(record)) await approveRules({ hands, records }, kept);
  if (isMove(record)) await refreshWarden(hands);
  return kept;
}

/** Both ways stand; somebody must come in by the new one before the old one is closed. */
async function wait({ hands, records }: Transacting, record: FixRecord, work: Work): Promise<FixRecord> {
  const order = { waitsFor: work.waitsFor, closing: work.closing, proofs: work.closingProofs };
  const waiting = { until: hands.now() + SIGN_IN_SECONDS, since: hands.now(), order: JSON.stringify(order) };
  const next: FixRecord = { ...record, waiting };
  const { directory } = records;
  await setAlarm(hands, { alarm: "window", fix: record.fix, seconds: SIGN_IN_SECONDS + 5, directory });
  records.save(next);
  await clearAlarm(hands, "deadman", record.fix);
  await startWatch(hands, record.fix, directory);
  return next;
}

async function disarm(hands: Hands, fix: string): Promise<void> {
  if (!hasSystemd(hands)) return;
  await clearAlarm(hands, "deadman", fix);
  await clearAlarm(hands, "window", fix);
}

async function arm({ hands, records }: Transacting, record: FixRecord, seconds: number): Promise<void> {
  const { directory } = records;
  if (hasSystemd(hands)) {
    ensureRecovery(hands, directory);
    await setAlarm(hands, { alarm: "deadman", fix: record.fix, seconds, directory });
  }
  records.save(record);
}

interface Snapshotting extends Doing {
  readonly fix: string;
}

/** Everything that may change, byte for byte, before anything does. */
async function snapshot({ hands, records }: Transacting, { fix, work, author }: Snapshotting): Promise<FixRecord> {
  const stages = [work.opening, work.closing];
  const deeds = stages.flatMap((stage) => stage.deeds);
  const touched = touchedPaths(stages, hands.disk).map((path, index): Touched => {
    const before = hands.disk.state(path);
    const deed = deeds.findIndex(({ touches }) => touches.includes(path));
    if (deed < 0 && isModeOnly(path, stages)) return { path, before, isModeOnly: true };
    const blob = `content-${String(index)}`;
    if (before.kind === "file") records.keep(fix, blob, hands.disk.bytes(path));
    return {
      path,
      before,
      ...(before.kind === "file" ? { blob } : {}),
      ...(deed < 0 ? {} : { deed }),
    };
  });
  const effects = [];
  for (const effect of sorted(stages.flatMap((stage) => stage.effects)))
    effects.push({ name: effect.name, of: effect.of, before: await observe(hands, effect) });
  return {
    v: 1,
    fix,
    checks: work.plan.checks,
    state: "armed",
    at: hands.now(),
    author,
    plan: work.subject,
    touched,
    deeds: deeds.map(({ undo, touches }) => ({
      touches: [...touches],
      ...(undo === undefined ? {} : { undo: [...undo] }),
    })),
    effects,
    holder: ourselves(),
    rules: (await hands.rulesDigest()) ?? "",
  };
}

function isModeOnly(path: string, stages: readonly Stage[]): boolean {
  const wanted = stages.flatMap(({ desired }) => desired).filter((one) => one.path === path);
  return wanted.length > 0 && wanted.every(({ kind }) => kind === "mode");
}

class ProofError extends Error {
  override readonly name = "ProofError";
}

function isFull(error: unknown): boolean {
  if (error instanceof CommandError) return /No space left on device/.test(error.message);
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
