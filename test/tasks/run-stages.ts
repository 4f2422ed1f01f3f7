/**
 * Runs the stages of a task, all of them even after a failure: one after another, or several at once, as many as there is
 * room for. Says what each does, how long it took or why it was skipped, what passed only at the second run, and the counts,
 * and sets the exit code.
 */
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Failure } from "./record.ts";
import { root, type Counts, type Output, type Stage, type StageResult } from "./stage.ts";

const logs = path.join(root, ".cache", "results");

/** Stages that share the machine: each begins as soon as there is room for it and what it needs is there. */
export interface Together {
  /** How much may be busy at once. */
  readonly room: number;
  readonly jobs: readonly Job[];
}

export interface Job {
  readonly stage: Stage;
  /** How much of the room it takes; 1 unless said. */
  readonly takes?: number;
  /** Jobs of the same list, by the names of their stages, that are over before this one begins. */
  readonly after?: readonly string[];
}

/** One stage, done. */
export interface Line {
  readonly name: string;
  readonly seconds: number;
  readonly result: StageResult;
}

const elapsed = (since: number): number => (performance.now() - since) / 1_000;

async function alone(stage: Stage, output: Output = "inherit"): Promise<Line> {
  const started = performance.now();
  const result = await stage.run(output);
  return { name: stage.name, seconds: elapsed(started), result };
}

/** What it says is printed whole at its end, so that nobody has to tell two apart. */
async function besideOthers(stage: Stage): Promise<Line> {
  mkdirSync(logs, { recursive: true });
  const file = path.join(logs, `${stage.name.replaceAll(/\W+/g, "-")}.log`);
  const output = openSync(file, "w");
  try {
    return await alone(stage, output);
  } finally {
    closeSync(output);
    console.log(`\n── ${stage.name}`);
    process.stdout.write(readFileSync(file));
  }
}

/** The first in the list that fits begins; so what takes long stands before what is short. @returns in the order of the list */
async function runTogether({ room, jobs }: Together): Promise<readonly Line[]> {
  const waiting = new Set(jobs);
  const done = new Map<Job, Line>();
  const running = new Map<Job, Promise<void>>();
  const isOver = (name: string): boolean => [...done.keys()].some(({ stage }) => stage.name === name);
  const free = (): number => room - [...running.keys()].reduce((sum, { takes = 1 }) => sum + takes, 0);
  const fits = ({ takes = 1, after = [] }: Job): boolean => takes <= free() && after.every(isOver);
  const begin = async (job: Job): Promise<void> => {
    done.set(job, await besideOthers(job.stage));
    running.delete(job);
  };
  while (waiting.size + running.size > 0) {
    for (let next = [...waiting].find(fits); next !== undefined; next = [...waiting].find(fits)) {
      waiting.delete(next);
      running.set(next, begin(next));
    }
    if (running.size === 0) throw new TypeError(`no room, or nothing to wait for: ${namesOf([...waiting])}`);
    await Promise.race(running.values());
  }
  return jobs.flatMap((job) => done.get(job) ?? []);
}

function namesOf(jobs: readonly Job[]): string {
  return jobs.map(({ stage }) => stage.name).join(", ");
}

async function runOne(part: Stage | Together): Promise<readonly Line[]> {
  if ("jobs" in part) {
    console.log(`\n── at the same time: ${namesOf(part.jobs)}`);
    return runTogether(part);
  }
  console.log(`\n── ${part.name}`);
  return [await alone(part)];
}

/** The second run comes when the others are done: what stumbles over them does not stumble twice. */
async function onceMore(line: Line): Promise<Line> {
  const { name, result } = line;
  if ("skipped" in result || result.again === undefined) return line;
  console.log(`\n── ${name}, what failed once more`);
  const started = performance.now();
  const second = await result.again("inherit");
  return { name, seconds: line.seconds + elapsed(started), result: second };
}

/** What became of each stage, in the order of the parts. */
export async function linesOf(parts: readonly (Stage | Together)[]): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const part of parts) for (const line of await runOne(part)) lines.push(await onceMore(line));
  return lines;
}

export async function runStages(parts: readonly (Stage | Together)[]): Promise<void> {
  const started = performance.now();
  const lines = await linesOf(parts);
  const { text, failed } = summary(lines, elapsed(started));
  console.log(text);
  if (failed > 0) process.exitCode = 1;
}

/** The table, the lists and the counts; `failed` decides the exit code. `seconds`: of all together. */
export function summary(lines: readonly Line[], seconds: number): { readonly text: string; readonly failed: number } {
  const width = Math.max(...lines.map((line) => line.name.length));
  const table = lines.map((line) => {
    return `  ${line.name.padEnd(width)}  ${line.seconds.toFixed(1).padStart(6)} s  ${outcomeOf(line.result)}`;
  });
  const ran = lines.flatMap(({ name, result }) => ("skipped" in result ? [] : [{ name, ...result }]));
  const all = lines.map(({ result }) => countsOf(result));
  const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((key) =>
    all.reduce((sum, counts) => sum + counts[key], 0),
  ) as [number, number, number];
  const skippedTests = ran.flatMap((stage) => stage.skippedTests ?? []);
  const text = [
    `\nStages, ${seconds.toFixed(0)} s together`,
    ...table,
    ...listed(
      "Skipped tests",
      skippedTests.map((name) => `  ${name}`),
    ),
    ...listed(
      "Passed only at the second run",
      ran.flatMap(({ name, forgiven = [] }) => forgiven.flatMap((one) => second(name, one))),
    ),
    `\n${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped`,
  ].join("\n");
  return { text, failed };
}

function listed(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`\n${title}`, ...items];
}

function second(stage: string, { test, error }: Failure): readonly string[] {
  return [`  ${stage}: ${test}`, `    ${error}`];
}

function countsOf(result: StageResult): Counts {
  if ("skipped" in result) return { passed: 0, failed: 0, skipped: 1 };
  const { ok, counts } = result;
  // A runner that fails without a failed test (a crash, an unhandled error) still fails.
  return !ok && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function outcomeOf(result: StageResult): string {
  if ("skipped" in result) return `skipped: ${result.skipped}`;
  const { ok, counts, forgiven = [] } = result;
  if (!ok) return "FAILED";
  return `ok (${String(counts.passed)})${forgiven.length === 0 ? "" : ", not at once"}`;
}
