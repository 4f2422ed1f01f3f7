/**
 * `npm run attack [-- --json] [--mutants N] [--rounds N] [--seed N]` (or CLAWHOLD_MUTANTS=N): a malicious edge with every
 * edge secret against the running agent, and strangers against the running edge. Prints what was tried, which rule
 * refused it, and what ran (nothing).
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import type { LayerReport } from "../attack/layers.ts";
import { runSuite, type SuiteReport } from "../attack/suite.ts";
import { CHROMIUM, ensure } from "./debian.ts";

const DEFAULT_MUTANTS = 100_000;
const DEFAULT_ROUNDS = 1_000;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    mutants: { type: "string" },
    rounds: { type: "string" },
    seed: { type: "string" },
  },
});

function whole(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name} needs a whole number`);
}

// Ends by way of `exit`, so that no agent outlives the suite.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const mutants = whole(values.mutants ?? process.env["CLAWHOLD_MUTANTS"], "mutants") ?? DEFAULT_MUTANTS;
const rounds = whole(values.rounds, "rounds") ?? DEFAULT_ROUNDS;
const seed = whole(values.seed, "seed") ?? Date.now() % 1_000_000_000;
const LAYER = "Layer (the attacker holds the other five)";
const isJson = values.json === true;
const started = performance.now();
// Installing a browser talks on standard output, which belongs to the JSON.
const noChromium = isJson ? (existsSync(CHROMIUM.path) ? undefined : "it is not installed") : ensure(CHROMIUM);
if (noChromium !== undefined) console.error(`No hostile page in a real browser: ${noChromium}.`);
const hasChromium = noChromium === undefined;
const report = await runSuite({
  mutants,
  rounds,
  seed,
  hasChromium,
  say: (line) => void (isJson || console.log(line)),
});
const parts = [...report.classes, ...report.layers, ...report.checks];
const totals = { attacks: add(parts.map((row) => row.attacks)), executed: add(parts.map((row) => row.executed)) };

if (isJson) {
  const { classes, layers, checks, pages, mutation } = report;
  const { rules, constructed } = mutation;
  const hits = { rules, constructed };
  console.log(
    JSON.stringify({ ...totals, classes, layers: layers.map(brief), checks: checks.map(brief), pages, hits }),
  );
} else {
  print(report);
}
for (const failure of report.failures) console.error(`FAILED  ${failure}`);
process.exit(report.failures.length === 0 && totals.executed === 0 ? 0 : 1);

function add(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function brief({ layer, attacks, executed, executedWithoutLayer }: LayerReport): Omit<LayerReport, "results" | "idle"> {
  return { layer, attacks, executed, executedWithoutLayer };
}

function print({ classes, layers, checks, pages, mutation }: SuiteReport): void {
  const width = Math.max(...classes.map((row) => row.class.length), LAYER.length);
  console.log(`\n${"Attack".padEnd(width)}  tried   executed  refused by`);
  for (const row of classes) {
    const rules = Object.entries(row.refusedBy).toSorted(([, a], [, b]) => b - a);
    const lines = wrap(rules.map(([rule, count]) => `${rule} ${String(count)}`));
    const [tried, ran] = [String(row.attacks).padStart(6), String(row.executed).padStart(9)];
    console.log(`${row.class.padEnd(width)} ${tried}  ${ran}  ${lines[0] ?? ""}`);
    for (const line of lines.slice(1)) console.log(`${" ".repeat(width + 20)}${line}`);
  }
  printProofs(LAYER, layers, width);
  printProofs("Single check", checks, width);
  console.log(`\n${"Touches on a hostile page".padEnd(width)}  daily intents, at most  critical  statements`);
  for (const page of pages) {
    const [daily, critical, statements] = [page.daily, page.critical, page.statements].map(String);
    console.log(
      `${String(page.touches).padEnd(width)}  ${daily?.padStart(22)}  ${critical?.padStart(8)}  ${statements?.padStart(10)}`,
    );
  }
  const built = Object.entries(mutation.constructed).map(([rule, count]) => `${rule} ${String(count)}`);
  console.log(
    "\nSeal and reply keys: no operation of this version has sealed arguments; whatever carries any is malformed.",
  );
  console.log(`\nRules that mutants reached fewer than 100 times, reached by construction so often more:`);
  for (const line of wrap(built)) console.log(`  ${line}`);
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `\n${String(totals.attacks)} attacks, ${String(totals.executed)} executed. Mutants of seed ${String(seed)}. ${seconds.toFixed(0)} s.`,
  );
}

function printProofs(title: string, rows: readonly LayerReport[], width: number): void {
  console.log(`\n${title.padEnd(width)}  tried  executed  executed without it`);
  for (const row of rows) {
    const [tried, ran, without] = [row.attacks, row.executed, row.executedWithoutLayer].map(String);
    console.log(`${row.layer.padEnd(width)}  ${tried?.padStart(5)}  ${ran?.padStart(8)}  ${without?.padStart(19)}`);
  }
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
