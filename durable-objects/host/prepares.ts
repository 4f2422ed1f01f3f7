/**
 * Questions put to a host that a page is waiting for right now. In memory only: when this object dies the page's request
 * dies with it, and the page asks again.
 */
import { MAX_UNANSWERED_PREPARES, PREPARE_TIMEOUT_SECONDS } from "../../protocol/limits.ts";
import { toBase64url } from "../../protocol/bytes.ts";
import { assertedCodec, type Asserted, type Signed } from "../../protocol/messages.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import { inwardFrames } from "../../protocol/tunnel.ts";

export type PrepareAnswer =
  | { readonly kind: "prepared"; readonly signed: Signed }
  | { readonly kind: "refused"; readonly code: RefusalCode }
  | { readonly kind: "offline" }
  | { readonly kind: "silent" };

export interface PrepareCall {
  /** Digest of the prepare. */
  readonly digest: string;
  readonly prepare: Signed;
  /** base64url of the canonical bytes of the sign-in; absent for an automation key. */
  readonly certificate?: string;
  /** Of the approval that named the key which signed, when it is not the session's first. */
  readonly successor?: Asserted | undefined;
}

export function prepareFrame({ prepare, certificate, successor }: PrepareCall): string {
  return inwardFrames.encode({
    kind: "prepare",
    prepare,
    ...(certificate === undefined ? {} : { session: certificate }),
    ...(successor === undefined ? {} : { successor: toBase64url(assertedCodec.encode(successor)) }),
  });
}

interface Waiting {
  readonly answer: Promise<PrepareAnswer>;
  readonly settle: (answer: PrepareAnswer) => void;
}

export class Prepares {
  readonly #waiting = new Map<string, Waiting>();

  /** Waits for the answer to `prepare` (a digest). `ask` is called unless the same question is open already. */
  wait(prepare: string, ask: () => boolean): Promise<PrepareAnswer> {
    const open = this.#waiting.get(prepare);
    if (open !== undefined) return open.answer;
    // A host that is slow to answer gets no pile of questions: it would take it for a flood, or its socket would hold it.
    if (this.#waiting.size >= MAX_UNANSWERED_PREPARES) return Promise.resolve({ kind: "refused", code: "busy" });
    let settle: (answer: PrepareAnswer) => void = () => undefined;
    const answer = new Promise<PrepareAnswer>((resolve) => {
      const timer = setTimeout(() => settle({ kind: "silent" }), PREPARE_TIMEOUT_SECONDS * 1_000);
      settle = (given) => {
        clearTimeout(timer);
        this.#waiting.delete(prepare);
        resolve(given);
      };
    });
    this.#waiting.set(prepare, { answer, settle });
    if (!ask()) settle({ kind: "offline" });
    return answer;
  }

  /** True while a request waits: the host was found admitted for it, by the state that the request is judged by. */
  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  isOpen(prepare: string): boolean {
    return this.#waiting.has(prepare);
  }

  settle(prepare: string, answer: PrepareAnswer): void {
    this.#waiting.get(prepare)?.settle(answer);
  }

  /** The tunnel is gone: nobody will answer. */
  settleAll(answer: PrepareAnswer): void {
    for (const { settle } of this.#waiting.values()) settle(answer);
  }
}
