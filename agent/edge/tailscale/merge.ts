/**
 * Brings our part into a tailnet's policy: says what would be added and removed, and makes the new text by changing only
 * that. What is ours carries our comment, or is one of our tags; everything else is read and left alone. Pure.
 */
import { HujsonError, parseHujson, type Item, type Json, type Node, type Span } from "./hujson.ts";
import { EDGE_TAG, HOST_TAG, policySections, textOf, type Part, type PolicySection } from "./policy.ts";

/** Before each entry of ours in a list: whoever removes the comment takes the entry over. */
export const MARK = "// Clawhold keeps this entry: clawhold up tailscale-policy";

export interface PolicyPlan {
  readonly add: readonly Part[];
  readonly remove: readonly Part[];
  /** Entries about our tags that somebody else wrote, as text: left alone, and shown. */
  readonly foreign: readonly string[];
  /** The whole policy afterwards. */
  readonly text: string;
}

/** @throws {HujsonError} for a policy that cannot be read, or whose sections are not what Tailscale documents. */
export function planPolicy(current: string, wanted: readonly Part[]): PolicyPlan {
  const root = parseHujson(current);
  if (!current.startsWith("{", root.start)) throw new HujsonError("the policy is not an object");
  const plans = policySections.map((section) => planSection({ current, root, section }, wanted));
  const edits = plans.flatMap(({ edits: own }) => own);
  return {
    add: plans.flatMap(({ add }) => add),
    remove: plans.flatMap(({ remove }) => remove),
    foreign: plans.flatMap(({ foreign }) => foreign),
    text: applyEdits(current, edits),
  };
}

export function sameJson(a: Json, b: Json): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

interface Edit extends Span {
  readonly text: string;
}

interface Place {
  readonly current: string;
  readonly root: Node;
  readonly section: PolicySection;
}

interface SectionPlan extends Omit<PolicyPlan, "text"> {
  readonly edits: readonly Edit[];
}

function planSection(place: Place, all: readonly Part[]): SectionPlan {
  const { current, root, section } = place;
  const wanted = all.filter((part) => part.section === section);
  const found = root.items.find(({ key }) => key === section);
  if (found === undefined) return { add: wanted, remove: [], foreign: [], edits: addSection(place, wanted) };
  const opening = section === "tagOwners" ? "{" : "[";
  if (!current.startsWith(opening, found.value.start))
    throw new HujsonError(`"${section}" does not begin with ${opening}`);
  const kept = new Set<Part>();
  const gone: Item[] = [];
  const foreign: string[] = [];
  for (const item of found.value.items) {
    const same = wanted.find((part) => !kept.has(part) && isSame(item, part));
    if (same !== undefined) kept.add(same);
    else if (isOurs(item, current)) gone.push(item);
    else if (namesOurTag(item)) foreign.push(current.slice(item.start, item.end).replaceAll(/\s+/g, " "));
  }
  const add = wanted.filter((part) => !kept.has(part));
  return {
    add,
    remove: gone.map(({ key, value }) => ({ section, key, json: value.json })),
    foreign,
    edits: [...gone.map((item) => removal(item, current)), ...addItems(found.value, add, { current, gone })],
  };
}

function isSame({ key, value }: Item, part: Part): boolean {
  return key === part.key && sameJson(value.json, part.json);
}

/** A tag's owners are ours by the tag's name: whoever else may give it away could make any machine a host. */
function isOurs({ key, comments }: Item, current: string): boolean {
  if (key === EDGE_TAG || key === HOST_TAG) return true;
  const last = comments.at(-1);
  return last !== undefined && current.slice(last.start, last.end).trimEnd() === MARK;
}

function namesOurTag({ value }: Item): boolean {
  return /"tag:clawhold-(?:edge|host)[":]/.test(JSON.stringify(value.json));
}

/** With the comment that is ours, its line, and the comma behind it. */
function removal(item: Item, current: string): Edit {
  const mark = isMarked(item, current) ? (item.comments.at(-1)?.start ?? item.start) : item.start;
  const before = current.slice(0, mark);
  const start = before.length - (/[ \t]*$/.exec(before)?.[0].length ?? 0);
  const isOwnLine = start > 0 && current[start - 1] === "\n";
  return { start: isOwnLine ? start - 1 : mark, end: item.afterComma ?? item.end, text: "" };
}

function isMarked({ comments }: Item, current: string): boolean {
  const last = comments.at(-1);
  return last !== undefined && current.slice(last.start, last.end).trimEnd() === MARK;
}

/** Behind everything that is there, comments included, so that none of them changes what it is about. */
function addItems(
  container: Node,
  parts: readonly Part[],
  { current, gone }: { readonly current: string; readonly gone: readonly Item[] },
): readonly Edit[] {
  if (parts.length === 0) return [];
  const closing = container.end - 1;
  const last = container.items.at(-1);
  // Where the last one is removed, so is its end: a comma of its own would then stand alone.
  const needsComma = last !== undefined && last.afterComma === undefined && !gone.includes(last);
  const tail = /\s*$/.exec(current.slice(container.start, closing))?.[0] ?? "";
  const at = closing - tail.length;
  const outer = indentAt(current, container.start);
  const inner = last === undefined ? `${outer}\t` : indentAt(current, last.start);
  const lines = parts.map((part) => `\n${inner}${part.key === undefined ? `${MARK}\n${inner}` : ""}${textOf(part)},`);
  const end = tail.includes("\n") ? "" : `\n${outer}`;
  return [
    ...(needsComma ? [{ start: last.end, end: last.end, text: "," }] : []),
    { start: at, end: at, text: `${lines.join("")}${end}` },
  ];
}

function addSection({ current, root, section }: Place, parts: readonly Part[]): readonly Edit[] {
  const isObject = section === "tagOwners";
  const body = parts.map((part) => `\n\t\t${part.key === undefined ? `${MARK}\n\t\t` : ""}${textOf(part)},`).join("");
  const text = `\n\n\t${JSON.stringify(section)}: ${isObject ? "{" : "["}${body}\n\t${isObject ? "}" : "]"},`;
  const closing = root.end - 1;
  const last = root.items.at(-1);
  const tail = /\s*$/.exec(current.slice(root.start, closing))?.[0] ?? "";
  const at = closing - tail.length;
  const needsComma = last !== undefined && last.afterComma === undefined;
  return [
    ...(needsComma ? [{ start: last.end, end: last.end, text: "," }] : []),
    { start: at, end: at, text: tail.includes("\n") ? text : `${text}\n` },
  ];
}

/** White space at the beginning of the line on which something stands. */
function indentAt(current: string, at: number): string {
  const line = current.slice(current.lastIndexOf("\n", at - 1) + 1, at);
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** In their order; two at one place in the order in which they were made, and one comma is enough. */
function applyEdits(current: string, edits: readonly Edit[]): string {
  let text = "";
  let at = 0;
  const commas = new Set<number>();
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    if (edit.text === "," && commas.has(edit.start)) continue;
    if (edit.text === ",") commas.add(edit.start);
    text += current.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + current.slice(at);
}

function sorted(json: Json): Json {
  if (typeof json !== "object" || json === null) return json;
  if (isList(json)) return json.map(sorted);
  return Object.fromEntries(
    Object.entries(json)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, sorted(value)]),
  );
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
