import { spawnSync } from "node:child_process";
import {
  chmodSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linkTarget, list, look, readText } from "../../../../agent/host/posture/linux-files.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "clawhold-files-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const at = (name: string): string => path.join(directory, name);
const isRoot = process.getuid?.() === 0;

describe("a file as a scan reads it", () => {
  it("is its text, its owner and its mode", async () => {
    writeFileSync(at("file"), "ä\n".repeat(60_000), { mode: 0o640 });
    chmodSync(at("file"), 0o640);
    expect(await readText(at("file"))).toEqual({
      kind: "text",
      text: "ä\n".repeat(60_000),
      uid: process.getuid?.(),
      mode: 0o640,
    });
    expect(await look(at("file"))).toMatchObject({ kind: "file", mode: 0o640, size: 180_000 });
  });

  it("of /proc is read although it says 0 bytes", async () => {
    expect(await readText("/proc/self/status")).toMatchObject({ kind: "text", text: expect.stringMatching(/^Uid:/m) });
  });

  it("is refused when it is larger than anybody needs, at the limit and over", async () => {
    writeFileSync(at("file"), "");
    truncateSync(at("file"), 100_000);
    expect(await readText(at("file"), 100_000)).toMatchObject({ kind: "text" });
    expect(await readText(at("file"), 99_999)).toEqual({ kind: "too_large" });
  });

  it("is said to be absent, or no file", async () => {
    writeFileSync(at("file"), "");
    mkdirSync(at("directory"));
    expect(await readText(at("nothing"))).toEqual({ kind: "absent" });
    expect(await readText(at("file/below"))).toEqual({ kind: "absent" });
    expect(await readText(at("directory"))).toEqual({ kind: "not_a_file" });
    expect(await look(at("nothing"))).toBeUndefined();
    expect(await list(at("file"))).toBeUndefined();
    expect(await list(directory)).toEqual(expect.arrayContaining(["directory", "file"]));
  });

  it("is not waited for when it is a pipe", async () => {
    expect(spawnSync("/usr/bin/mkfifo", [at("pipe")]).status).toBe(0);
    expect(await readText(at("pipe"))).toEqual({ kind: "not_a_file" });
  });

  it.skipIf(!isRoot)("is reached over root's link, and over nobody else's", async () => {
    writeFileSync(at("file"), "text");
    symlinkSync("file", at("link"));
    expect(await readText(at("link"))).toMatchObject({ kind: "text", text: "text" });
    lchownSync(at("link"), 1, 1);
    expect(await readText(at("link"))).toEqual({ kind: "not_a_file" });
    expect(await linkTarget(at("link"))).toBe("file");
    expect(await linkTarget(at("file"))).toBeUndefined();
  });
});
