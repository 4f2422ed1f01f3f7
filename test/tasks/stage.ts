/** Stages of a task: run one after another, each says what it does, how long it took, or why it was skipped. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");
const results = path.join(root, ".cache", "results");

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export type StageResult =
  | { readonly ok: boolean; readonly counts?: Counts; readonly skippedTests?: readonly string[] }
  | { readonly skipped: string };

export interface Stage {
  readonly name: string;
  run(): Promise<StageResult>;
}

/** A file under node_modules, run by the Node that runs this. */
export function tool(...parts: readonly string[]): string {
  return path.join(root, "node_modules", ...parts);
}

/** Runs a script with this Node; output passes through. Resolves to the exit code. */
export function runNode(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

/** A vitest run with its own configuration, counted from its JSON report. */
export function vitest(name: string, config: string, more: readonly string[] = []): Stage {
  return {
    name,
    async run() {
      mkdirSync(results, { recursive: true });
      const report = path.join(results, `${name.replaceAll(/\W+/g, "-")}.json`);
      rmSync(report, { force: true }); // the report of an earlier run says nothing about this one
      const code = await runNode([
        tool("vitest", "vitest.mjs"),
        "run",
        "--config",
        config,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${report}`,
        ...more,
      ]);
      return { ok: code === 0, ...readReport(report) };
    },
  };
}

/** What we read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function readReport(file: string): { readonly counts: Counts; readonly skippedTests: readonly string[] } {
  if (!existsSync(file)) return { counts: { passed: 0, failed: 1, skipped: 0 }, skippedTests: [] };
  const report = JSON.parse(readFileSync(file, "utf8")) as Report;
  const { numPassedTests, numFailedTests, numPendingTests } = report;
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    counts: { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests },
    skippedTests: tests.filter(({ status }) => status === "skipped").map(({ fullName }) => fullName),
  };
}

/** A command that passes or fails as a whole. */
export function command(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Stage {
  return { name, run: async () => ({ ok: (await runNode(args, env)) === 0 }) };
}

interface Line {
  readonly name: string;
  readonly outcome: string;
  readonly seconds: number;
}

/** Runs all stages, even after a failure, prints a table and the counts, and sets the exit code. */
export async function runStages(stages: readonly Stage[]): Promise<void> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const lines: Line[] = [];
  const skippedTests: string[] = [];
  for (const stage of stages) {
    console.log(`\n── ${stage.name}`);
    const started = performance.now();
    const result = await stage.run();
    const seconds = (performance.now() - started) / 1000;
    if ("skippedTests" in result) skippedTests.push(...(result.skippedTests ?? []));
    lines.push({ name: stage.name, outcome: count(total, result), seconds });
  }
  const width = Math.max(...lines.map((line) => line.name.length));
  console.log("\nStages");
  for (const { name, outcome, seconds } of lines) {
    console.log(`  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${outcome}`);
  }
  if (skippedTests.length > 0) console.log(["\nSkipped tests", ...skippedTests.map((name) => `  ${name}`)].join("\n"));
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  if (total.failed > 0) process.exitCode = 1;
}

function count(total: Counts, result: StageResult): string {
  if ("skipped" in result) {
    total.skipped += 1;
    return `skipped: ${result.skipped}`;
  }
  const { counts = { passed: result.ok ? 1 : 0, failed: result.ok ? 0 : 1, skipped: 0 } } = result;
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  // A runner that fails without a failed test (a crash, an unhandled error) still fails.
  if (!result.ok && counts.failed === 0) total.failed += 1;
  return result.ok ? `ok (${counts.passed})` : "FAILED";
}
