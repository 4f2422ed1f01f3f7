/**
 * Appends, each a call of its own, to the real object in a real workerd: a hundred callers at once against the same call
 * and grouping without hashing, triggers and tree; one after the other against a bare insert. And the rows that D1 counts.
 */
import { LedgerRig } from "../e2e/ledger/rig.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { percentile, row, type Row } from "./bench.ts";

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

/** Milliseconds for each append. */
async function taken(rig: LedgerRig, door: Door, load: { total: number; atOnce: number }): Promise<number> {
  const started = performance.now();
  await rig.ask(`/load/${door}`, { workspace, ...load });
  return (performance.now() - started) / load.total;
}

async function measure(rig: LedgerRig, load: { total: number; atOnce: number }): Promise<Record<Door, number>> {
  const all: Record<Door, number[]> = { ledger: [], plain: [], raw: [] };
  for (let i = 0; i < ROUNDS; i++) for (const door of doors) all[door].push(await taken(rig, door, load));
  return { ledger: percentile(all.ledger, 0.5), plain: percentile(all.plain, 0.5), raw: percentile(all.raw, 0.5) };
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
        value: many.ledger,
        unit: "ms",
        baseline: { name: "same call and grouping, nothing hashed", value: many.plain },
        target: THROUGHPUT_TARGET,
      }),
      row({
        name: "the same",
        value: many.ledger,
        unit: "ms",
        baseline: { name: `bare D1 batches of ${AT_ONCE}`, value: many.raw },
      }),
      row({ name: "appends in a second", value: 1_000 / many.ledger, unit: "" }),
      row({
        name: "single append p50",
        value: single.ledger,
        unit: "ms",
        baseline: { name: "one bare D1 insert", value: single.raw },
        target: SINGLE_TARGET,
      }),
      row({
        name: "the same",
        value: single.ledger,
        unit: "ms",
        baseline: { name: "same call, nothing hashed", value: single.plain },
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
