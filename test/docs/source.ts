/**
 * Reads facts out of source text that no import can give: comments beside constants, the members of a schema, the
 * members of a union of texts. Relies on the house format; when it finds nothing it throws rather than pass.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = new URL("../..", import.meta.url).pathname;

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Paths below a directory, relative to the root. */
export function filesBelow(directory: string, suffix: string): readonly string[] {
  return readdirSync(join(ROOT, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .toSorted();
}

export interface Constant {
  readonly name: string;
  /** The comment above it, or above the constant that it follows directly. */
  readonly reason: string;
}

/** Exported constants in order, each with its reason. */
export function constants(source: string): readonly Constant[] {
  const found: Constant[] = [];
  let reason = "";
  for (const block of source.matchAll(/\/\*\*([\s\S]*?)\*\/|^export const ([A-Z_]+)\b/gm)) {
    const [, comment, name] = block;
    if (comment !== undefined) reason = comment.replaceAll(/\s*\n\s*\*\s?/g, " ").trim();
    if (name !== undefined) found.push({ name, reason });
  }
  if (found.length === 0) throw new Error("no constants");
  return found;
}

/** The text between the brace that opens after `start` and its partner. */
function braced(source: string, start: number): string {
  const open = source.indexOf("{", start);
  let depth = 0;
  for (let i = open; i < source.length; i++) {
    if (source[i] === "{") depth += 1;
    if (source[i] === "}") depth -= 1;
    if (depth === 0) return source.slice(open + 1, i);
  }
  throw new Error("a brace without partner");
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/[^\n]*/g, "");
}

/** Member names of `const <name> = v.strictObject({…})`; spread members are left out. */
export function schemaMembers(source: string, name: string): readonly string[] {
  const bare = withoutComments(source);
  const start = bare.search(new RegExp(`const ${name} = v\\.strictObject\\(`));
  if (start < 0) throw new Error(`no schema ${name}`);
  const names: string[] = [];
  let depth = 0;
  let word = "";
  for (const character of `${braced(bare, start)},`) {
    if ("({[".includes(character)) depth += 1;
    if (")}]".includes(character)) depth -= 1;
    if (depth === 0 && character === ",") {
      const member = /^\s*([a-zA-Z]+)\s*(:|$)/.exec(word);
      if (member?.[1] !== undefined) names.push(member[1]);
      word = "";
    } else {
      word += character;
    }
  }
  return names;
}

/** Kinds of `v.variant("kind", […])` in the constant `name`. */
export function variantKinds(source: string, name: string): readonly string[] {
  const start = source.indexOf(`const ${name} = v.variant(`);
  if (start < 0) throw new Error(`no variant ${name}`);
  const end = source.indexOf("\n]);", start);
  return [...source.slice(start, end).matchAll(/kind: v\.literal\("([^"]+)"\)/g)].map((match) => match[1] ?? "");
}

export interface Member {
  readonly name: string;
  readonly comment: string;
}

/** Lines `| "x" // why` of a union, or `"x", // why` of a list, that starts at `start`. */
export function quotedMembers(source: string, start: string): readonly Member[] {
  const from = source.indexOf(start);
  if (from < 0) throw new Error(`no "${start}"`);
  const found: Member[] = [];
  for (const line of source.slice(from).split("\n").slice(1)) {
    const match = /^\s*\|?\s*"([^"]+)"[,;]?\s*(?:\/\/\s*(.*))?$/.exec(line);
    if (match === null) break;
    found.push({ name: match[1] ?? "", comment: match[2] ?? "" });
  }
  return found;
}
