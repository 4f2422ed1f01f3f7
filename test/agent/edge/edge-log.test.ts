import { readFileSync, statSync } from "node:fs";
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

  it("keeps one earlier file and never grows past twice its cap", () => {
    const path = join(directory.path, "edge.log");
    const log = openLogFile(path, 200);
    for (let index = 0; index < 20; index += 1) log.write({ level: "info", code: "line", detail: `number ${index}` });
    log.close();
    expect(statSync(path).size).toBeLessThanOrEqual(200);
    expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(200);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toContain("number 19");
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
