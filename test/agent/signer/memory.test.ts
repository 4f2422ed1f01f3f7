import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireLock } from "../../../agent/shared/lock.ts";
import { Memory } from "../../../agent/signer/memory.ts";
import { SignerError } from "../../../agent/signer/signer-error.ts";
import type { TrustHead } from "../../../protocol/fields.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { makeDirectory } from "../edge/fixtures/harness.ts";

const WORKSPACE = nonceOf("workspace");
const EDGE = "https://edge.example";
const uid = process.getuid?.() ?? 0;
const head = (n: number, hash = `hash ${n}`, revoked = "none"): TrustHead => ({
  n,
  hash: nonceOf(hash),
  revoked: nonceOf(revoked),
});

let place: { readonly path: string; remove(): void };
let directory: string;
let memory: Memory;
beforeEach(() => {
  place = makeDirectory();
  directory = join(place.path, "signer");
  mkdirSync(directory, { mode: 0o700 });
  memory = new Memory({ directory, uid, now: () => new Date(5_000) });
});
afterEach(() => place.remove());

function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    if (error instanceof SignerError) return error.code;
    throw error;
  }
}

describe("what a machine remembers", () => {
  it("is nothing at first, then the pin and its edge, in a file of its owner's", async () => {
    expect(memory.read(WORKSPACE)).toBeUndefined();
    await memory.pin(WORKSPACE, EDGE);
    expect(memory.read(WORKSPACE)).toEqual({ v: 1, workspace: WORKSPACE, edge: EDGE });
    expect(statSync(memory.pathOf(WORKSPACE)).mode & 0o777).toBe(0o600);
    expect(memory.all()).toHaveLength(1);
  });

  it("is the newest head and when it was seen, also after the edge moved", async () => {
    await memory.pin(WORKSPACE, EDGE);
    expect(await memory.advance(WORKSPACE, head(2))).toBe("moved");
    await memory.pin(WORKSPACE, "https://other.example");
    expect(memory.read(WORKSPACE)).toEqual({
      v: 1,
      workspace: WORKSPACE,
      edge: "https://other.example",
      head: head(2),
      seen: 5,
    });
  });

  it("is kept apart for each workspace", async () => {
    const other = nonceOf("other workspace");
    await memory.pin(WORKSPACE, EDGE);
    await memory.pin(other, EDGE);
    await memory.advance(other, head(7));
    expect(memory.read(WORKSPACE)?.head).toBeUndefined();
    expect(memory.all()).toHaveLength(2);
  });
});

describe("a head", () => {
  beforeEach(async () => {
    await memory.pin(WORKSPACE, EDGE);
    await memory.advance(WORKSPACE, head(3));
  });

  it.each([
    ["further on moves it", head(4), "moved"],
    ["the same keeps it", head(3), "kept"],
    ["with more revocations at the same place moves it", head(3, "hash 3", "one"), "moved"],
    ["before it is older", head(2), "older"],
    ["at its place with another hash is a fork", head(3, "another"), "forked"],
  ] as const)("%s", async (_what, next, expected) => {
    const before = readFileSync(memory.pathOf(WORKSPACE), "utf8");
    expect(await memory.advance(WORKSPACE, next)).toBe(expected);
    expect(memory.read(WORKSPACE)?.head).toEqual(expected === "moved" ? next : head(3));
    if (expected !== "moved") expect(readFileSync(memory.pathOf(WORKSPACE), "utf8")).toBe(before);
  });

  it("of a workspace that nobody pinned is not remembered", async () => {
    await expect(memory.advance(nonceOf("unpinned"), head(1))).rejects.toThrow(SignerError);
    expect(memory.all()).toHaveLength(1);
  });

  it("brought by many at once never goes back", async () => {
    const others = [4, 9, 5, 8, 6, 7].map((n) =>
      new Memory({ directory, uid, now: () => new Date(0) }).advance(WORKSPACE, head(n)),
    );
    await Promise.all(others);
    expect(memory.read(WORKSPACE)?.head).toEqual(head(9));
  });

  it("waits for whoever is writing, and then sees what was written", async () => {
    const lock = acquireLock(join(directory, "lock"), () => new Date());
    const asked = memory.advance(WORKSPACE, head(4));
    const text = JSON.stringify({ v: 1, workspace: WORKSPACE, edge: EDGE, head: head(5), seen: 1 });
    writeFileSync(memory.pathOf(WORKSPACE), text, { mode: 0o600 });
    lock.release();
    expect(await asked).toBe("older");
    expect(memory.read(WORKSPACE)?.head).toEqual(head(5));
  });
});

describe("a file that is not ours alone", () => {
  const write = (text: string): void => writeFileSync(memory.pathOf(WORKSPACE), text, { mode: 0o600 });

  it.each([0o640, 0o604, 0o660])("is refused when others may open it (%o)", async (mode) => {
    await memory.pin(WORKSPACE, EDGE);
    chmodSync(memory.pathOf(WORKSPACE), mode);
    expect(codeOf(() => memory.read(WORKSPACE))).toBe("memory_exposed");
    expect(codeOf(() => memory.all())).toBe("memory_exposed");
  });

  it("is refused when it belongs to somebody else", async () => {
    await memory.pin(WORKSPACE, EDGE);
    const stranger = new Memory({ directory, uid: uid + 1, now: () => new Date(0) });
    expect(codeOf(() => stranger.read(WORKSPACE))).toBe("memory_exposed");
  });

  it("is refused when it leads elsewhere", () => {
    writeFileSync(join(place.path, "elsewhere"), "{}", { mode: 0o600 });
    symlinkSync(join(place.path, "elsewhere"), memory.pathOf(WORKSPACE));
    expect(codeOf(() => memory.read(WORKSPACE))).toBe("memory_exposed");
  });

  it.each([
    ["nothing", ""],
    ["something else", "[]"],
    ["an unknown member", JSON.stringify({ v: 1, workspace: WORKSPACE, edge: EDGE, extra: 1 })],
    ["another workspace", JSON.stringify({ v: 1, workspace: nonceOf("other"), edge: EDGE })],
    ["a newer version", JSON.stringify({ v: 2, workspace: WORKSPACE, edge: EDGE })],
    ["too much", `${" ".repeat(10_000)}${JSON.stringify({ v: 1, workspace: WORKSPACE, edge: EDGE })}`],
  ])("that holds %s is damaged, and is not replaced", async (_what, text) => {
    write(text);
    expect(codeOf(() => memory.read(WORKSPACE))).toBe("memory_damaged");
    await expect(memory.pin(WORKSPACE, EDGE)).rejects.toThrow(SignerError);
    await expect(memory.advance(WORKSPACE, head(1))).rejects.toThrow(SignerError);
    expect(readFileSync(memory.pathOf(WORKSPACE), "utf8")).toBe(text);
  });
});
