/**
 * SIGKILL of workerd, the agent and the front at each named step of a command, against a real gateway that outlives
 * them all. Restarts are counted by the gateway's boot ids: never two for one intent, and every intent ends in a word of
 * the host that is true. CLAWHOLD_CRASH_ROUNDS=N does all of it N times, each kill up to 50 ms later than its line.
 */
import { randomInt } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Receipt } from "../../protocol/messages.ts";
import type { OperationName } from "../../protocol/operations.ts";
import { victims, type Victim } from "./crash/processes.ts";
import { Record } from "./crash/record.ts";
import { tableOf, type Ended } from "./crash/tally.ts";
import { CrashTown, isOutage } from "./crash/town.ts";
import { receiptOf, type Sent } from "./operator.ts";

const ROUNDS = Number(process.env["CLAWHOLD_CRASH_ROUNDS"] ?? "0");
if (!Number.isSafeInteger(ROUNDS) || ROUNDS < 0)
  throw new RangeError("CLAWHOLD_CRASH_ROUNDS is not a number of rounds");
const MAX_DELAY_MILLISECONDS = 50;
/** From the request to the new boot, as a rule. */
const RESTART_MILLISECONDS = 6_000;
const RECORD_LOOK_MILLISECONDS = 100;

const RESTART: OperationName = "gateway.restart@1";
/**
 * `signed` is between the host's answer and the submission, while a person would read, and `restarting` while the host
 * waits for the new boot: neither says a line.
 */
const steps = [
  { step: "prepared", operation: RESTART },
  { step: "signed", operation: "host.check@1" },
  { step: "ledgered", operation: RESTART },
  { step: "dispatched", operation: RESTART },
  { step: "journaled", operation: RESTART },
  { step: "executing", operation: RESTART },
  // The gateway is down, or about to be: the act is out in the world and its end is not written anywhere.
  { step: "restarting", operation: RESTART },
  { step: "receipted", operation: RESTART },
  // The host has signed that it will not: what the intent expects is no longer so.
  { step: "refused", operation: RESTART },
  // Stored in the host's object, perhaps not yet in the ledger: nothing runs any more.
  { step: "receipt-stored", operation: "host.check@1" },
] as const satisfies readonly { step: string; operation: OperationName }[];
type Step = (typeof steps)[number]["step"];

interface Case {
  readonly step: Step;
  readonly operation: OperationName;
  readonly victim: Victim;
  readonly round: number;
}

interface Restarted {
  readonly before: string;
  readonly after: string;
  readonly restarts: number;
}

interface Killed {
  readonly sent: Sent;
  readonly reached: string;
}

// The front last: a new `up` starts the pauses of its children from the shortest again.
const cases: readonly Case[] = Array.from({ length: Math.max(ROUNDS, 1) }, (_, round) =>
  steps.flatMap((each) => victims.map((victim) => ({ ...each, victim, round }))),
).flat();

describe("every intent ends once, whoever is killed when", () => {
  let town: CrashTown;
  let record: Record;
  const ended: Ended[] = [];
  /** Of commands that nobody was killed for. */
  let restartsBeside = 0;

  beforeAll(async () => {
    town = await CrashTown.start();
    record = new Record(town.operator, town.host);
  }, 300_000);

  afterAll(async () => {
    console.log(tableOf(ended));
    await town?.stop();
  }, 120_000);

  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.log(town.lastLines.join("\n"));
  });

  it.each(cases)("$victim at $step, round $round", async (one) => {
    await town.ready();
    const prepared = one.step === "refused" ? await outdated(one.operation) : undefined;
    const before = await town.ready();
    const place = town.boots.seen.length;
    const { sent, reached } = await commandWithKill(one, prepared);

    const { status, resubmitted, wasLost } = await town.follow(sent, async () => {
      await record.read();
      return record.about(sent.digest, "command.accepted").length > 0;
    });
    const receipt = receiptOf(status);
    const verdict = receipt?.verdict ?? "refused unsigned";
    expect(["executed", "failed", "interrupted", "refused", "refused unsigned"]).toContain(verdict);

    // The same bytes a second time: the same answer, and nothing runs.
    const again = await town.operator.submit(sent);
    expect(again.state).toBe(status.state);
    expect(again.receipt).toEqual(status.receipt);

    // Whoever was cut off in the middle may have asked already: the gateway is given the time to show it.
    const isOpen = verdict === "interrupted" || verdict === "failed";
    const after = isOpen ? await town.boots.settled() : await town.boots.ready();
    const restarts = town.boots.seen.length - place;
    const code = receipt?.code ?? status.code;
    const wasEarly = verdict === "interrupted" && restarts > 0 && receipt?.observed.gatewayBootAfter === before;
    ended.push({
      step: one.step,
      victim: one.victim,
      verdict,
      code,
      restarts,
      resubmitted,
      wasLost,
      wasEarly,
      reached,
    });
    expect(restarts).toBeLessThanOrEqual(1);
    expect(wasLost).toBe(false);
    if (verdict.startsWith("refused")) expect(restarts).toBe(0);

    if (receipt !== undefined && one.operation === RESTART) expectTrue(receipt, { before, after, restarts });
    await expectOnRecord(sent, status.state);
  });

  it("leaves no restart, no ledger entry and no receipt uncounted", async () => {
    await town.ready();
    await town.boots.settled();
    const restarts = ended.reduce((total, each) => total + each.restarts, restartsBeside);
    expect(town.boots.seen).toHaveLength(1 + restarts); // none came later than somebody looked
    await record.read();
    expect(record.chainFault()).toBeUndefined();
    const commands = record.entries.filter(({ action }) => action === "command.accepted");
    expect(new Set(commands.map(({ detail }) => detail.intent)).size).toBe(commands.length);
    expect(record.entries.some(({ action }) => action === "host.disconnected")).toBe(true);
  });

  /** What the receipt says was observed, against what the test saw itself. */
  function expectTrue(receipt: Receipt, { before, after, restarts }: Restarted): void {
    const { verdict, observed, ended: at } = receipt;
    if (verdict === "refused") return;
    expect(observed.gatewayBootBefore).toBe(before);
    if (verdict === "executed") {
      expect(observed.gatewayBootAfter).toBe(after);
      expect(restarts).toBe(1);
    }
    if (verdict === "interrupted") {
      expect(observed.gatewayBootAfter).toBeDefined();
      expect(town.boots.answered(observed.gatewayBootAfter ?? "", at)).toBe(true);
    }
  }

  /** Submits, and ends the victim at its step; answers with the newest step that was said before. */
  async function commandWithKill({ step, victim, operation }: Case, prepared: Sent | undefined): Promise<Killed> {
    const moment = momentOf(step);
    if (step === "prepared") {
      const killed = town.killAt({ step }, victim, moment);
      const [first, said] = await Promise.all([answerOf(town.operator.build(operation, town.host)), killed]);
      const sent = first ?? (await town.build(operation));
      await answerOf(town.operator.submit(sent));
      return { sent, reached: said.at(-1) ?? "" };
    }
    const sent = prepared ?? (await town.build(operation));
    if (step === "signed") {
      await town.killNow(victim);
      await answerOf(town.operator.submit(sent));
      return { sent, reached: step };
    }
    const line = step === "restarting" ? "executing" : step;
    const killed = town.killAt({ step: line, intent: sent.digest }, victim, moment);
    const [, said] = await Promise.all([answerOf(town.operator.submit(sent)), killed]);
    return { sent, reached: said.at(-1) ?? "" };
  }

  /** An intent for a boot of the gateway that another intent has ended since. */
  async function outdated(operation: OperationName): Promise<Sent> {
    const sent = await town.build(operation);
    const first = await town.build(operation);
    await town.operator.submit(first);
    const { status } = await town.follow(first, () => Promise.resolve(true));
    expect(receiptOf(status)?.verdict).toBe("executed");
    restartsBeside += 1;
    return sent;
  }

  function momentOf(step: Step): () => Promise<unknown> {
    if (step === "restarting")
      return ROUNDS === 0 ? () => town.boots.away() : () => wait(randomInt(RESTART_MILLISECONDS));
    return ROUNDS === 0 ? () => Promise.resolve() : () => wait(randomInt(MAX_DELAY_MILLISECONDS + 1));
  }

  /** The ledger may learn of a receipt a little after the page: an outbox carries it there. */
  async function expectOnRecord({ digest }: Sent, state: string): Promise<void> {
    const action = state === "receipted" ? "command.receipt" : "command.refused";
    await record.read();
    while (record.about(digest, action).length === 0) {
      await wait(RECORD_LOOK_MILLISECONDS);
      await record.read();
    }
    expect(record.about(digest, "command.accepted")).toHaveLength(1);
    expect(record.about(digest, "command.receipt")).toHaveLength(state === "receipted" ? 1 : 0);
    expect(record.chainFault()).toBeUndefined();
  }
});

/** The answer, or undefined when whoever should have given it was killed. */
async function answerOf<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isOutage(error)) return undefined;
    throw error;
  }
}
