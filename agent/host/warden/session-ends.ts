/**
 * Sessions that were ended early: kept on disk until they would have ended anyway, so that a restart does not bring one
 * back. Whoever hands an end in has verified it; nothing here asks who may.
 */
import * as v from "valibot";
import { decodeCanonical, encodeCanonical, MalformedError } from "../../../protocol/canonical.ts";
import { utf8, utf8Text } from "../../../protocol/bytes.ts";
import { digest, id, seconds } from "../../../protocol/fields.ts";
import { SESSION_SKEW_SECONDS } from "../../../protocol/limits.ts";
import type { Digest } from "../../../protocol/signing.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { HostError } from "../host-error.ts";
import { AppendError, AppendFile, type AppendIo } from "./append-file.ts";

const lineSchema = v.strictObject({
  session: digest,
  person: id,
  /** When it would have ended anyway, edge clock. */
  until: seconds,
});
export type EndedSession = v.InferOutput<typeof lineSchema>;

/**
 * Eight times what one person can have open. Beyond it the one that ends soonest is forgotten, of the same person: who
 * can open that many has the passkey, and gains nothing by bringing back an old session of their own.
 */
export const MAX_ENDS_PER_PERSON = 64;
/** The file is written anew when it holds this many lines more than count. */
const SPARE_LINES = 1_024;

export interface SessionEndsOptions {
  readonly path: string;
  /** Host wall clock, seconds. */
  readonly now: () => number;
  readonly io?: AppendIo;
}

export class SessionEnds {
  readonly #file: AppendFile;
  readonly #now: () => number;
  /** By person and session. Durable but for the unwritten: the file holds each of these, and some that are over. */
  readonly #ends = new Map<string, EndedSession>();
  /** RAM only: counts until this process ends, and is written when it is said again. */
  readonly #unwritten = new Set<string>();
  #lines = 0;

  private constructor(file: AppendFile, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  static open({ path, now, io }: SessionEndsOptions): SessionEnds {
    const { file, lines } = AppendFile.open(path, io);
    try {
      const store = new SessionEnds(file, now);
      for (const [i, line] of lines.entries()) store.#keep(readLine(line, path, i + 1));
      store.#lines = lines.length;
      return store;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Of this person: whoever has seen a sign-in can have the same bytes signed by a passkey of their own. */
  has(session: Digest, person: string): boolean {
    return this.#ends.has(nameOf({ session, person }));
  }

  /** Counts at once, and is durable when it returns; false when it was before. @throws {AppendError} */
  add(end: EndedSession): boolean {
    const name = nameOf(end);
    if (this.#ends.has(name) && !this.#unwritten.has(name)) return false;
    this.#keep(end);
    this.#unwritten.add(name);
    if (this.#lines > this.#ends.size + SPARE_LINES) this.#rewrite();
    else this.#append(end);
    this.#unwritten.delete(name);
    return true;
  }

  close(): void {
    this.#file.close();
  }

  #keep(end: EndedSession): void {
    this.#dropOver();
    const own = [...this.#ends.values()].filter(({ person }) => person === end.person);
    if (own.length >= MAX_ENDS_PER_PERSON && !this.#ends.has(nameOf(end))) {
      const soonest = own.reduce((a, b) => (b.until < a.until ? b : a));
      this.#forget(soonest);
    }
    this.#ends.set(nameOf(end), end);
  }

  /** A certificate counts a little longer than it says, so its end is kept as long. */
  #dropOver(): void {
    const now = this.#now();
    for (const end of this.#ends.values()) if (now > end.until + SESSION_SKEW_SECONDS) this.#forget(end);
  }

  #forget(end: EndedSession): void {
    this.#ends.delete(nameOf(end));
    this.#unwritten.delete(nameOf(end));
  }

  #append(end: EndedSession): void {
    this.#file.append(encodeLine(end));
    this.#lines += 1;
  }

  /** A file that only grew would let one stolen passkey fill the disk. */
  #rewrite(): void {
    this.#dropOver();
    try {
      this.#file.replace([...this.#ends.values()].map(encodeLine));
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      throw new AppendError("the list could not be written anew", { cause: error });
    }
    this.#lines = this.#ends.size;
  }
}

function nameOf({ session, person }: Pick<EndedSession, "session" | "person">): string {
  return `${person} ${session}`;
}

function encodeLine(end: EndedSession): string {
  return utf8Text(encodeCanonical(end));
}

function readLine(text: string, path: string, number: number): EndedSession {
  try {
    const result = v.safeParse(lineSchema, decodeCanonical(utf8(text)));
    if (result.success) return result.output;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  throw new HostError(
    "session_ends_damaged",
    `The list of ended sessions ${path} is damaged in line ${String(number)}, so this host could obey a session that was ended, and does not start. Restore the file from a backup; or wait twelve hours, until every session of that time is over, and delete it.`,
  );
}
