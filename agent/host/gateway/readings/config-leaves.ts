/**
 * A configuration as a list of its values, each judged: is it a secret? The gateway hides what it knows to be one; it also
 * leaves secrets in plain sight (addresses with a password, environment maps, programs' arguments), so nothing of such a
 * place is shown, whatever it looks like. Too much is hidden rather than too little. Pure.
 */
import { REDACTED, type Tree } from "../config-edit.ts";
import { isFields } from "../wire.ts";
import { looksRandom, redact } from "./redaction.ts";

export interface Leaf {
  readonly path: readonly string[];
  readonly value: Tree;
  readonly isSecret: boolean;
}

/** A place below which everything that is a text may be a secret. */
const SECRET_PLACES = new Set(["env", "vars", "args", "headers", "redactpatterns", "query", "cookies"]);
const SECRET_NAME =
  /pass(?:word|wd|phrase)?|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|signing|cookie|authorization|webhook|dsn|connectionstring/i;
/** Ends of names that only speak of secrets. */
const HARMLESS_NAME =
  /(?:mode|enabled|path|file|ttl|limit|count|tokens|type|provider|max|min|ms|seconds|header|name)$/i;
/** Says where a secret is, and not which. */
const REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]{0,127}\}$/;

/** Breadth does not matter here, the number of leaves does. */
export function leavesOf(tree: Tree, limit: number): readonly Leaf[] {
  const found: Leaf[] = [];
  walk(tree, [], (path, value) => {
    if (found.length < limit) found.push({ path, value, isSecret: isSecret(path, value) });
    return found.length < limit;
  });
  return found;
}

/** Whether anything in this part of a configuration is a secret. */
export function holdsSecret(path: readonly string[], tree: Tree): boolean {
  let found = false;
  walk(tree, path, (at, value) => {
    found ||= isSecret(at, value);
    return !found;
  });
  return found;
}

/** Every value that is a secret and is there to be seen. */
export function visibleSecrets(tree: Tree): readonly string[] {
  const found: string[] = [];
  walk(tree, [], (path, value) => {
    if (typeof value === "string" && value !== REDACTED && isSecret(path, value)) found.push(value);
    return true;
  });
  return found;
}

/** Stops where `visit` says false. The depth was bounded when the answer was read. */
function walk(tree: Tree, path: readonly string[], visit: (path: readonly string[], value: Tree) => boolean): boolean {
  const inside: readonly (readonly [string, Tree])[] = Array.isArray(tree)
    ? tree.map((item: Tree, at) => [String(at), item])
    : isFields(tree)
      ? Object.entries(tree)
      : [];
  if (inside.length === 0) return visit(path, tree);
  return inside.every(([name, item]) => walk(item, [...path, name], visit));
}

export function isSecret(path: readonly string[], value: Tree): boolean {
  if (typeof value !== "string") return false;
  if (value === REDACTED) return true;
  if (REFERENCE.test(value) || value === "") return false;
  if (path.slice(0, -1).some((name) => SECRET_PLACES.has(name.toLowerCase()))) return true;
  return isNamedSecret(path) || looksRandom(value) || redact(value) !== value;
}

function isNamedSecret(path: readonly string[]): boolean {
  // The name of a list stands for its elements.
  const name = path.findLast((part) => !/^\d+$/.test(part)) ?? "";
  return SECRET_NAME.test(name) && !HARMLESS_NAME.test(name);
}
