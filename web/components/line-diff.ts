/** What became of the lines of a text. Pure, and bounded: long texts that differ much are shown whole, out and in. */

export interface DiffLine {
  readonly kind: "same" | "out" | "in";
  readonly text: string;
}

/** Of what is left between the common start and end: comparing costs the product of both lengths. */
const MAX_CELLS = 1_000_000;

export function diffLines(before: string, after: string): readonly DiffLine[] {
  const [from, to] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) start += 1;
  let end = 0;
  while (end < from.length - start && end < to.length - start && from.at(-1 - end) === to.at(-1 - end)) end += 1;
  const middle = between(from.slice(start, from.length - end), to.slice(start, to.length - end));
  return [
    ...from.slice(0, start).map((text) => ({ kind: "same", text }) as const),
    ...middle,
    ...from.slice(from.length - end).map((text) => ({ kind: "same", text }) as const),
  ];
}

function between(from: readonly string[], to: readonly string[]): readonly DiffLine[] {
  const out = from.map((text) => ({ kind: "out", text }) as const);
  const into = to.map((text) => ({ kind: "in", text }) as const);
  if (from.length * to.length === 0 || from.length * to.length > MAX_CELLS) return [...out, ...into];
  const width = to.length + 1;
  // Length of the longest common rest from each pair of lines on.
  const rest = new Uint32Array((from.length + 1) * width);
  const at = (a: number, b: number) => rest[a * width + b] ?? 0;
  for (let a = from.length - 1; a >= 0; a -= 1)
    for (let b = to.length - 1; b >= 0; b -= 1)
      rest[a * width + b] = from[a] === to[b] ? at(a + 1, b + 1) + 1 : Math.max(at(a + 1, b), at(a, b + 1));
  const lines: DiffLine[] = [];
  let [a, b] = [0, 0];
  while (a < from.length && b < to.length) {
    const text = from[a] ?? "";
    if (text === to[b]) {
      lines.push({ kind: "same", text });
      [a, b] = [a + 1, b + 1];
    } else if (at(a + 1, b) >= at(a, b + 1)) {
      lines.push({ kind: "out", text });
      a += 1;
    } else {
      lines.push({ kind: "in", text: to[b] ?? "" });
      b += 1;
    }
  }
  return [...lines, ...out.slice(a), ...into.slice(b)];
}
