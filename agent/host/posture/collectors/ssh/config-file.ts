/**
 * sshd's configuration as its author wrote it: which line stands where, under which Match. What the lines come to is asked of
 * sshd itself; this only finds whom to ask about, and which line to show. First value wins, as in sshd_config(5).
 */
import type { Machine } from "../../machine.ts";

export interface Directive {
  /** Lower case. */
  readonly keyword: string;
  readonly words: readonly string[];
  readonly file: string;
  readonly line: number;
  /** The Match lines that must hold for it; the outer one of an Include too. Empty: always. */
  readonly within: readonly MatchLine[];
}

export interface MatchLine {
  readonly file: string;
  readonly line: number;
  /** As written, behind `Match`. */
  readonly text: string;
  /** All that must hold, those of an outer Match with an Include too. */
  readonly criteria: readonly Criterion[];
}

export interface Criterion {
  /** Lower case: user, group, host, address, localaddress, localport, rdomain, all, or one that we do not know. */
  readonly kind: string;
  readonly patterns: readonly string[];
}

export interface SshdFiles {
  readonly directives: readonly Directive[];
  readonly matches: readonly MatchLine[];
  /** Files that could not be read. */
  readonly unread: readonly string[];
  /** All text that was read, one after the other. */
  readonly raw: string;
}

const MAX_DEPTH = 16;
const MAX_FILES = 200;
const DIRECTORY = "/etc/ssh";
/** Criteria that take no value. */
const BARE = new Set(["all", "canonical", "final", "invalid-user"]);

export async function readSshdFiles(machine: Machine, path = `${DIRECTORY}/sshd_config`): Promise<SshdFiles> {
  const reading: Reading = { machine, directives: [], matches: [], unread: [], texts: [], files: 0 };
  await readInto(reading, { path, depth: 0, outer: [] });
  const { directives, matches, unread, texts } = reading;
  return { directives, matches, unread, raw: texts.join("\n") };
}

interface Reading {
  readonly machine: Machine;
  readonly directives: Directive[];
  readonly matches: MatchLine[];
  readonly unread: string[];
  readonly texts: string[];
  files: number;
}

interface Place {
  readonly path: string;
  readonly depth: number;
  readonly outer: readonly MatchLine[];
}

async function readInto(reading: Reading, { path, depth, outer }: Place): Promise<void> {
  reading.files += 1;
  const file =
    depth >= MAX_DEPTH || reading.files > MAX_FILES ? { kind: "too_large" as const } : await reading.machine.read(path);
  if (file.kind !== "text") {
    reading.unread.push(path);
    return;
  }
  reading.texts.push(file.text);
  // A Match holds to the end of its file; after an Include the outer one holds again.
  let within = outer;
  for (const [index, text] of file.text.split("\n").entries()) {
    const [keyword, ...words] = wordsOf(text);
    if (keyword === undefined) continue;
    const at = { file: path, line: index + 1 };
    if (keyword === "match") {
      const criteria = [...outer.flatMap((one) => one.criteria), ...criteriaOf(words)];
      const match = { ...at, text: words.join(" "), criteria };
      reading.matches.push(match);
      within = [...outer, match];
    } else if (keyword === "include") {
      for (const pattern of words)
        for (const found of await glob(reading.machine, pattern))
          await readInto(reading, { path: found, depth: depth + 1, outer: within });
    } else reading.directives.push({ keyword, words, ...at, within });
  }
}

/** Keyword in lower case and arguments; quotes and `keyword=value` as sshd reads them. */
export function wordsOf(line: string): readonly string[] {
  const found: string[] = [];
  let rest = line.replace(/^[\s\f]+/, "");
  const keyword = /^([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+|$)/.exec(rest);
  if (keyword === null) return [];
  rest = rest.slice(keyword[0].length);
  for (;;) {
    rest = rest.trimStart();
    if (rest === "" || rest.startsWith("#")) break;
    const word = /^"((?:[^"\\]|\\.)*)"|^'((?:[^'\\]|\\.)*)'|^\S+/.exec(rest);
    if (word === null) break;
    found.push(word[1] ?? word[2] ?? word[0]);
    rest = rest.slice(word[0].length);
  }
  return [(keyword[1] ?? "").toLowerCase(), ...found];
}

export function criteriaOf(words: readonly string[]): readonly Criterion[] {
  const found: Criterion[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const equals = word.indexOf("=");
    const kind = (equals < 0 ? word : word.slice(0, equals)).toLowerCase();
    if (BARE.has(kind)) {
      found.push({ kind, patterns: [] });
      continue;
    }
    const value = equals < 0 ? (words[(index += 1)] ?? "") : word.slice(equals + 1);
    found.push({ kind, patterns: value.split(",").filter(Boolean) });
  }
  return found;
}

/** As glob(3) sorts them; a pattern in a directory's name is not supported by us and finds nothing. */
async function glob(machine: Machine, pattern: string): Promise<readonly string[]> {
  const path = pattern.startsWith("/") ? pattern : `${DIRECTORY}/${pattern}`;
  const cut = path.lastIndexOf("/");
  const [directory, name] = [path.slice(0, cut), path.slice(cut + 1)];
  if (!/[*?[]/.test(name)) return [path];
  const shape = wildcard(name);
  const names = (await machine.list(directory)) ?? [];
  return names
    .filter((one) => shape.test(one) && (name.startsWith(".") || !one.startsWith(".")))
    .toSorted((one, other) => (one < other ? -1 : 1))
    .map((one) => `${directory}/${one}`);
}

/** `*` and `?`; brackets as in a file's name. */
export function wildcard(pattern: string): RegExp {
  const text = pattern
    .replaceAll(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  try {
    return new RegExp(`^${text.replaceAll("[!", "[^")}$`);
  } catch {
    return /^\b$/; // an open bracket: matches nothing
  }
}
