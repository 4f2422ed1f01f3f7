import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DATA_VERSION, openDataDirectory } from "../../../agent/edge/data-directory.ts";
import type { EdgeErrorCode } from "../../../agent/shared/edge-error.ts";
import { EdgeError } from "../../../agent/shared/edge-error.ts";
import { makeDirectory } from "./fixtures/harness.ts";

const now = (): Date => new Date();
let directory: ReturnType<typeof makeDirectory>;
let path: string;

beforeEach(() => {
  directory = makeDirectory();
  path = join(directory.path, "data");
});
afterEach(() => directory.remove());

function refusal(at: string): { readonly code: EdgeErrorCode; readonly message: string } {
  try {
    openDataDirectory(at, now).close();
  } catch (error) {
    if (error instanceof EdgeError) return error;
    throw error;
  }
  throw new Error("it was opened");
}

describe("the data directory", () => {
  it("is made private, with its version and its places", () => {
    const data = openDataDirectory(path, now);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(readFileSync(join(path, "version"), "utf8")).toBe(`${DATA_VERSION}\n`);
    for (const name of ["keys", "d1", "do", "run", "host", "log"] as const) {
      expect(statSync(data.join(name)).mode & 0o777).toBe(0o700);
    }
    data.close();
  });

  it("opens again what it made", () => {
    openDataDirectory(path, now).close();
    openDataDirectory(path, now).close();
  });

  it("refuses a second opening", () => {
    const data = openDataDirectory(path, now);
    expect(refusal(path).code).toBe("locked");
    data.close();
  });

  it("refuses data of a newer version and changes nothing", () => {
    openDataDirectory(path, now).close();
    writeFileSync(join(path, "version"), `${DATA_VERSION + 1}\n`);
    expect(refusal(path)).toMatchObject({ code: "data_newer", message: expect.stringContaining("newer Clawhold") });
    expect(readFileSync(join(path, "version"), "utf8")).toBe(`${DATA_VERSION + 1}\n`);
  });

  it.each(["", "1", "one\n", "1\n\n", "01\n", "1.0\n", "-1\n", "0\n"])("refuses the version %j", (text) => {
    openDataDirectory(path, now).close();
    writeFileSync(join(path, "version"), text);
    expect(refusal(path).code).toBe("data_unreadable");
  });

  it("refuses a directory that holds something else", () => {
    mkdirSync(path);
    writeFileSync(join(path, "thesis.txt"), "");
    expect(refusal(path)).toMatchObject({ code: "data_foreign", message: expect.stringContaining("thesis.txt") });
    expect(existsSync(join(path, "lock"))).toBe(false);
  });

  it("continues a first start that was killed before it wrote the version", () => {
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(path, "lock"), "");
    writeFileSync(join(path, "version.0123456789ab.tmp"), "");
    openDataDirectory(path, now).close();
  });

  it("closes a new directory, but refuses one with keys that others can enter", () => {
    mkdirSync(path, { mode: 0o755 });
    openDataDirectory(path, now).close();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    chmodSync(path, 0o750);
    expect(refusal(path)).toMatchObject({
      code: "data_permissions",
      message: expect.stringContaining(`chmod 700 ${path}`),
    });
  });

  it("keeps sockets in a short private directory when its own path is too long", () => {
    const long = join(directory.path, "d".repeat(100));
    const data = openDataDirectory(long, now);
    expect(Buffer.byteLength(join(data.runDirectory, "agent.sock"))).toBeLessThanOrEqual(107);
    expect(statSync(data.runDirectory).mode & 0o777).toBe(0o700);
    data.close();
    expect(existsSync(data.runDirectory)).toBe(false);
  });

  it("removes the short directory of a start that was killed", () => {
    const long = join(directory.path, "d".repeat(100));
    const first = openDataDirectory(long, now);
    const record = readFileSync(join(long, "run", "place"), "utf8");
    first.close();
    mkdirSync(first.runDirectory);
    writeFileSync(join(long, "run", "place"), record);
    const second = openDataDirectory(long, now);
    expect(existsSync(first.runDirectory)).toBe(false);
    second.close();
  });

  it("never removes a directory that it cannot have made", () => {
    const kept = join(directory.path, "kept");
    mkdirSync(kept);
    openDataDirectory(path, now).close();
    writeFileSync(join(path, "run", "place"), `${kept}\n`);
    openDataDirectory(path, now).close();
    expect(existsSync(kept)).toBe(true);
  });
});
