/**
 * What a command stands on: the directory it runs in, and every program and file that its words name, as they are on this
 * machine now. A person decides over this too, so that a link turned elsewhere, another script under the same name or
 * another program earlier in the search path between look and answer is another question.
 *
 * It runs nothing and follows links only to say where they lead. What cannot be read is part of the footprint as such.
 */
import { createHash, type Hash } from "node:crypto";
import { open, readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { systemCode } from "../../../shared/edge-error.ts";

/** Words of one command that are looked up; a longer one is asked about with the rest unseen, and says so. */
const MAX_WORDS = 256;
const MAX_PATHS = 64;
/** A file is told apart by its whole content up to here, by size and times beyond. */
const MAX_FILE_BYTES = 16_777_216;
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
  note(hash, "path", standing.path ?? "unknown");
  await noteFile(hash, cwd);
  if (standing.resolvedPath !== undefined) await noteFile(hash, resolve(cwd, standing.resolvedPath));
  const words = [...new Set([...(standing.argv ?? []), ...wordsOf(standing.command)])];
  note(hash, "words", String(Math.min(words.length, MAX_WORDS + 1)));
  const directories = (standing.path ?? "").split(":").filter(isAbsolute).slice(0, MAX_PATHS);
  for (const word of words.slice(0, MAX_WORDS)) {
    note(hash, "word", word);
    if (word.includes("\0")) continue;
    await noteFile(hash, resolve(cwd, word));
    if (!word.includes("/")) await noteProgram(hash, word, directories);
  }
  return hash.digest("hex");
}

/** Words as a shell would part them, near enough: too many only makes more of the machine part of the question. */
export function wordsOf(command: string): readonly string[] {
  const words: string[] = [];
  for (const [, double, single, plain] of command.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'|&;<>()`$]+)/g)) {
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

/** Where the search path leads for this word. */
async function noteProgram(hash: Hash, word: string, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    const path = join(directory, word);
    const facts = await stat(path).catch(() => undefined); // not there, or not to be seen: the next directory
    if (facts?.isFile() === true) return noteFile(hash, path);
  }
  note(hash, "program", "none");
}

/** Where a path leads and what is there. */
async function noteFile(hash: Hash, path: string): Promise<void> {
  try {
    const real = await realpath(path);
    const facts = await stat(real, { bigint: true });
    const kind = facts.isDirectory() ? "directory" : facts.isFile() ? "file" : "other";
    note(
      hash,
      kind,
      `${path} ${real} ${String(facts.dev)} ${String(facts.ino)} ${String(facts.mode)} ${String(facts.uid)}`,
    );
    if (!facts.isFile()) return;
    note(hash, "size", `${String(facts.size)} ${facts.size > MAX_FILE_BYTES ? String(facts.mtimeNs) : ""}`);
    if (facts.size <= MAX_FILE_BYTES) await noteContent(hash, real);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    note(hash, "unseen", `${path} ${code}`);
  }
}

async function noteContent(hash: Hash, path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    const buffer = new Uint8Array(READ_BYTES);
    // Bounded by bytes, not by the end: a file that grows while it is read would never end.
    for (let left = MAX_FILE_BYTES; left > 0;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, left));
      if (bytesRead === 0) return;
      hash.update(buffer.subarray(0, bytesRead));
      left -= bytesRead;
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
