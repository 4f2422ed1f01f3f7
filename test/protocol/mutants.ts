/**
 * Finds the rules in a source text and writes copies that lack one each. Text level, for code in our own format: a
 * rule is a condition that refuses, or one operand of it; removing it means that it never refuses.
 */

export interface Mutant {
  /** File below protocol/. */
  readonly file: string;
  readonly line: number;
  /** What was replaced, on one line. */
  readonly was: string;
  readonly now: string;
  readonly text: string;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

interface Replacement extends Span {
  readonly by: string;
}

/** What follows a condition that refuses. */
const REFUSES =
  /^\s*\{?\s*(throw new (Refused|Denied|MalformedError)\(|return (refuse|fail)\(|return (false|undefined|"[a-z_]+"|\{ ok: false|\{ kind: "known")[;, ])/;

export function mutantsOf(file: string, text: string): readonly Mutant[] {
  const replacements = [
    ...refusals(text),
    ...admissions(text),
    ...booleans(text),
    ...predicates(text),
    ...verdicts(text),
  ];
  const seen = new Set<string>();
  return replacements.flatMap(({ start, end, by }) => {
    const key = `${start} ${end} ${by}`;
    const was = text.slice(start, end);
    if (seen.has(key) || was === by) return [];
    seen.add(key);
    const line = text.slice(0, start).split("\n").length;
    const mutated = text.slice(0, start) + by + text.slice(end);
    return [{ file, line, was: was.replaceAll(/\s+/g, " ").trim(), now: by, text: mutated }];
  });
}

/** `if (condition) refuse`: the condition, and each of its operands. */
function refusals(text: string): readonly Replacement[] {
  return [...text.matchAll(/\bif \(/g)].flatMap(({ index }) => {
    const condition = { start: index + 4, end: closing(text, index + 3) };
    if (!REFUSES.test(text.slice(condition.end + 1))) return [];
    return [{ ...condition, by: "false" }, ...operands(text, condition)];
  });
}

/** `if (condition) return true`: always, and without each of its operands. */
function admissions(text: string): readonly Replacement[] {
  return [...text.matchAll(/\bif \(/g)].flatMap(({ index }) => {
    const condition = { start: index + 4, end: closing(text, index + 3) };
    if (!/^\s*return true;/.test(text.slice(condition.end + 1))) return [];
    return [{ ...condition, by: "true" }, ...operands(text, condition)];
  });
}

/** `(one) => a && b` inside a call: each operand. */
function predicates(text: string): readonly Replacement[] {
  return [...text.matchAll(/=>\s+(?=[^\s{])/g)].flatMap(({ 0: arrow, index }) => {
    const start = index + arrow.length;
    return operands(text, { start, end: start + lengthOf(text, start) });
  });
}

/** Characters of an expression up to what closes around it. */
function lengthOf(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const character = text.charAt(i);
    if ("([{".includes(character)) depth += 1;
    if (")]}".includes(character)) depth -= 1;
    if (depth < 0 || (depth === 0 && ",;".includes(character))) return i - start;
  }
  return text.length - start;
}

/** `const name = a && b;` and `return a && b;`: each operand. A lone comparison is turned both ways. */
function booleans(text: string): readonly Replacement[] {
  return [...text.matchAll(/\b(?:const \w+ =|return)\s+(?=[^;{]*;)/g)].flatMap(({ 0: head, index }) => {
    const start = index + head.length;
    const expression = { start, end: ending(text, start) };
    const content = text.slice(expression.start, expression.end);
    if (/=>|\?/.test(outermost(content))) return [];
    const parts = operands(text, expression);
    if (parts.length > 0) return parts;
    const compares = / (?:===|!==|<=|>=|<|>) /.test(outermost(content)) || content.startsWith("!");
    return compares
      ? [
          { ...expression, by: "true" },
          { ...expression, by: "false" },
        ]
      : [];
  });
}

/** `return condition ? undefined : "code"` and the other way round: never the code. */
function verdicts(text: string): readonly Replacement[] {
  return [...text.matchAll(/\breturn ([^;?]+) \? (\w+|"[a-z_]+") : (\w+|"[a-z_]+");/g)].flatMap((found) => {
    const [, condition = "", then = "", otherwise = ""] = found;
    if (!then.startsWith('"') && !otherwise.startsWith('"')) return [];
    const start = found.index + "return ".length;
    return [{ start, end: start + condition.length, by: otherwise.startsWith('"') ? "true" : "false" }];
  });
}

/** Operands of the outermost `||` and `&&`, each replaced by what makes it have no say. */
function operands(text: string, { start, end }: Span): readonly Replacement[] {
  const content = text.slice(start, end);
  const flat = outermost(content);
  const separators = [...flat.matchAll(/\|\||&&/g)];
  if (separators.length === 0) return [];
  const bounds = [0, ...separators.flatMap(({ index }) => [index, index + 2]), content.length];
  return bounds.flatMap((from, i) => {
    const to = bounds[i + 1];
    if (i % 2 === 1 || to === undefined) return [];
    const part = content.slice(from, to);
    const lead = part.length - part.trimStart().length;
    const neighbours = [separators[i / 2 - 1]?.[0], separators[i / 2]?.[0]];
    const by = neighbours.includes("&&") ? "true" : "false";
    const inner = { start: start + from + lead, end: start + from + lead + part.trim().length };
    return [{ ...inner, by }];
  });
}

/** The text with everything inside brackets and strings blanked, so that only the outermost operators are left. */
function outermost(content: string): string {
  let depth = 0;
  let quote = "";
  let flat = "";
  for (let i = 0; i < content.length; i++) {
    const character = content.charAt(i);
    const inside = depth > 0 || quote !== "";
    if (quote !== "") {
      if (character === quote && content[i - 1] !== "\\") quote = "";
    } else if (`"'\``.includes(character)) quote = character;
    else if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    flat += inside || depth > 0 || quote !== "" ? "_" : character;
  }
  return flat;
}

function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "(") depth += 1;
    if (text[i] === ")") depth -= 1;
    if (depth === 0) return i;
  }
  throw new RangeError("unbalanced parentheses");
}

function ending(text: string, start: number): number {
  const rest = outermost(text.slice(start));
  const end = rest.indexOf(";");
  return end < 0 ? text.length : start + end;
}
