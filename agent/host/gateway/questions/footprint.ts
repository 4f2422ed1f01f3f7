/**
 * What a command stands on: the directory it runs in, and every program and file that its words name, as they are on this
 * machine now. A person decides over this too, so that a link turned elsewhere, another script under the same name or
 * another program earlier in the search path between look and answer is another question.
 *
 * It runs nothing and follows links only to say where they lead. What cannot be read is part of the footprint as such.
 */
import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { open, readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { systemCode } from "../../../shared/edge-error.ts";

/** Words of one command that are looked up; a longer one is asked about with the rest unseen, and says so. */
const MAX_WORDS = 256;
const MAX_PATHS = 64;
/** A file is told apart by its whole content up to here, by size and times beyond; so are all files of one command. */
const MAX_FILE_BYTES = 16_777_216;
const MAX_BYTES = 67_108_864;
/** Characters of a command that are parted into words: what is longer cannot be bound to what it names, so it is only ever denied. */
export const MAX_PARTED_CHARACTERS = 16_384;
/** What lies there is the kernel's or a device's: reading it can wait for ever, or change something. */
const SPECIAL = /^\/(?:proc|sys|dev)(?:\/|$)/;
const READ_BYTES = 65_536;
const MAX_ENVIRONMENT_BYTES = 262_144;

export interface Standing {
  readonly command: string;
  readonly argv: readonly string[] | undefined;
  readonly cwd: string | undefined;
  readonly resolvedPath: string | undefined;
  /** The gateway's search path; undefined when this machine does not say. */
  readonly path: string | undefined;
}

/** Hex of the SHA-256 of all that was seen. Never rejects for what the disk holds. */
export async function footprintOf(standing: Standing): Promise<string> {
  const hash = createHash("sha256");
  const cwd = standing.cwd ?? "/";
  const budget: Budget = { left: MAX_BYTES };
  note(hash, "path", standing.path ?? "unknown");
  await noteFile(hash, cwd, budget);
  if (standing.resolvedPath !== undefined) await noteFile(hash, resolve(cwd, standing.resolvedPath), budget);
  const words = [...new Set([...(standing.argv ?? []), ...wordsOf(standing.command)])];
  note(hash, "words", String(Math.min(words.length, MAX_WORDS + 1)));
  const directories = (standing.path ?? "").split(":").filter(isAbsolute).slice(0, MAX_PATHS);
  for (const word of words.slice(0, MAX_WORDS)) {
    note(hash, "word", word);
    if (word.includes("\0")) continue;
    await noteFile(hash, resolve(cwd, word), budget);
    if (!word.includes("/")) await noteProgram(hash, word, { directories, budget });
  }
  return hash.digest("hex");
}

/** Words as a shell would part them, near enough: too many only makes more of the machine part of the question. */
export function wordsOf(command: string): readonly string[] {
  const words: string[] = [];
  const parted = command.slice(0, MAX_PARTED_CHARACTERS);
  for (const [, double, single, plain] of parted.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'|&;<>()`$]+)/g)) {
    const word = double?.replaceAll(/\\(.)/gs, "$1") ?? single ?? plain;
    if (word === undefined || word === "") continue;
    words.push(word);
    // `sh -c "…"` holds words of its own; `FILE=/x` and `--file=/x` name a file behind the sign.
    if (/\s/.test(word)) words.push(...wordsOf(word));
    const sign = word.indexOf("=");
    if (sign > 0 && sign < word.length - 1) words.push(word.slice(sign + 1));
  }
  return words;
}

interface Budget {
  /** Bytes that may still be read for this command. */
  left: number;
}

interface Search {
  readonly directories: readonly string[];
  readonly budget: Budget;
}

/** Where the search path leads for this word. */
async function noteProgram(hash: Hash, word: string, { directories, budget }: Search): Promise<void> {
  for (const directory of directories) {
    const path = join(directory, word);
    const facts = await stat(path).catch(() => undefined); // not there, or not to be seen: the next directory
    if (facts?.isFile() === true) return noteFile(hash, path, budget);
  }
  note(hash, "program", "none");
}

/** Where a path leads and what is there. */
async function noteFile(hash: Hash, path: string, budget: Budget): Promise<void> {
  try {
    const real = await realpath(path);
    const facts = await stat(real, { bigint: true });
    const kind = facts.isDirectory() ? "directory" : facts.isFile() ? "file" : "other";
    const place = `${path} ${real} ${String(facts.dev)} ${String(facts.ino)}`;
    note(hash, kind, `${place} ${String(facts.mode)} ${String(facts.uid)}`);
    if (!facts.isFile() || SPECIAL.test(real)) return;
    const isWhole = facts.size <= MAX_FILE_BYTES && facts.size <= budget.left;
    note(hash, "size", `${String(facts.size)} ${isWhole ? "" : String(facts.mtimeNs)}`);
    if (isWhole) await noteContent(hash, real, budget);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    note(hash, "unseen", `${path} ${code}`);
  }
}

/** Opened without waiting and without following: between the look and this, somebody may have put a pipe there. */
async function noteContent(hash: Hash, path: string, budget: Budget): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    if (!(await file.stat()).isFile()) return note(hash, "unseen", `${path} replaced`);
    const buffer = new Uint8Array(READ_BYTES);
    // Bounded by bytes, not by the end: a file that grows while it is read would never end.
    for (let left = Math.min(MAX_FILE_BYTES, budget.left); left > 0;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, left));
      if (bytesRead === 0) return;
      hash.update(buffer.subarray(0, bytesRead));
      left -= bytesRead;
      budget.left -= bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** Length first, so that no two notes read as one. */
function note(hash: Hash, kind: string, text: string): void {
  const bytes = Buffer.from(text, "utf8");
  hash.update(`${kind} ${String(bytes.length)} `).update(bytes);
}

/** The search path of a process, as the kernel says; undefined when it is another user's. */
export async function searchPathOf(pid: number): Promise<string | undefined> {
  let environment: Buffer;
  try {
    environment = await readFile(`/proc/${String(pid)}/environ`);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  }
  if (environment.length > MAX_ENVIRONMENT_BYTES) return undefined;
  const line = environment
    .toString("utf8")
    .split("\0")
    .find((one) => one.startsWith("PATH="));
  return line?.slice("PATH=".length);
}
