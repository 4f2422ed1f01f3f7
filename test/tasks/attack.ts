/**
 * `npm run attack` (`-- --help` lists the options): a malicious edge with every edge secret against the running agent, and
 * strangers against the running edge, in one of the three deployments. Prints what was tried, which rule refused it, and
 * what ran (nothing).
 */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { DEPLOYMENTS, deploymentOf } from "../attack/deployment.ts";
import type { LayerReport } from "../attack/layers.ts";
import { runSuite, type SuiteReport } from "../attack/suite.ts";
import { CHROMIUM, ensure } from "./debian.ts";

const DEFAULT_MUTANTS = 100_000;
const DEFAULT_ROUNDS = 1_000;
/** The rules are the same there; what differs is the way to them. */
const MUTANTS_ELSEWHERE = 8_000;
const MUTANTS_ELSEWHERE_SHORT = 2_000;
const ROUNDS_ELSEWHERE = 20;
/** Within the time of npm test; rules that so few reach seldom are reached by construction. */
const MUTANTS_SHORT = 20_000;
const ROUNDS_SHORT = 200;

const HELP = `npm run attack -- [options]

  --deployment NAME  local (by default), vpn: the edge on another address, its dashboard under a name and for browsers with
                     a certificate; cloud: the Worker as it is deployed, Access and Cloudflare played by the test
  --short            what npm test runs. Here: every attack, with ${String(MUTANTS_SHORT)} mutants and ${String(ROUNDS_SHORT)} rounds. In another
                     deployment: only what the connection decides (servers, welcomes, replays, splices, the first two
                     layers, hostile pages of up to 3 touches without a browser, the doors)
  --mutants N        mutants at the rules, one in forty more at the running agent (default ${String(DEFAULT_MUTANTS)};
                     ${String(MUTANTS_ELSEWHERE)} in another deployment, at the agent only). Or CLAWHOLD_MUTANTS=N
  --rounds N         how often two operators command at the same time (default ${String(DEFAULT_ROUNDS)}; elsewhere ${String(ROUNDS_ELSEWHERE)})
  --seed N           the same mutants again
  --json             one line: attacks, executed, deployment, classes, layers, checks, secondTries

What only waits, the mutants at the rules, the single checks and the teams are the same everywhere: they run with local.
An attack that came to something unexpected while nothing ran is tried once more, and named. What ran is never tried again.
`;

const { values } = parseArgs({
  options: {
    deployment: { type: "string", default: "local" },
    short: { type: "boolean" },
    help: { type: "boolean" },
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

if (values.help === true) {
  console.log(HELP);
  process.exit(0);
}
const deployment = deploymentOf(values.deployment);
if (deployment === undefined) throw new TypeError(`--deployment is one of ${DEPLOYMENTS.join(", ")}`);
const isLocal = deployment === "local";
const isShort = values.short === true;

// Ends by way of `exit`, so that no agent outlives the suite.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const here = isShort ? [MUTANTS_SHORT, ROUNDS_SHORT] : [DEFAULT_MUTANTS, DEFAULT_ROUNDS];
const elsewhere = [isShort ? MUTANTS_ELSEWHERE_SHORT : MUTANTS_ELSEWHERE, ROUNDS_ELSEWHERE];
const [usualMutants = 0, usualRounds = 0] = isLocal ? here : elsewhere;
/** Elsewhere the short form leaves attacks out. */
const isConnectionOnly = isShort && !isLocal;
const mutants = whole(values.mutants ?? process.env["CLAWHOLD_MUTANTS"], "mutants") ?? usualMutants;
const rounds = whole(values.rounds, "rounds") ?? usualRounds;
const seed = whole(values.seed, "seed") ?? Date.now() % 1_000_000_000;
const LAYER = "Layer (the attacker holds the other five)";
const isJson = values.json === true;
const started = performance.now();
// Installing a browser talks on standard output, which belongs to the JSON.
const noChromium = isConnectionOnly
  ? undefined
  : isJson
    ? existsSync(CHROMIUM.path)
      ? undefined
      : "it is not installed"
    : ensure(CHROMIUM);
if (noChromium !== undefined) console.error(`No hostile page in a real browser: ${noChromium}.`);
const hasChromium = !isConnectionOnly && noChromium === undefined;
const report = await runSuite({
  deployment,
  isShort: isConnectionOnly,
  mutants,
  rounds,
  seed,
  hasChromium,
  say: (line) => void (isJson || console.log(line)),
});
const parts = [...report.classes, ...report.layers, ...report.checks];
const totals = { attacks: add(parts.map((row) => row.attacks)), executed: add(parts.map((row) => row.executed)) };

if (isJson) {
  const { classes, layers, checks, pages, mutation, secondTries } = report;
  const hits = mutation === undefined ? {} : { rules: mutation.rules, constructed: mutation.constructed };
  const proofs = { layers: layers.map(brief), checks: checks.map(brief) };
  console.log(JSON.stringify({ ...totals, deployment, classes, ...proofs, pages, hits, secondTries }));
} else {
  print(report);
}
for (const again of report.secondTries) console.error(`Second try  ${again}`);
for (const failure of report.failures) console.error(`FAILED  ${failure}`);
process.exit(report.failures.length === 0 && totals.executed === 0 ? 0 : 1);

function add(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function brief({
  layer,
  attacks,
  executed,
  executedWithoutLayer,
}: LayerReport): Omit<LayerReport, "results" | "idle" | "late"> {
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
  if (checks.length > 0) printProofs("Single check", checks, width);
  console.log(`\n${"Touches on a hostile page".padEnd(width)}  daily intents, at most  critical  statements`);
  for (const page of pages) {
    const [daily, critical, statements] = [page.daily, page.critical, page.statements].map(String);
    console.log(
      `${String(page.touches).padEnd(width)}  ${daily?.padStart(22)}  ${critical?.padStart(8)}  ${statements?.padStart(10)}`,
    );
  }
  if (mutation !== undefined) printHits(mutation);
  const seconds = (performance.now() - started) / 1_000;
  console.log(
    `\n${deployment}: ${String(totals.attacks)} attacks, ${String(totals.executed)} executed. Mutants of seed ${String(seed)}. ${seconds.toFixed(0)} s.`,
  );
}

function printHits(mutation: NonNullable<SuiteReport["mutation"]>): void {
  const built = Object.entries(mutation.constructed).map(([rule, count]) => `${rule} ${String(count)}`);
  console.log(`\nRules that mutants reached fewer than 100 times, reached by construction so often more:`);
  for (const line of wrap(built)) console.log(`  ${line}`);
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
