/** One run from its first command to its verdict. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fromBase64url } from "../../../protocol/bytes.ts";
import type { CommandStatus, HostRow } from "../../../protocol/contracts.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { receiptOf } from "../../e2e/operator.ts";
import { readJournal, readLedger } from "./books.ts";
import { startFaults, type Pace } from "./faults.ts";
import type { History, JudgedCommand, Ledger } from "./judge.ts";
import { randomOf } from "./random.ts";
import { look, outageOf, startStream, type Command } from "./stream.ts";
import type { Town } from "./town.ts";

/** Faults have ended: a tunnel is back, and a command has its end, within this. The longest back-off is 45 seconds. */
const SETTLE_MILLISECONDS = 100_000;
const LOOK_MILLISECONDS = 250;

export interface RunPlan {
  readonly town: Town;
  readonly seed: number;
  /** Of faults. */
  readonly milliseconds: number;
  readonly pace: Pace;
}

export interface Run {
  readonly history: History;
  readonly commands: readonly Command[];
  readonly faults: ReadonlyMap<string, number>;
  readonly outages: ReadonlyMap<string, number>;
  readonly packets: Readonly<Record<string, number>>;
  /** What the edge logged as errors, by code. */
  readonly errors: ReadonlyMap<string, number>;
  /** Ends of processes that no fault asked for. */
  readonly ends: readonly string[];
  /** From the last fault to every tunnel up and every command ended. */
  readonly settledMilliseconds: number;
}

export async function run({ town, seed, milliseconds, pace }: RunPlan): Promise<Run> {
  const { operator, machines, network, edge } = town;
  const random = randomOf(seed);
  await green(town, new Map());
  const stream = startStream({ operator, hosts: machines.map(({ host }) => host), random: random.fork() });
  const faults = startFaults(town, random.fork(), pace);
  await wait(milliseconds);
  await faults.stop();
  const calm = performance.now();
  await stream.stop();
  const outages = new Map<string, number>();
  const away = await green(town, outages);
  const unknown = await settle(town, stream.commands, { until: calm + SETTLE_MILLISECONDS, outages });
  const ledger = await settledLedger(town, stream.commands, calm + SETTLE_MILLISECONDS);
  const settledMilliseconds = performance.now() - calm;
  const packets = await network.counts();
  for (const machine of machines) await machine.halt();
  return {
    history: {
      commands: stream.commands.map((command) => judged(command, !unknown.has(command))),
      ledger,
      journals: journalsOf(town),
      effects: machines.map(({ host, effects }) => ({ host, ...effects })),
      away,
    },
    commands: stream.commands,
    faults: faults.struck,
    outages: stream.outages,
    packets,
    errors: edge.errors,
    ends: [
      ...edge.ends.map((end) => `edge ${end}`),
      ...machines.flatMap((m) => m.ends.map((end) => `${m.name} ${end}`)),
    ],
    settledMilliseconds,
  };
}

/** Waits until every host is connected, as the page says it; the labels of those that are not in the end. */
async function green({ operator, machines }: Town, outages: Map<string, number>): Promise<readonly string[]> {
  const until = performance.now() + SETTLE_MILLISECONDS;
  let away: readonly string[] = [];
  while (performance.now() < until) {
    try {
      const { hosts } = (await operator.call("hosts")) as { hosts: HostRow[] };
      away = hosts.filter(({ connected }) => !connected).map(({ label }) => label);
      if (away.length === 0 && hosts.length === machines.length + 1) return [];
    } catch (error) {
      const code = outageOf(error);
      outages.set(code, (outages.get(code) ?? 0) + 1);
    }
    await wait(LOOK_MILLISECONDS);
  }
  return away;
}

/** Asks for every command until it has an end, or the edge says that it never came; those are the answer. */
async function settle(
  { operator }: Town,
  commands: readonly Command[],
  { until, outages }: { readonly until: number; readonly outages: Map<string, number> },
): Promise<ReadonlySet<Command>> {
  const unknown = new Set<Command>();
  for (const command of commands) {
    for (;;) {
      const isKnown = await look(operator, command, outages);
      if (isKnown === false) unknown.add(command);
      // A word about its end may be the last that was heard before: this look is what the page says now.
      if (isKnown === false || (isKnown === true && command.last !== undefined)) break;
      if (performance.now() > until) break;
      await wait(LOOK_MILLISECONDS);
    }
  }
  return unknown;
}

/** A receipt stands in its host's outbox before it stands in the ledger. */
async function settledLedger({ operator }: Town, commands: readonly Command[], until: number): Promise<Ledger> {
  for (;;) {
    const ledger = await readLedger(operator);
    const there = new Set(ledger.receipts.map(({ digest }) => digest));
    const isWhole = commands.every(({ last }) => {
      const digest = last === undefined ? undefined : receiptDigest(last);
      return digest === undefined || there.has(digest);
    });
    if (isWhole || ledger.fault !== undefined || performance.now() > until) return ledger;
    await wait(LOOK_MILLISECONDS);
  }
}

function journalsOf({ machines }: Town): History["journals"] {
  const aside = mkdtempSync(path.join(tmpdir(), "clawhold-chaos-journals-"));
  try {
    return machines.map(({ host, directory }) => readJournal(host, directory, aside));
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function judged(command: Command, isKnown: boolean): JudgedCommand {
  const { sent, host, operation, boot, acknowledged, isDenied, first, last } = command;
  return {
    intent: sent.digest,
    host,
    operation,
    boot,
    acknowledged,
    isDenied,
    first: endOf(first),
    last: endOf(last),
    receipt: last === undefined ? undefined : receiptDigest(last),
    isKnown,
  };
}

/** For the table: how a command ended, in words. */
export function endOf(status: CommandStatus | undefined): string | undefined {
  if (status === undefined) return undefined;
  const receipt = receiptOf(status);
  if (receipt === undefined) return `refused unsigned: ${status.code ?? ""}`;
  return receipt.code === undefined ? receipt.verdict : `${receipt.verdict}: ${receipt.code}`;
}

function receiptDigest({ receipt }: CommandStatus): string | undefined {
  return receipt === undefined ? undefined : digestOf("receipt", fromBase64url(receipt.body));
}
