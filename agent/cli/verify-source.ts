/**
 * Where `clawhold verify` reads from: a file, or an address that gives one. Bytes come in chunks that are used again, so
 * that a file of any size takes the same memory. What an address sends is as little believed as a file.
 */
import { lookup } from "node:dns";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { MAX_NOTE_BYTES } from "../../protocol/limits.ts";
import { TICKET_HEADER } from "../../protocol/contracts/exports.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { parseCheckpoint } from "../../protocol/checkpoint.ts";
import { ledgerLineCodec, type LedgerLine } from "../../protocol/ledger-file.ts";
import { decodeNote } from "../../protocol/note.ts";
import { systemCode } from "../shared/edge-error.ts";
import { LineCutter, LineTooLong } from "../verify/lines.ts";
import { noteText } from "../verify/room.ts";
import { CliError, EXIT, usageError } from "./io.ts";

/** Large enough that reading costs nothing beside hashing. */
const CHUNK_BYTES = 1_048_576;
const NONCE = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

export type Chunks = AsyncIterable<Buffer>;

export function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

/** Each chunk is valid until the next is asked for. @throws {CliError} */
export async function* readFileChunks(path: string): Chunks {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const fd = attempt(path, () => openSync(path, "r"));
  try {
    for (;;) {
      const bytes = attempt(path, () => readSync(fd, chunk, 0, CHUNK_BYTES, -1));
      if (bytes === 0) return;
      yield chunk.subarray(0, bytes);
    }
  } finally {
    closeSync(fd);
  }
}

/** `ticketFile`: holds the one-time ticket of an export, which must not stand in an address. @throws {CliError} */
export async function* readAddress(address: string, ticketFile: string | undefined): Chunks {
  const url = addressOf(address);
  const ticket = ticketFile === undefined ? undefined : readTicket(ticketFile);
  try {
    const answer = await ask(url, ticket);
    if (answer.statusCode !== 200) {
      answer.destroy();
      throw notGiven(url, answer.statusCode ?? 0, ticket !== undefined);
    }
    for await (const part of answer as AsyncIterable<Buffer>) yield part;
  } catch (error) {
    throw error instanceof CliError ? error : unreachable(url, error);
  }
}

/** Goes nowhere else than it was sent: no redirects, no proxies. */
function ask(url: URL, ticket: string | undefined): Promise<IncomingMessage> {
  const { request } = url.protocol === "https:" ? https : http;
  const options: http.RequestOptions = {
    agent: false,
    lookup: lookUp,
    ...(ticket === undefined ? {} : { method: "POST", headers: { [TICKET_HEADER]: ticket, "content-length": "0" } }),
  };
  return new Promise((resolve, reject) => {
    request(url, options, resolve).on("error", reject).end();
  });
}

/** Names under localhost are this machine, whatever its resolver knows of them (RFC 6761, section 6.3). */
const lookUp: LookupFunction = (hostname, options, callback) => {
  if (!hostname.endsWith(".localhost")) lookup(hostname, options, callback);
  else if (options.all === true) callback(null, [{ address: "127.0.0.1", family: 4 }]);
  else callback(null, "127.0.0.1", 4);
};

function notGiven(url: URL, status: number, hasTicket: boolean): CliError {
  const next = hasTicket
    ? "A ticket works once and for seconds: get a new one on the page Activity."
    : "Check the address.";
  return new CliError("address_answer", `${url.host} answered ${String(status)} and gave no file. ${next}`, EXIT.usage);
}

function addressOf(address: string): URL {
  const url = URL.parse(address);
  if (url === null) throw usageError("The address cannot be read. Give one that begins with https:// or a file.");
  const isLoopback = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname) || url.hostname.endsWith(".localhost");
  if (url.protocol !== "https:" && !isLoopback)
    throw usageError(
      "Only https:// addresses are read; http:// only of this machine. Anybody between could read along.",
    );
  if (url.username !== "" || url.password !== "")
    throw usageError("The address holds a user name or password. Take it out: other programs can see what is typed.");
  return url;
}

function readTicket(path: string): string {
  const text = attempt(path, () => readFileSync(path, "utf8")).trim();
  if (!NONCE.test(text))
    throw usageError(`${path} does not hold a ticket. Save exactly the ticket that the page shows.`);
  return text;
}

/** @throws what is no trouble of the connection */
function unreachable(url: URL, error: unknown): CliError {
  const code = systemCode(error);
  if (code === undefined) throw error;
  return new CliError(
    "address_unreachable",
    `${url.host} could not be read to the end (${code}). Nothing was decided about the file. Check the address and type it again.`,
    EXIT.usage,
  );
}

/**
 * The text of a checkpoint that somebody kept: a note in a file of its own, or the one inside an earlier copy of the log.
 * @throws {CliError}
 */
export async function readKeptNote(path: string): Promise<string> {
  const cutter = new LineCutter();
  const beginning: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readFileChunks(path)) {
    if (bytes < MAX_NOTE_BYTES) beginning.push(Buffer.from(chunk.subarray(0, MAX_NOTE_BYTES + 1)));
    bytes += chunk.length;
    const note = Buffer.concat(beginning).toString("utf8");
    if (note.startsWith("clawhold/")) {
      if (bytes <= MAX_NOTE_BYTES && isCheckpoint(note)) return note;
      break;
    }
    const inside = noteAmong(cutter, chunk);
    if (inside !== undefined) return inside;
  }
  throw usageError(
    `${path} holds no checkpoint. Give a checkpoint that you saved, or an earlier copy of the log in JSON lines.`,
  );
}

/** Of the first line that is a checkpoint; one that is too long ends the looking. */
function noteAmong(cutter: LineCutter, chunk: Buffer): string | undefined {
  try {
    cutter.push(chunk);
    while (cutter.advance()) {
      const line = decoded(cutter.line());
      if (line?.kind === "checkpoint") return noteText(line.note);
    }
  } catch (error) {
    if (!(error instanceof LineTooLong)) throw error;
  }
  return undefined;
}

function decoded(bytes: Uint8Array): LedgerLine | undefined {
  try {
    return ledgerLineCodec.decode(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function isCheckpoint(note: string): boolean {
  try {
    parseCheckpoint(decodeNote(note).text);
    return true;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw usageError(
      `${path} cannot be read (${code}). Check its name. Copies of the log are saved on the page Activity.`,
    );
  }
}
