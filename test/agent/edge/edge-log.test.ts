import { readFileSync, readdirSync, renameSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MAX_LOG_LINE_CHARACTERS, formatEvent, openLogFile } from "../../../agent/edge/edge-log.ts";
import { makeDirectory } from "./fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(() => directory.remove());

describe("the log", () => {
  it("does not end what is being logged when the disk is full", () => {
    const log = openLogFile("/dev/full");
    expect(() => log.write({ level: "error", code: "line", detail: "lost" })).not.toThrow();
    log.close();
  });

  it("keeps a bounded number of earlier files, each line whole in one of them", () => {
    const path = join(directory.path, "edge.log");
    const log = openLogFile(path, 400);
    for (let index = 0; index < 100; index += 1) log.write({ level: "info", code: "line", detail: `number ${index};` });
    log.close();
    const names = readdirSync(directory.path).toSorted();
    expect(names).toEqual(["edge.log", "edge.log.1", "edge.log.2", "edge.log.3", "edge.log.4"]);
    for (const name of names) {
      expect(statSync(join(directory.path, name)).size).toBeLessThanOrEqual(400);
      expect(statSync(join(directory.path, name)).mode & 0o777).toBe(0o600);
    }
    const kept = names.toReversed().map((name) => readFileSync(join(directory.path, name), "utf8"));
    const lines = kept.join("").trimEnd().split("\n");
    const numbers = lines.map((line) => Number(/number (\d+);$/.exec(line)?.[1]));
    // The newest, in order, without a gap.
    expect(numbers).toEqual(numbers.map((_, index) => 100 - numbers.length + index));
  });

  it("goes on in a new file when somebody moved the old one, and loses no line", () => {
    const path = join(directory.path, "edge.log");
    const log = openLogFile(path);
    log.write({ level: "info", code: "line", detail: "one" });
    renameSync(path, `${path}-moved`);
    log.write({ level: "info", code: "line", detail: "two" });
    log.reopen();
    log.write({ level: "info", code: "line", detail: "three" });
    log.close();
    expect(readFileSync(`${path}-moved`, "utf8")).toMatch(/one\n.*two\n$/);
    expect(readFileSync(path, "utf8")).toMatch(/^\S+ info line three\n$/);
  });

  it("sees that somebody emptied the file, and leaves it where it is", () => {
    const path = join(directory.path, "edge.log");
    const log = openLogFile(path, 400);
    const write = (times: number): void => {
      for (let i = 0; i < times; i += 1) log.write({ level: "info", code: "line", detail: "x".repeat(50) });
    };
    write(4);
    truncateSync(path, 0);
    write(4);
    log.close();
    expect(readdirSync(directory.path)).toEqual(["edge.log"]);
    expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(4);
  });

  it("cannot move a terminal's cursor or fake a line", () => {
    expect(formatEvent({ level: "warn", code: "c", detail: "a\nb\u001B[2Jc\u009B" })).toBe("warn c a?b?[2Jc?");
  });

  it("cuts a dump", () => {
    const detail = "x".repeat(MAX_LOG_LINE_CHARACTERS + 1);
    expect(formatEvent({ level: "warn", code: "c", detail })).toHaveLength(
      "warn c ".length + MAX_LOG_LINE_CHARACTERS + 3,
    );
  });
});
