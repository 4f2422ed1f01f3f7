/** Text of a machine for a terminal: a file name of somebody else's could hold what moves the cursor or repaints a line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u00B7");
}
