/**
 * Answers questions about the gateway. Each is judged by all rules of a read, answered by whoever can reach the gateway,
 * held against the read's own schema, and sealed to the key of that one question: nobody between here and the page can
 * open it, now or later. Content also needs a grant that a touch gave.
 * May not: open a connection, or write anything of an answer anywhere.
 */
import * as v from "valibot";
import { fromBase64url, toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { MAX_READING_PARTS, MAX_READS, READ_MEMORY_SECONDS, READING_PART_BYTES } from "../../../protocol/limits.ts";
import { readingCodec, readRefusals, type Reading, type ReadRefusal } from "../../../protocol/reading.ts";
import { reads, type Read, type ReadName } from "../../../protocol/reads.ts";
import type { RefusalCode } from "../../../protocol/refusals.ts";
import { ENCAPSULATED_BYTES, replyInfo, TAG_BYTES } from "../../../protocol/seal.ts";
import { digestOf, sha256Of, type Digest } from "../../../protocol/signing.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { InwardFrame, OutwardFrame } from "../../../protocol/tunnel.ts";
import { verifyRead, type ReadVerdict, type ReadView, type VerifiedRead } from "../../../protocol/verify/read.ts";
import { isPostureRead } from "../posture/control-interface.ts";
import { sealParts } from "../../shared/seal.ts";
import { admissionOf } from "./admission.ts";
import { readAsserted } from "./asserted.ts";
import { wallSeconds } from "./clock.ts";
import type { WardenContext } from "./deps.ts";
import { openQuestion } from "./sealed-question.ts";

export type ReadFrame = Extract<InwardFrame, { kind: "read" }>;
type Send = (frame: OutwardFrame) => void;

/** Of each part, so that the first one has room for the encapsulated key. */
export const PART_TEXT_BYTES = READING_PART_BYTES - ENCAPSULATED_BYTES - TAG_BYTES;

export class Reads {
  readonly #context: WardenContext;
  /** `jti` to the monotonic time at which it may be forgotten; RAM only, as is the clock that it goes by. */
  readonly #seen = new Map<string, number>();
  #working = 0;

  constructor(context: WardenContext) {
    this.#context = context;
  }

  async answer(frame: ReadFrame, send: Send): Promise<void> {
    const request = digestOf("read", fromBase64url(frame.read.body));
    const verdict = await this.#judge(frame, (jti) => this.#isRepeated(jti));
    if (verdict.kind !== "verified") return this.#turnDown(verdict, send);
    if (this.#working >= MAX_READS) return this.#deny(request, "busy", send);
    this.#working += 1;
    try {
      await this.#give(frame, verdict.read, send);
    } finally {
      this.#working -= 1;
    }
  }

  async #give(frame: ReadFrame, read: VerifiedRead, send: Send): Promise<void> {
    const given = await this.#read(read);
    if ("code" in given) return this.#deny(read.digest, given.code, send);
    // Asking took a moment: whether they may still know is judged once more, by the same rules.
    const still = await this.#judge(frame, () => false);
    if (still.kind !== "verified") return this.#turnDown(still, send);
    const { workspace, keys } = this.#context;
    const info = replyInfo({ workspace, host: keys.host, request: read.digest });
    const sealed = await sealParts({ replyKey: fromBase64url(read.message.replyKey), info }, given.parts);
    if (sealed === undefined) return this.#deny(read.digest, "arguments", send);
    for (const [part, ciphertext] of sealed.entries()) {
      const content = toBase64url(sha256Of(ciphertext));
      const signed = await this.#sign(read.digest, { part, final: part === sealed.length - 1, content });
      send({ kind: "reading", signed, ciphertext: toBase64url(ciphertext) });
    }
    this.#context.log({ event: "read_answered", read: read.digest, operation: read.operation, parts: sealed.length });
  }

  /** The whole text, cut into parts. */
  async #read(read: VerifiedRead): Promise<{ readonly parts: readonly Uint8Array[] } | { readonly code: ReadRefusal }> {
    const { operation, message } = read;
    const ask = this.#answererOf(operation);
    if (typeof ask === "string") return { code: ask };
    const opened = await openQuestion(read, this.#context);
    if (opened === "arguments") return { code: opened };
    let answer: unknown;
    try {
      answer = await ask(message.args, opened?.content);
    } catch (error) {
      return { code: codeOf(error) };
    }
    // The gateway's words went into it: what does not fit is no answer, however it came about.
    const result = v.safeParse((reads[operation] as Read).result, answer, { abortEarly: true });
    if (!result.success) return { code: "gateway" };
    const text = utf8(JSON.stringify(result.output));
    const parts = Math.ceil(text.length / PART_TEXT_BYTES);
    if (parts > MAX_READING_PARTS) return { code: "too_large" };
    const cut = (_: unknown, i: number) => text.subarray(i * PART_TEXT_BYTES, (i + 1) * PART_TEXT_BYTES);
    return { parts: Array.from({ length: parts }, cut) };
  }

  /** Whoever knows about the machine, or about the gateway; or why nobody does. */
  #answererOf(
    operation: ReadName,
  ): ReadRefusal | ((args: Readonly<Record<string, unknown>>, content: unknown) => Promise<unknown>) {
    const { readings, posture } = this.#context;
    if (isPostureRead(operation))
      return posture === undefined ? "unsupported" : (args, content) => posture.read(operation, args, content);
    return readings === undefined ? "gateway" : (args) => readings.read(operation, args);
  }

  async #judge(frame: ReadFrame, isRepeated: ReadView["isRepeated"]): Promise<ReadVerdict> {
    const { trust, keys, clock, sessionEnds, grants, denyList } = this.#context;
    const digest = digestOf("read", fromBase64url(frame.read.body));
    const refuse = (code: RefusalCode): ReadVerdict => ({ kind: "refused", code, digest });
    const { state } = trust;
    if (state === undefined || admissionOf(state, keys) !== "admitted") return refuse("target");
    const session = readAsserted(frame.session);
    const successor = readAsserted(frame.successor);
    if (session === undefined || session === "malformed" || successor === "malformed")
      return refuse("session_malformed");
    return verifyRead(
      { signed: frame.read, session, successor },
      {
        trust: state,
        now: wallSeconds(clock),
        host: keys.host,
        isSessionEnded: (of, person) => sessionEnds.has(of, person),
        isRepeated,
        isGranted: (of, kind, args) => grants.allows(of, kind, args),
        denies: (operation) => denyList.denies(operation),
      },
    );
  }

  /** Asking is remembering, in one step: of two that come at once, one is answered. */
  #isRepeated(jti: string): boolean {
    const now = this.#context.clock.monotonic();
    for (const [old, until] of this.#seen) if (until <= now) this.#seen.delete(old);
    if (this.#seen.has(jti)) return true;
    this.#seen.set(jti, now + READ_MEMORY_SECONDS * 1_000);
    return false;
  }

  async #turnDown(verdict: Exclude<ReadVerdict, { kind: "verified" }>, send: Send): Promise<void> {
    if (verdict.kind === "denied") return this.#deny(verdict.digest, verdict.code, send);
    this.#context.log({ event: "read_refused", read: verdict.digest, code: verdict.code });
    send({ kind: "refused", subject: verdict.digest, code: verdict.code });
  }

  async #deny(request: Digest, code: ReadRefusal, send: Send): Promise<void> {
    this.#context.log({ event: "read_denied", read: request, code });
    send({ kind: "reading", signed: await this.#sign(request, { part: 0, final: true, code }) });
  }

  async #sign(request: Digest, part: Pick<Reading, "part" | "final" | "content" | "code">) {
    const { workspace, keys, clock } = this.#context;
    const { head } = this.#trust();
    const now = wallSeconds(clock);
    const body = readingCodec.encode({ v: 1, workspace, host: keys.host, request, ...part, now, trustHead: head });
    return { body: toBase64url(body), signature: await keys.hostKey.sign("reading", body) };
  }

  #trust(): TrustState {
    const { state } = this.#context.trust;
    // Whoever is answered was judged by it.
    if (state === undefined) throw new TypeError("a reading needs a trust log");
    return state;
  }
}

/** What reaches the gateway says why not by a code of the protocol; anything else is the gateway's doing. */
function codeOf(error: unknown): ReadRefusal {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return v.is(v.picklist(readRefusals), code) ? code : "gateway";
}
