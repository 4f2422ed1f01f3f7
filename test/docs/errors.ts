/**
 * Every sentence with which the program or the control plane refuses, read from the source: docs/OPERATE.md lists them,
 * so that somebody who searches for a code or a sentence finds it. A value inside a sentence is shown as `…`.
 */
import { filesBelow, read } from "./source.ts";

export interface ErrorSentence {
  readonly code: string;
  readonly sentence: string;
}

/** A template's text without what is inserted. */
function sentenceOf(literal: string): string {
  const inner = literal.slice(1, -1).replaceAll(/\$\{[^}]*(\{[^}]*\}[^}]*)*\}/g, "…");
  return inner
    .replaceAll(/…{2,}/g, "…")
    .replaceAll(/\\n[\s\S]*$/g, "")
    .replaceAll(/\\(["'`])/g, "$1")
    .trim();
}

const LITERAL = String.raw`(\`[^\`]*\`|"[^"\n]*")`;

function unique(found: readonly ErrorSentence[]): readonly ErrorSentence[] {
  const byText = new Map(found.map((each) => [`${each.code} ${each.sentence}`, each]));
  return [...byText.values()].toSorted((a, b) => a.code.localeCompare(b.code) || a.sentence.localeCompare(b.sentence));
}

/** `new Name("code", "sentence")` anywhere in the agent. */
export function thrown(name: string): readonly ErrorSentence[] {
  const pattern = new RegExp(String.raw`new ${name}\(\s*"([a-z_]+)",\s*${LITERAL}`, "g");
  const found = filesBelow("agent", ".ts").flatMap((path) =>
    [...read(path).matchAll(pattern)].map(([, code = "", literal = ""]) => ({ code, sentence: sentenceOf(literal) })),
  );
  if (found.length === 0) throw new Error(`nobody throws ${name}`);
  return unique(found);
}

/** Rows `code: "sentence"`, `code: { …title: "sentence" }` or `code: [kind, "sentence"]` of a constant table. */
export function tabled(path: string, name: string): readonly ErrorSentence[] {
  const source = read(path);
  const start = source.indexOf(`const ${name}`);
  const end = source.indexOf("\n}", start);
  if (start < 0 || end < 0) throw new Error(`no table ${name} in ${path}`);
  const body = source.slice(source.indexOf("{\n", start) + 1, end);
  const pattern = new RegExp(
    String.raw`^ {2}"?([A-Za-z0-9_.]+)"?:([\s\S]*?)(?=^ {2}"?[A-Za-z0-9_.]+"?:|$(?![\s\S]))`,
    "gm",
  );
  return [...body.matchAll(pattern)].map(([, code = "", value = ""]) => {
    const literals = [...value.matchAll(new RegExp(LITERAL, "g"))].map((match) => match[1] ?? "");
    const sentence = literals.map(sentenceOf).findLast((text) => text.includes(" "));
    if (sentence === undefined) throw new Error(`${name}.${code} has no sentence`);
    return { code, sentence };
  });
}

/** `status: …, code: "…", detail: "…"` of the front's own answers; without a status it is a log line. */
export function frontProblems(): readonly ErrorSentence[] {
  const pattern = new RegExp(String.raw`status: [^,]+,\s*code: "([a-z_]+)",\s*detail: ${LITERAL}`, "g");
  const found = ["agent/edge", "agent/signer"].flatMap((directory) =>
    filesBelow(directory, ".ts").flatMap((path) =>
      [...read(path).matchAll(pattern)].map(([, code = "", literal = ""]) => ({ code, sentence: sentenceOf(literal) })),
    ),
  );
  return unique(found.filter(({ sentence }) => sentence.includes(" ") && /^[A-Z…]/.test(sentence)));
}

/** Members of `export type <name> = | "a" | "b"`. */
export function codesOf(path: string, name: string): readonly string[] {
  const source = read(path);
  const start = source.indexOf(`export type ${name} =`);
  if (start < 0) throw new Error(`no type ${name} in ${path}`);
  return [...source.slice(start, source.indexOf(";", start)).matchAll(/"([a-z_]+)"/g)].map((match) => match[1] ?? "");
}
