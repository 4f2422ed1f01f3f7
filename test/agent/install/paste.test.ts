/** The pasted text, as shells take it: what is run, what is refused, and where the secret is. */
import { execFileSync, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pasteCommand, type Paste } from "../../../agent/install/paste.ts";

const SECRET = '{"edge":"wss://10.0.0.1:4471","token":"s3cr3t","v":1}';
let directory: string;
let paste: Paste;

/** In the place of install.sh: notes what it was given. */
const SCRIPT = `printf '%s\\n' "$@" >"$OUT/argv"
cat >"$OUT/stdin"
tr '\\0' '\\n' </proc/$PPID/cmdline >"$OUT/parent"
env >"$OUT/env"
`;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "clawhold-paste-"));
  mkdirSync(at("bin"));
  writeFileSync(at("install.sh"), SCRIPT);
  // The network: a curl that reads a file, and notes how it was called.
  writeFileSync(at("bin", "curl"), `#!/bin/sh\necho "$*" >"$OUT/curl"\ncat "$OUT/install.sh"\n`);
  chmodSync(at("bin", "curl"), 0o755);
  paste = {
    edge: "wss://[fd7a::1]:4471",
    hasOwnAuthority: true,
    version: "0.1.0",
    scriptSha256: createHash("sha256").update(SCRIPT).digest("hex"),
    bundleSha256: "b".repeat(64),
    workspace: `-${"w".repeat(42)}`,
    joinFile: SECRET,
  };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (...parts: readonly string[]): string => path.join(directory, ...parts);
const noted = (name: string): string => readFileSync(at(name), "utf8");

function typed(text: string, shell = "bash"): SpawnSyncReturns<string> {
  return spawnSync(shell, [], {
    input: `${text}\n`,
    encoding: "utf8",
    env: { PATH: `${at("bin")}:${process.env["PATH"] ?? ""}`, OUT: directory, TMPDIR: directory },
  });
}

describe.each(["bash", "dash"])("pasted into %s", (shell) => {
  it("runs the script with what it needs, and the join file on its standard input", () => {
    expect(typed(pasteCommand({ ...paste, label: "web's `id` $HOME", gateway: "none" }), shell).status).toBe(0);
    expect(noted("argv").trim().split("\n")).toEqual([
      "--url",
      "https://[fd7a::1]:4471/install/0.1.0",
      "--version",
      "0.1.0",
      "--sha256",
      "b".repeat(64),
      "--label",
      "web's `id` $HOME",
      "--gateway",
      "none",
      "--insecure",
      `--workspace=-${"w".repeat(42)}`,
    ]);
    expect(noted("stdin")).toBe(`${SECRET}\n`);
    expect(noted("curl")).toBe(
      "-fsSg -k --proto =https --max-time 60 https://[fd7a::1]:4471/install/0.1.0/install.sh\n",
    );
  });

  it("keeps the secret out of argument lists, addresses and the environment", () => {
    typed(pasteCommand(paste), shell);
    for (const place of ["argv", "parent", "env", "curl"]) expect(noted(place)).not.toContain("s3cr3t");
  });

  it("does not run a script that is not the one that it names", () => {
    writeFileSync(at("install.sh"), `${SCRIPT}touch "$OUT/owned"\n`);
    const { status, stderr } = typed(pasteCommand(paste), shell);
    expect({ status, stderr }).toEqual({
      status: 4,
      stderr: "That is not the script that this command names, so it was not run.\n",
    });
    expect(existsSync(at("argv"))).toBe(false);
  });

  it("leaves no file behind", () => {
    const before = execFileSync("ls", [directory], { encoding: "utf8" }).split("\n").length;
    writeFileSync(at("install.sh"), "broken");
    typed(pasteCommand(paste), shell);
    expect(execFileSync("ls", [directory], { encoding: "utf8" }).split("\n").length).toBe(before + 1); // what curl noted
  });
});

it("begins with a space, for shells that keep such a line out of their history", () => {
  expect(pasteCommand(paste)).toMatch(/^ sh -c/);
});

it("of an edge with a public certificate has it checked", () => {
  const text = pasteCommand({ ...paste, hasOwnAuthority: false });
  expect(text).not.toMatch(/ -k|--insecure|no-check-certificate/);
});
