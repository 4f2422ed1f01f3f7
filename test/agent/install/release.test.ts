import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compareVersions } from "../../../protocol/release.ts";
import { writeTar } from "../../../agent/install/tar.ts";
import { buildRelease } from "../../../agent/install/build-release.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "clawhold-release-"));
  for (const name of ["agent.cjs", "posture.cjs", "clawhold.cjs"]) writeFileSync(path.join(directory, name), name);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (...parts: readonly string[]): string => path.join(directory, ...parts);

describe("a release", () => {
  it("is the same bytes whenever and wherever it is made", () => {
    buildRelease({ dist: directory, version: "1.2.3", out: at("one") });
    for (const name of ["agent.cjs", "posture.cjs"]) utimesSync(at(name), 1, 1);
    buildRelease({ dist: directory, version: "1.2.3", out: at("two") });
    expect(readFileSync(at("one", "clawhold.tar.gz"))).toEqual(readFileSync(at("two", "clawhold.tar.gz")));
  });

  it("is read by Debian's own tar: plain files of root's, and nothing else", () => {
    buildRelease({ dist: directory, version: "1.2.3", out: at("out") });
    const listed = execFileSync("tar", ["--numeric-owner", "-tvzf", at("out", "clawhold.tar.gz")], {
      encoding: "utf8",
    });
    const lines = listed.trim().split("\n");
    expect(lines.map((line) => line.split(/\s+/).at(-1))).toEqual([
      "agent.cjs",
      "clawhold.cjs",
      "launcher",
      "posture.cjs",
      "version",
    ]);
    for (const line of lines) expect(line).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1970-01-01/);
  });

  it("is not made of a version that could not be compared", () => {
    for (const version of ["1.2", "1.2.3-beta", "../../etc", "v1.2.3", ""])
      expect(() => buildRelease({ dist: directory, version, out: at("out") })).toThrow(TypeError);
  });
});

it("an archive has no name that leads elsewhere", () => {
  for (const name of ["../up", "/etc/passwd", "a/b", "", ".hidden", "x".repeat(101)])
    expect(() => writeTar([{ name, bytes: new Uint8Array() }])).toThrow(TypeError);
});

it("versions are compared as numbers", () => {
  expect(["1.10.0", "1.9.9", "0.1.0", "1.9.10"].toSorted(compareVersions)).toEqual([
    "0.1.0",
    "1.9.9",
    "1.9.10",
    "1.10.0",
  ]);
  expect(compareVersions("1.2.3", "1.2.3")).toBe(0);
});
