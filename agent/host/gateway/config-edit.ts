/**
 * Changes of a configuration, as values in and values out: what a list of changes makes of it, which merge patch says
 * the same to the gateway, and where two configurations differ. Nothing here reads, writes or judges a value.
 */
import type { ConfigChange } from "../../../protocol/operations/configuration.ts";
import { field, isFields } from "./wire.ts";

/** What the gateway shows, and takes, in place of a secret that it has. */
export const REDACTED = "__OPENCLAW_REDACTED__";
/** A change that touches more places than this is listed by its first ones. */
export const MAX_PATHS = 64;
/** As deep as the gateway's own schema goes, and some more. */
const MAX_DEPTH = 64;
const forbidden = new Set(["__proto__", "constructor", "prototype"]);

export type Tree = unknown;
type Branch = Readonly<Record<string, Tree>>;

/** A change that cannot be made: it leads through something that is neither an object nor a list, or says no value. */
export class ChangeError extends Error {
  override readonly name = "ChangeError";
  readonly code = "change_invalid";

  constructor() {
    super("a change of the configuration does not fit what is there");
  }
}

/** The configuration after all changes, in their order. @throws {ChangeError} */
export function applyChanges(before: Tree, changes: ConfigChange["changes"]): Tree {
  return changes.reduce((tree, { path, value }) => setAt(tree, segmentsOf(path), valueOf(value)), before);
}

export function segmentsOf(path: string): readonly string[] {
  const segments = path.split(".");
  if (segments.length > MAX_DEPTH || segments.some((name) => forbidden.has(name))) throw new ChangeError();
  return segments;
}

/** JSON text. `null` is how a merge patch takes something out, so it is no value here. */
function valueOf(text: string | undefined): Tree {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ChangeError();
  }
  if (holds(value, (leaf) => leaf === null) || holdsForbidden(value)) throw new ChangeError();
  return value;
}

function holds(tree: Tree, isIt: (leaf: unknown) => boolean): boolean {
  if (Array.isArray(tree)) return tree.some((item) => holds(item, isIt));
  return isFields(tree) ? Object.values(tree).some((item) => holds(item, isIt)) : isIt(tree);
}

function holdsForbidden(tree: Tree): boolean {
  if (Array.isArray(tree)) return tree.some((item) => holdsForbidden(item));
  return isFields(tree) && Object.entries(tree).some(([name, item]) => forbidden.has(name) || holdsForbidden(item));
}

/** A place that is not there yet is made; `undefined` takes it out. */
export function setAt(tree: Tree, [name, ...rest]: readonly string[], value: Tree): Tree {
  if (name === undefined) return value;
  if (Array.isArray(tree)) return setInList(tree, { name, rest, value });
  if (tree !== undefined && !isFields(tree)) throw new ChangeError();
  const branch: Branch = tree ?? {};
  const inside = Object.hasOwn(branch, name) ? branch[name] : undefined;
  if (inside === undefined && value === undefined) return tree;
  const next = setAt(inside, rest, value);
  const others = Object.entries(branch).filter(([key]) => key !== name);
  return Object.fromEntries(next === undefined ? others : [...others, [name, next]]);
}

interface Step {
  readonly name: string;
  readonly rest: readonly string[];
  readonly value: Tree;
}

/** The number after the last one adds to the list. */
function setInList(list: readonly Tree[], { name, rest, value }: Step): Tree {
  const at = /^\d{1,6}$/.test(name) ? Number(name) : list.length + 1;
  if (at > list.length || (at === list.length && value === undefined)) throw new ChangeError();
  const next = setAt(list[at], rest, value);
  return next === undefined ? list.toSpliced(at, 1) : list.toSpliced(at, 1, next);
}

export interface MergePatch {
  readonly patch: Tree;
  /** Lists that are given whole; the gateway would otherwise add to them. */
  readonly replacePaths: readonly string[];
}

/** What the gateway has to be told so that `before` becomes `after`; undefined: nothing. @throws {ChangeError} */
export function mergePatch(before: Tree, after: Tree): MergePatch | undefined {
  const replacePaths: string[] = [];
  const patch = patchOf(before, after, { path: "", replacePaths });
  // A name that holds a dot may make two places one path: then the gateway would replace what it should merge.
  if (replacePaths.some((path) => placesAt(before, path) > 1)) throw new ChangeError();
  return patch === undefined ? undefined : { patch, replacePaths };
}

function placesAt(tree: Tree, path: string): number {
  if (!isFields(tree)) return 0;
  return Object.keys(tree)
    .map((name) =>
      path.startsWith(`${name}.`) ? placesAt(tree[name], path.slice(name.length + 1)) : Number(path === name),
    )
    .reduce((all, found) => all + found, 0);
}

interface Place {
  readonly path: string;
  readonly replacePaths: string[];
}

function patchOf(before: Tree, after: Tree, place: Place): Tree {
  if (isSame(before, after)) return undefined;
  if (isFields(before) && isFields(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    const parts = [...names].flatMap((name) => {
      const part = patchOf(field(before, name), field(after, name), { ...place, path: below(place.path, name) });
      return part === undefined ? [] : [[name, part] as const];
    });
    return Object.fromEntries(parts);
  }
  listsIn(before, place);
  if (after === undefined) return null; // gone, in the language of merge patches
  return after;
}

/** Whatever lists are replaced or go, the gateway wants them named. */
function listsIn(tree: Tree, { path, replacePaths }: Place): void {
  if (Array.isArray(tree)) replacePaths.push(path);
  else if (isFields(tree))
    for (const [name, item] of Object.entries(tree)) listsIn(item, { path: below(path, name), replacePaths });
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

export interface Difference {
  readonly path: string;
  readonly from: Tree;
  readonly to: Tree;
}

/** Where two configurations differ: leaves and whole lists, in the order of their paths. Undefined: not there. */
export function differences(before: Tree, after: Tree, path = ""): readonly Difference[] {
  if (isSame(before, after)) return [];
  const isBranch = (tree: Tree): tree is Branch => isFields(tree);
  if ((isBranch(before) || before === undefined) && (isBranch(after) || after === undefined)) {
    const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
    if (names.size === 0) return [{ path, from: before, to: after }];
    return [...names]
      .toSorted()
      .flatMap((name) => differences(field(before, name), field(after, name), below(path, name)));
  }
  return [{ path, from: before, to: after }];
}

/** Order of members does not count, order in lists does. */
export function isSame(one: Tree, other: Tree): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, at) => isSame(item, other[at]));
  if (!isFields(one) || !isFields(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
  );
}

/** The value at a path; undefined: not there. */
export function valueAt(tree: Tree, path: string): Tree {
  return segmentsOf(path).reduce<Tree>((inside, name) => {
    if (Array.isArray(inside)) return /^\d{1,6}$/.test(name) ? inside[Number(name)] : undefined;
    return isFields(inside) && Object.hasOwn(inside, name) ? inside[name] : undefined;
  }, tree);
}

/** True where the gateway shows the placeholder anywhere inside: the secret itself was not said. */
export function isRedacted(tree: Tree): boolean {
  return holds(tree, (leaf) => leaf === REDACTED);
}
