/**
 * Makes characters visible that would deceive whoever reads: controls, escapes, changes of direction, letters without
 * width. Pure. A line feed stays what it is; everything else that cannot be seen becomes a name.
 */

export interface Run {
  readonly text: string;
  /** What the character does, where this run is one that cannot be seen. */
  readonly hidden?: string;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x00, "null"],
  [0x07, "bell"],
  [0x08, "backspace: takes back the letter before it in a terminal"],
  [0x09, "tab"],
  [0x0d, "carriage return: a terminal writes over the line from its start"],
  [0x1b, "escape: begins an instruction to a terminal"],
  [0x7f, "delete"],
  [0x9b, "escape: begins an instruction to a terminal"],
  [0xa0, "space that does not break"],
  [0xad, "hyphen that is not shown"],
  [0x200b, "space without width"],
  [0x200c, "joiner without width"],
  [0x200d, "joiner without width"],
  [0x200e, "left-to-right mark"],
  [0x200f, "right-to-left mark"],
  [0x2028, "line separator"],
  [0x2029, "paragraph separator"],
  [0x202a, "left-to-right embedding"],
  [0x202b, "right-to-left embedding"],
  [0x202c, "end of a direction"],
  [0x202d, "left-to-right override"],
  [0x202e, "right-to-left override: what follows reads backwards"],
  [0x2066, "left-to-right isolate"],
  [0x2067, "right-to-left isolate"],
  [0x2068, "isolate of the first strong direction"],
  [0x2069, "end of an isolate"],
  [0xfeff, "byte order mark"],
]);

/** Format characters, spaces that are none, lone halves of pairs, private and unassigned ones; letters of any script stay. */
const UNSEEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00a0\u115f\u1160\u1680\u2000-\u200a\u202f\u205f\u3000\u3164\uffa0]/u;

export function runsOf(text: string): readonly Run[] {
  const runs: Run[] = [];
  let plain = "";
  for (const character of text) {
    if (character === "\n" || !UNSEEN.test(character)) {
      plain += character;
      continue;
    }
    if (plain !== "") runs.push({ text: plain });
    plain = "";
    const point = character.codePointAt(0) ?? 0;
    const name = `U+${point.toString(16).toUpperCase().padStart(4, "0")}`;
    runs.push({ text: name, hidden: NAMES.get(point) ?? "cannot be seen" });
  }
  if (plain !== "") runs.push({ text: plain });
  return runs;
}

export function hiddenIn(text: string): number {
  return runsOf(text).filter(({ hidden }) => hidden !== undefined).length;
}
