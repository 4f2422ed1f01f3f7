/**
 * A vitest reporter that writes down what a run came to, for stage.ts: counts, what failed with the first line of why, and
 * the errors that belong to no test. May not decide anything.
 */
import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Where the record goes. */
export const RECORD_VARIABLE = "CLAWHOLD_TEST_RECORD";

export interface Failure {
  readonly test: string;
  /** First line of its first error. */
  readonly error: string;
}

export interface FileRecord {
  readonly path: string;
  readonly isFailed: boolean;
  readonly seconds: number;
  readonly passed: number;
  readonly failures: readonly Failure[];
  readonly skipped: readonly string[];
}

export interface RunRecord {
  readonly files: readonly FileRecord[];
  /** First lines of errors that no test caused, as far as vitest could tell. */
  readonly unhandled: readonly string[];
}

function firstLine(errors: readonly { readonly message: string }[] = []): string {
  return errors[0]?.message.split("\n", 1)[0] ?? "no error was said";
}

function recordOf(module: TestModule): FileRecord {
  const tests = [...module.children.allTests()];
  // A hook that fails has no test of its own, and the tests below it count as skipped.
  const groups = [module, ...module.children.allSuites()].filter((group) => group.errors().length > 0);
  const ofGroups = groups.map((group) => ({
    test: group.type === "module" ? group.relativeModuleId : group.fullName,
    error: firstLine(group.errors()),
  }));
  const failed = tests.filter((test) => test.result().state === "failed");
  const ofTests = failed.map((test) => ({ test: test.fullName, error: firstLine(test.result().errors) }));
  const { collectDuration, setupDuration, duration } = module.diagnostic();
  return {
    path: module.moduleId,
    isFailed: !module.ok(),
    seconds: (collectDuration + setupDuration + duration) / 1_000,
    passed: tests.filter((test) => test.result().state === "passed").length,
    failures: [...ofTests, ...ofGroups],
    skipped: tests.filter((test) => test.result().state === "skipped").map((test) => test.fullName),
  };
}

export default class Recorder implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const file = process.env[RECORD_VARIABLE];
    if (file === undefined) throw new TypeError(`record: ${RECORD_VARIABLE} names no file`);
    const record: RunRecord = {
      files: modules.map(recordOf),
      unhandled: errors.map((error) => firstLine([error])),
    };
    writeFileSync(file, JSON.stringify(record));
  }
}
