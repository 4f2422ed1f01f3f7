/** SHA-256 of a copy while it leaves piece by piece; a piece that is asked for again replaces the one before. */
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import type { Digest } from "../../protocol/signing.ts";

type Running = ReturnType<typeof sha256.create>;

export interface CopyPart {
  /** Where it begins and where the next one does; undefined: at the very beginning, and nowhere. */
  readonly from: string | undefined;
  readonly next: string | undefined;
  readonly text: string;
}

export class CopyDigest {
  #before: Running = sha256.create();
  #running: Running = sha256.create();
  #from: string | undefined;
  #next: string | undefined;

  /** The digest of all, with the last piece. Undefined: more is to come, or this piece does not follow. */
  add({ from, next, text }: CopyPart): Digest | undefined {
    const base = this.#baseOf(from);
    if (base === undefined) return undefined;
    this.#before = base;
    this.#running = base.clone().update(utf8(text));
    this.#from = from;
    this.#next = next;
    return next === undefined ? toBase64url(this.#running.clone().digest()) : undefined;
  }

  #baseOf(from: string | undefined): Running | undefined {
    if (from === undefined) return sha256.create();
    if (from === this.#next) return this.#running;
    return from === this.#from ? this.#before : undefined;
  }
}
