/**
 * Files of ours say whose they are and what they were: a line with the check, and the digest of everything below it. Somebody who
 * edits one by hand has his reason; it is then reported, and never overwritten.
 */
import { sha256 } from "./disk.ts";

const LINE = /^# Made by Clawhold for ([a-z0-9.-]{1,40})\. Edited by hand it is left alone\. sha256:([0-9a-f]{64})\n/;

export function marked(purpose: string, body: string): string {
  const text = body.endsWith("\n") ? body : `${body}\n`;
  return `# Made by Clawhold for ${purpose}. Edited by hand it is left alone. sha256:${sha256(text)}\n${text}`;
}

/** `ours`: as we wrote it. `edited`: ours once. `foreign`: never was. */
export function whose(text: string): "ours" | "edited" | "foreign" {
  const found = LINE.exec(text);
  if (found === null) return "foreign";
  return sha256(text.slice(found[0].length)) === found[2] ? "ours" : "edited";
}
