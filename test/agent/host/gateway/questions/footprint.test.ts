import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { footprintOf, searchPathOf, wordsOf } from "../../../../../agent/host/gateway/questions/footprint.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "footprint-"));
  mkdirSync(join(directory, "bin"));
  mkdirSync(join(directory, "early"));
  mkdirSync(join(directory, "work"));
  writeFileSync(join(directory, "bin", "tool"), "#!/bin/sh\necho one\n", { mode: 0o755 });
  writeFileSync(join(directory, "work", "script.sh"), "echo one\n");
  writeFileSync(join(directory, "work", "other.sh"), "echo two\n");
  symlinkSync("script.sh", join(directory, "work", "link"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const standing = (command: string) => ({
  command,
  argv: undefined,
  cwd: join(directory, "work"),
  resolvedPath: undefined,
  path: `${join(directory, "early")}:${join(directory, "bin")}`,
});

/** Whether the footprint of a command differs after the change. */
async function differs(command: string, change: () => void): Promise<boolean> {
  const before = await footprintOf(standing(command));
  expect(await footprintOf(standing(command))).toBe(before);
  change();
  return (await footprintOf(standing(command))) !== before;
}

describe("what a command stands on", () => {
  const changes: readonly (readonly [string, string, () => void])[] = [
    [
      "the content of a script",
      "sh script.sh",
      () => writeFileSync(join(directory, "work", "script.sh"), "echo evil\n"),
    ],
    [
      "where a link leads",
      "sh ./link",
      () => {
        unlinkSync(join(directory, "work", "link"));
        symlinkSync("other.sh", join(directory, "work", "link"));
      },
    ],
    ["a program earlier in the search path", "tool --now", () => writeFileSync(join(directory, "early", "tool"), "x")],
    ["the program itself", "tool", () => writeFileSync(join(directory, "bin", "tool"), "#!/bin/sh\nevil\n")],
    ["who may run it", "sh script.sh", () => chmodSync(join(directory, "work", "script.sh"), 0o777)],
    ["a file behind an option", "tool --file=script.sh", () => writeFileSync(join(directory, "work", "script.sh"), "")],
    ["a word inside quotes", 'sh -c "sh script.sh"', () => writeFileSync(join(directory, "work", "script.sh"), "")],
    ["a file that was not there", "sh new.sh", () => writeFileSync(join(directory, "work", "new.sh"), "evil")],
    [
      "the directory it runs in",
      "sh script.sh",
      () => {
        renameSync(join(directory, "work"), join(directory, "kept"));
        mkdirSync(join(directory, "work"));
        writeFileSync(join(directory, "work", "script.sh"), "echo one\n");
      },
    ],
  ];
  it.each(changes)("%s", async (_, command, change) => {
    expect(await differs(command, change)).toBe(true);
  });

  it("nothing that would be waited for: devices, pipes, the kernel's own", async () => {
    execFileSync("mkfifo", [join(directory, "work", "pipe")]);
    const special = ["/proc/kmsg", "/dev/zero", "/dev/random", "/sys/kernel", "pipe"];
    expect(await footprintOf(standing(`cat ${special.join(" ")}`))).toMatch(/^[0-9a-f]{64}$/);
  });

  it("not what it does not name", async () => {
    expect(await differs("sh script.sh", () => writeFileSync(join(directory, "work", "other.sh"), "x"))).toBe(false);
  });

  it("the search path", async () => {
    const with1 = await footprintOf(standing("tool"));
    expect(await footprintOf({ ...standing("tool"), path: undefined })).not.toBe(with1);
  });
});

describe("words of a command", () => {
  it.each([
    ["a b  c", ["a", "b", "c"]],
    [`sh -c 'x y' "z w"`, ["sh", "-c", "x y", "x", "y", "z w", "z", "w"]],
    ["A=1 b|c;d>e", ["A=1", "1", "b", "c", "d", "e"]],
    ["", []],
  ])("%j", (command, words) => {
    expect(wordsOf(command)).toEqual(words);
  });
});

it("a search path is the process's own, and unknown where the kernel does not say", async () => {
  expect(await searchPathOf(process.pid)).toBe(process.env["PATH"]);
  expect(await searchPathOf(2 ** 30)).toBeUndefined();
});
