/**
 * Questions about a gateway that a page is waiting for right now, and the parts of their answers, sealed to that page:
 * carried, counted and held against their own digests, never read, and never stored. In memory only: when this object
 * dies the page's request dies with it, and the page asks again. Whether the host signed is the page's to find out.
 */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { MAX_OPEN_READS, READ_TIMEOUT_SECONDS } from "../../protocol/limits.ts";
import { assertedCodec, type Asserted, type Signed } from "../../protocol/messages.ts";
import { readingCodec } from "../../protocol/reading.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import { sha256Of } from "../../protocol/signing.ts";
import { inwardFrames, type OutwardFrame } from "../../protocol/tunnel.ts";

export interface SealedPart {
  readonly signed: Signed;
  readonly ciphertext?: string | undefined;
}

export type ReadAnswer =
  /** All parts in order; a refusal that the host signed is one part without ciphertext. */
  | { readonly kind: "parts"; readonly parts: readonly SealedPart[] }
  | { readonly kind: "refused"; readonly code: RefusalCode }
  | { readonly kind: "offline" }
  | { readonly kind: "silent" };

export interface ReadCall {
  /** Digest of the read. */
  readonly digest: string;
  readonly read: Signed;
  /** base64url of the canonical bytes of the sign-in. */
  readonly certificate: string;
  /** Of the approval that named the key which signed, when it is not the session's first. */
  readonly successor?: Asserted | undefined;
}

export function readFrame({ read, certificate, successor }: ReadCall): string {
  return inwardFrames.encode({
    kind: "read",
    read,
    session: certificate,
    ...(successor === undefined ? {} : { successor: toBase64url(assertedCodec.encode(successor)) }),
  });
}

type ReadingFrame = Extract<OutwardFrame, { kind: "reading" }>;
interface Place {
  readonly workspace: string;
  readonly host: string;
}

interface Waiting {
  readonly answer: Promise<ReadAnswer>;
  readonly settle: (answer: ReadAnswer) => void;
  readonly parts: SealedPart[];
}

export class Reads {
  readonly #waiting = new Map<string, Waiting>();

  /** Waits for the last part of the answer. `ask` is called unless the same question is open already. */
  wait(read: string, ask: () => boolean): Promise<ReadAnswer> {
    const open = this.#waiting.get(read);
    if (open !== undefined) return open.answer;
    // A host that is slow gets no pile of questions: it would take it for a flood, or its socket would hold it.
    if (this.#waiting.size >= MAX_OPEN_READS) return Promise.resolve({ kind: "refused", code: "busy" });
    let settle: (answer: ReadAnswer) => void = () => undefined;
    const answer = new Promise<ReadAnswer>((resolve) => {
      const timer = setTimeout(() => settle({ kind: "silent" }), READ_TIMEOUT_SECONDS * 1_000);
      settle = (given) => {
        clearTimeout(timer);
        this.#waiting.delete(read);
        resolve(given);
      };
    });
    this.#waiting.set(read, { answer, settle, parts: [] });
    if (!ask()) settle({ kind: "offline" });
    return answer;
  }

  /** True while a request waits: the host was found admitted for it, by the state that the request is judged by. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  isOpen(read: string): boolean {
    return this.#waiting.has(read);
  }

  settle(read: string, answer: ReadAnswer): void {
    this.#waiting.get(read)?.settle(answer);
  }

  /** One part; of a question that nobody waits for any more, nothing. @throws {MalformedError} for what no host says */
  take({ workspace, host }: Place, { signed, ciphertext }: ReadingFrame): void {
    const reading = readingCodec.decode(fromBase64url(signed.body));
    if (reading.workspace !== workspace || reading.host !== host) throw new MalformedError("a reading of another host");
    if (reading.content !== digestIn(ciphertext)) throw new MalformedError("a reading of another ciphertext");
    const open = this.#waiting.get(reading.request);
    if (open === undefined) return;
    // Also when an answer was given up and its question came again: the page asks anew, with a new key.
    if (reading.part !== open.parts.length) return open.settle({ kind: "silent" });
    open.parts.push({ signed, ...(ciphertext === undefined ? {} : { ciphertext }) });
    if (reading.final) open.settle({ kind: "parts", parts: open.parts });
  }

  /** The tunnel is gone: nobody will answer. */
  settleAll(answer: ReadAnswer): void {
    for (const { settle } of this.#waiting.values()) settle(answer);
  }
}

function digestIn(ciphertext: string | undefined): string | undefined {
  return ciphertext === undefined ? undefined : toBase64url(sha256Of(fromBase64url(ciphertext)));
}
