/**
 * `npm run attack [-- --json] [--mutants N] [--seed N]`: a malicious edge with every edge secret against the running
 * agent, and strangers against the running edge. Prints what was tried, which rule refused it, and what ran (nothing).
 */
import { parseArgs } from "node:util";
import { runSuite, type SuiteReport } from "../attack/suite.ts";

const DEFAULT_MUTANTS = 2_000;

const { values } = parseArgs({
  options: { json: { type: "boolean" }, mutants: { type: "string" }, seed: { type: "string" } },
});

function whole(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name} needs a whole number`);
}

// Ends by way of `exit`, so that no agent outlives the suite.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const mutants = whole(values.mutants, "mutants") ?? DEFAULT_MUTANTS;
const seed = whole(values.seed, "seed") ?? Date.now() % 1_000_000_000;
const isJson = values.json === true;
const started = performance.now();
const report = await runSuite({ mutants, seed, say: (line) => void (isJson || console.log(line)) });
const totals = {
  attacks: add(report.classes.map((row) => row.attacks)) + add(report.layers.map((row) => row.attacks)),
  executed: add(report.classes.map((row) => row.executed)) + add(report.layers.map((row) => row.executed)),
};

if (isJson) {
  const layers = report.layers.map(({ layer, attacks, executed, executedWithoutLayer }) => ({
    layer,
    attacks,
    executed,
    executedWithoutLayer,
  }));
  console.log(JSON.stringify({ ...totals, classes: report.classes, layers }));
} else {
  print(report);
}
for (const failure of report.failures) console.error(`FAILED  ${failure}`);
process.exit(report.failures.length === 0 && totals.executed === 0 ? 0 : 1);

function add(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function print({ classes, layers }: SuiteReport): void {
  const title = "Layer (the attacker holds the other five)";
  const width = Math.max(title.length, ...classes.map((row) => row.class.length));
  console.log(`\n${"Attack".padEnd(width)}  tried  executed  refused by`);
  for (const row of classes) {
    const rules = Object.entries(row.refusedBy).toSorted(([, a], [, b]) => b - a);
    const lines = wrap(rules.map(([rule, count]) => `${rule} ${String(count)}`));
    console.log(
      `${row.class.padEnd(width)}  ${String(row.attacks).padStart(5)}  ${String(row.executed).padStart(8)}  ${lines[0] ?? ""}`,
    );
    for (const line of lines.slice(1)) console.log(`${" ".repeat(width + 19)}${line}`);
  }
  console.log(`\n${title.padEnd(width)}  tried  executed  executed without the layer`);
  for (const row of layers) {
    console.log(
      `${row.layer.padEnd(width)}  ${String(row.attacks).padStart(5)}  ${String(row.executed).padStart(8)}  ${String(row.executedWithoutLayer).padStart(26)}`,
    );
  }
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `\n${String(totals.attacks)} attacks, ${String(totals.executed)} executed. Mutants of seed ${String(seed)}. ${seconds.toFixed(0)} s.`,
  );
}

function wrap(items: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + item.length < 90) lines[lines.length - 1] = `${last}, ${item}`;
    else lines.push(item);
  }
  return lines;
}
