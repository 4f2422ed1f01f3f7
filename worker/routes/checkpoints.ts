/** What was signed of the log, by the writer and by hosts. Judged by whoever reads it, not here. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { toBase64url } from "../../protocol/bytes.ts";
import { MAX_CHECKPOINTS_LISTED } from "../../protocol/limits.ts";
import { noteToWire } from "../../protocol/note.ts";
import { problem } from "../http/problems.ts";
import { readCount } from "../http/query.ts";
import type { Handler } from "../mount.ts";

export const checkpoints: Handler<"checkpoints"> = async ({ authority, deps }) => {
  const books = deps.books(authority.workspace);
  const [listed, witnesses, refused] = await Promise.all([
    books.checkpoints.list(MAX_CHECKPOINTS_LISTED),
    books.checkpoints.witnesses(),
    books.refusal(),
  ]);
  return {
    body: {
      checkpoints: listed.map(({ note, at }) => ({ note: noteToWire(note), at })),
      witnesses: witnesses.map(({ host, note, at }) => ({ host, note: noteToWire(note), at })),
      ...(refused === undefined ? {} : { refused }),
      now: edgeSeconds(),
    },
  };
};

/** Proves that the longer log begins with the shorter one; sizes as two checkpoints name them. */
export const consistency: Handler<"consistency"> = async ({ authority, arrival, deps }) => {
  const from = readCount(arrival.query, "from") ?? 0;
  const to = readCount(arrival.query, "to") ?? 0;
  const { reader, tree } = deps.books(authority.workspace);
  if (from < 1 || from > to || to > (await reader.head()).index) throw problem("malformed_request", "sizes");
  return { body: { consistency: (await tree.consistency(from, to)).map(toBase64url) } };
};
