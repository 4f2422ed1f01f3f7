/** How checkpoints and cosignatures look on the wire and on disk. Everything read here is hostile until a key says otherwise. */
import { MalformedError } from "../../../protocol/canonical.ts";
import {
  logOrigin,
  openCheckpoint,
  parseCheckpoint,
  type Checkpoint,
  type OpenedCheckpoint,
} from "../../../protocol/checkpoint.ts";
import { decodeNote, encodeNote, isSignedBy, noteFromWire, noteToWire } from "../../../protocol/note.ts";

export interface LogKey {
  readonly workspace: string;
  readonly ledgerKey: string;
}

/** Undefined for everything that the log key of this workspace did not sign as a checkpoint. */
export async function openWire(wire: string, log: LogKey): Promise<OpenedCheckpoint | undefined> {
  const text = textOfWire(wire);
  const opened = text === undefined ? undefined : await openCheckpoint(text, log);
  return typeof opened === "object" ? opened : undefined;
}

/** Undefined for what is no text. */
export function textOfWire(wire: string): string | undefined {
  try {
    return noteFromWire(wire);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** The checkpoint with the log key's line alone: what else an edge wrote below it is nobody's word and may be long. */
export async function bareNote({ note }: OpenedCheckpoint, { workspace, ledgerKey }: LogKey): Promise<string> {
  for (const signature of note.signatures) {
    const alone = { text: note.text, signatures: [signature] };
    if (await isSignedBy(alone, { name: logOrigin(workspace), publicKey: ledgerKey })) return encodeNote(alone);
  }
  throw new TypeError("witness: an opened checkpoint carries the key's line");
}

/** What a note says, whoever signed it. @throws {MalformedError} */
export function unverifiedCheckpoint(note: string): Checkpoint {
  return parseCheckpoint(decodeNote(note).text);
}

/** The checkpoint's text with this host's line alone, which is the last one of what it keeps. */
export function ownLine(note: string): string {
  const { text, signatures } = decodeNote(note);
  return noteToWire(encodeNote({ text, signatures: signatures.slice(-1) }));
}
