/**
 * Reads just enough Markdown to hold documents to their word: tables, links, headings, marked sections. Not a
 * renderer; a document that it cannot read is written differently, not parsed harder.
 */

export interface Table {
  /** Text of the nearest heading above. */
  readonly heading: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const isRow = (line: string): boolean => line.startsWith("|") && line.trimEnd().endsWith("|");
const isRule = (line: string): boolean => /^\|(\s*:?-+:?\s*\|)+\s*$/.test(line);

/** A cell may hold an escaped bar; no other escape is used. */
function cells(line: string): readonly string[] {
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** Lines outside fenced blocks; fenced ones are given as empty so that numbers stay. */
function prose(markdown: string): readonly string[] {
  let fenced = false;
  return markdown.split("\n").map((line) => {
    if (line.startsWith("```")) {
      fenced = !fenced;
      return "";
    }
    return fenced ? "" : line;
  });
}

export function tables(markdown: string): readonly Table[] {
  const lines = prose(markdown);
  const found: Table[] = [];
  let heading = "";
  for (const [i, line] of lines.entries()) {
    if (line.startsWith("#")) heading = line.replace(/^#+\s*/, "");
    if (!isRule(line) || !isRow(lines[i - 1] ?? "")) continue;
    const end = lines.findIndex((later, j) => j > i && !isRow(later));
    const body = lines.slice(i + 1, end < 0 ? lines.length : end);
    found.push({ heading, header: cells(lines[i - 1] ?? ""), rows: body.map(cells) });
  }
  return found;
}

/** The first table below a heading. @throws {Error} naming the heading. */
export function tableUnder(markdown: string, heading: string): Table {
  const table = tables(markdown).find((each) => each.heading === heading);
  if (table === undefined) throw new Error(`no table under "${heading}"`);
  return table;
}

/** A column without its code ticks. @throws {Error} when the table has no such column. */
export function column(table: Table, name: string): readonly string[] {
  const at = table.header.indexOf(name);
  if (at < 0) throw new Error(`no column "${name}" under "${table.heading}"`);
  return table.rows.map((row) => plain(row[at] ?? ""));
}

export function plain(cell: string): string {
  return cell.replaceAll("`", "");
}

/** Every code span of a text outside fenced blocks. */
export function codeSpans(markdown: string): readonly string[] {
  return [
    ...prose(markdown)
      .join("\n")
      .matchAll(/`([^`\n]+)`/g),
  ].map((match) => match[1] ?? "");
}

/** Targets of inline links outside fenced blocks. */
export function links(markdown: string): readonly string[] {
  return [
    ...prose(markdown)
      .join("\n")
      .matchAll(/\]\(([^)\s]+)\)/g),
  ].map((match) => match[1] ?? "");
}

/** Anchors as code hosts derive them from headings. */
export function anchors(markdown: string): readonly string[] {
  return prose(markdown)
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) =>
      line
        .replace(/^#+\s*/, "")
        .toLowerCase()
        .replaceAll(/[^a-z0-9 _-]/g, "")
        .replaceAll(" ", "-"),
    );
}

const opening = (name: string): string => `<!-- from the code: ${name} -->`;
const CLOSING = "<!-- end -->";

interface Span {
  readonly from: number;
  readonly to: number;
}

function spanOf(markdown: string, name: string): Span {
  const start = markdown.indexOf(opening(name));
  const end = markdown.indexOf(CLOSING, start);
  if (start < 0 || end < 0) throw new Error(`no section "${name}"`);
  return { from: start + opening(name).length, to: end };
}

/** Text between a section's marks. @throws {Error} when the document has no such section. */
export function section(markdown: string, name: string): string {
  const { from, to } = spanOf(markdown, name);
  return markdown.slice(from, to).trim();
}

export function withSection(markdown: string, name: string, content: string): string {
  const { from, to } = spanOf(markdown, name);
  return `${markdown.slice(0, from)}\n${content.trim()}\n${markdown.slice(to)}`;
}

export function sectionNames(markdown: string): readonly string[] {
  return [...markdown.matchAll(/<!-- from the code: ([a-z-]+) -->/g)].map((match) => match[1] ?? "");
}

export function tableText(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
