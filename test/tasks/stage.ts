/** What a stage of a task is: a command, or a vitest run that is counted. run-stages.ts runs them. */
import { spawn, type StdioOptions } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { RECORD_VARIABLE, type Failure, type RunRecord } from "./record.ts";
import { filesToTryAgain, isGreen, together } from "./second-run.ts";

export const root = path.resolve(import.meta.dirname, "../..");
const results = path.join(root, ".cache", "results");

/** Where a stage talks: to the terminal, or into an open file when others run at the same time. */
export type Output = "inherit" | number;

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Ran {
  readonly ok: boolean;
  readonly counts: Counts;
  readonly skippedTests?: readonly string[];
  /** What failed first and passed then. */
  readonly forgiven?: readonly Failure[];
  /** What failed once more, when nothing else runs; its result stands for both. */
  readonly again?: (output: Output) => Promise<Ran>;
}

export type StageResult = Ran | { readonly skipped: string };

export interface Stage {
  readonly name: string;
  run(output: Output): Promise<StageResult>;
}

export interface Options {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /**
   * For what starts processes, sockets or browsers and may stumble over a busy machine. Never for tests that compute: one
   * that is sometimes red has found something.
   */
  readonly mayStumble?: boolean;
}

/** A file under node_modules, run by the Node that runs this. */
export function tool(...parts: readonly string[]): string {
  return path.join(root, "node_modules", ...parts);
}

interface Run {
  readonly env?: Readonly<Record<string, string>>;
  readonly output?: Output;
}

/** Runs a script with this Node. Resolves to the exit code. */
export function runNode(args: readonly string[], { env = {}, output = "inherit" }: Run = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const input = output === "inherit" ? "inherit" : "ignore";
    const stdio: StdioOptions = [input, output, output];
    const child = spawn(process.execPath, args, { cwd: root, stdio, env: { ...process.env, ...env } });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

/** A vitest run with its own configuration. */
export function vitest(name: string, config: string, options: Options = {}): Stage {
  return { name, run: (output) => runVitest({ name, config, options }, output) };
}

interface Suite {
  readonly name: string;
  readonly config: string;
  readonly options: Options;
}

async function runVitest(suite: Suite, output: Output): Promise<Ran> {
  const { code, record } = await recorded(suite, [], output);
  if (record === undefined) return { ok: false, counts: { passed: 0, failed: 1, skipped: 0 } };
  const ran = { ok: code === 0 && isGreen(record), ...countsOf(record) };
  const files = suite.options.mayStumble === true && !ran.ok ? filesToTryAgain(record) : [];
  if (files.length === 0) return ran;
  return {
    ...ran,
    async again(to) {
      const { code: secondCode, record: second } = await recorded(suite, files, to);
      if (second === undefined) return ran;
      const { record: both, forgiven } = together(record, second);
      return { ok: secondCode === 0 && isGreen(both), ...countsOf(both), forgiven };
    },
  };
}

/** `files`: all of the suite when empty. No record when vitest itself ended early. */
async function recorded({ name, config, options }: Suite, files: readonly string[], output: Output) {
  mkdirSync(results, { recursive: true });
  const file = path.join(results, `${name.replaceAll(/\W+/g, "-")}.json`);
  rmSync(file, { force: true }); // the record of an earlier run says nothing about this one
  const { args = [], env = {} } = options;
  const reporters = ["--reporter=default", `--reporter=${path.join(root, "test", "tasks", "record.ts")}`];
  const all = [tool("vitest", "vitest.mjs"), "run", "--config", config, ...reporters, ...args, ...files];
  const code = await runNode(all, { env: { ...env, [RECORD_VARIABLE]: file }, output });
  const record = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as RunRecord) : undefined;
  return { code, record };
}

function countsOf({ files }: RunRecord): { readonly counts: Counts; readonly skippedTests: readonly string[] } {
  const add = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0);
  const skippedTests = files.flatMap(({ skipped }) => skipped);
  const passed = add(files.map((file) => file.passed));
  const failed = add(files.map(({ failures }) => failures.length));
  return { counts: { passed, failed, skipped: skippedTests.length }, skippedTests };
}

/** A command that passes or fails as a whole. */
export function command(name: string, args: readonly string[], { env = {}, mayStumble }: Options = {}): Stage {
  const once = async (output: Output): Promise<Ran & { readonly code: number }> => {
    const code = await runNode(args, { env, output });
    const ok = code === 0;
    return { ok, code, counts: { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 } };
  };
  return {
    name,
    async run(output) {
      const first = await once(output);
      if (first.ok || mayStumble !== true) return first;
      const failure = { test: name, error: `ended with code ${String(first.code)}; its output is above` };
      const again = async (to: Output): Promise<Ran> => {
        const second = await once(to);
        return second.ok ? { ...second, forgiven: [failure] } : second;
      };
      return { ...first, again };
    },
  };
}
