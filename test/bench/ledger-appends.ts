/**
 * Appends, each a call of its own, to the real object in a real workerd: a hundred callers at once against the same call
 * and grouping without hashing, triggers and tree; one after the other against a bare insert. And the rows that D1 counts.
 */
import { LedgerRig } from "../e2e/ledger/rig.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { percentile, row, type Row } from "./bench.ts";
import { processorMs } from "./processes.ts";

const WARM_UP = 2_000;
/** In turn, so that whatever else the machine does befalls all alike. */
const ROUNDS = 12;
const AT_ONCE = 100;
const APPENDS_A_ROUND = 1_000;
const SINGLES_A_ROUND = 40;
/** Throughput of at least three quarters, said as time. */
const THROUGHPUT_TARGET = 1 / 0.75;
const SINGLE_TARGET = 1.3;

const doors = ["ledger", "plain", "raw"] as const;
type Door = (typeof doors)[number];

const workspace = nonceOf("bench");

interface Load {
  readonly total: number;
  readonly atOnce: number;
}

/** Of one append, milliseconds. */
interface Taken {
  readonly time: number;
  /** Of the runtime's processor: another program's load changes it little. */
  readonly processor: number;
}

async function taken(rig: LedgerRig, door: Door, load: Load): Promise<Taken> {
  const before = processorMs(rig.pid);
  const started = performance.now();
  await rig.ask(`/load/${door}`, { workspace, ...load });
  const time = (performance.now() - started) / load.total;
  return { time, processor: (processorMs(rig.pid) - before) / load.total };
}

async function measure(rig: LedgerRig, load: Load): Promise<Record<Door, Taken>> {
  const all: Record<Door, Taken[]> = { ledger: [], plain: [], raw: [] };
  for (let i = 0; i < ROUNDS; i++) for (const door of doors) all[door].push(await taken(rig, door, load));
  const middle = (door: Door): Taken => ({
    time: percentile(
      all[door].map(({ time }) => time),
      0.5,
    ),
    // Ticks are coarse: the mean of all rounds, not the middle one.
    processor: all[door].reduce((sum, { processor }) => sum + processor, 0) / ROUNDS,
  });
  return { ledger: middle("ledger"), plain: middle("plain"), raw: middle("raw") };
}

export async function appends(): Promise<readonly Row[]> {
  const rig = await LedgerRig.start();
  try {
    for (const door of doors) await taken(rig, door, { total: WARM_UP, atOnce: AT_ONCE });
    const many = await measure(rig, { total: APPENDS_A_ROUND, atOnce: AT_ONCE });
    const single = await measure(rig, { total: SINGLES_A_ROUND, atOnce: 1 });
    const checkpointed = await checkpointTime(rig);
    return [
      row({
        name: `append, ${AT_ONCE} at once`,
        value: many.ledger.time,
        unit: "ms",
        baseline: { name: "same call and grouping, nothing hashed", value: many.plain.time },
        target: THROUGHPUT_TARGET,
      }),
      row({
        name: "the same",
        value: many.ledger.time,
        unit: "ms",
        baseline: { name: `bare D1 batches of ${AT_ONCE}`, value: many.raw.time },
      }),
      row({ name: "appends in a second", value: 1_000 / many.ledger.time, unit: "" }),
      row({
        name: `processor time, ${AT_ONCE} at once`,
        value: many.ledger.processor,
        unit: "ms an append",
        baseline: { name: "nothing hashed", value: many.plain.processor },
      }),
      row({
        name: "single append p50",
        value: single.ledger.time,
        unit: "ms",
        baseline: { name: "one bare D1 insert", value: single.raw.time },
        target: SINGLE_TARGET,
      }),
      row({
        name: "the same",
        value: single.ledger.time,
        unit: "ms",
        baseline: { name: "same call, nothing hashed", value: single.plain.time },
      }),
      checkpointed,
      row({
        name: "database rows of a command",
        value: await rig.ask<number>("/rows", { workspace: nonceOf("rows of a command") }),
        unit: "rows",
      }),
    ];
  } finally {
    await rig.stop();
  }
}

/** Tree, signature and rows, off the path of appends. */
async function checkpointTime(rig: LedgerRig): Promise<Row> {
  await rig.ask("/checkpoint", { workspace });
  await taken(rig, "ledger", { total: APPENDS_A_ROUND, atOnce: AT_ONCE });
  const started = performance.now();
  const { ok } = await rig.ask<{ readonly ok: boolean }>("/checkpoint", { workspace });
  const value = performance.now() - started;
  if (!ok) throw new Error("nothing was signed");
  return row({ name: `checkpoint over ${APPENDS_A_ROUND} entries`, value, unit: "ms" });
}
