/**
 * Where a copy goes on. It travels through the page and is believed like anything that comes from there: whoever bends
 * it gets another part of what they may read, and a file that does not verify.
 */
import { problem } from "../http/problems.ts";

/** In this order. `trust`, `notes` and `tail` exist only in our own format. */
const stages = ["head", "trust", "notes", "rows", "tail"] as const;
type Stage = (typeof stages)[number];

export interface Cursor {
  readonly stage: Stage;
  /** `rows`: the index of the last entry looked at. `trust`: one more than the last place in the trust log; 0: none. */
  readonly after: number;
  /** Written before this point. */
  readonly lines: number;
}

export const START: Cursor = { stage: "head", after: 0, lines: 0 };

export function encodeCursor({ stage, after, lines }: Cursor): string {
  return `${stage}.${after}.${lines}`;
}

/** @throws {ProblemError} `malformed_request` */
export function readCursor(query: URLSearchParams): Cursor {
  const values = query.getAll("cursor");
  const [text] = values;
  if (text === undefined) return START;
  const [, name, after, lines] = /^([a-z]{4,5})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/.exec(text) ?? [];
  const stage = stages.find((known) => known === name);
  if (values.length !== 1 || stage === undefined) throw problem("malformed_request", "cursor");
  return { stage, after: Number(after), lines: Number(lines) };
}
