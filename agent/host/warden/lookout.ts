/**
 * Asks the edge to knock at this host from outside, and waits a bounded time for its signed word. Says no address: an edge that
 * knocked where a host tells it would be a scanner for whoever took a host. What the edge says is believed only as far as
 * a look may count (posture/collectors/network/outside.ts); here it must be signed by the edge that the trust log names, and answer
 * exactly this question.
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import type { Signed } from "../../../protocol/messages.ts";
import { answersLook, lookCodec, lookedCodec, LOOK_ANSWER_SECONDS } from "../../../protocol/posture/outside.ts";
import { digestOf, verifySignature } from "../../../protocol/signing.ts";
import type { OutwardFrame } from "../../../protocol/tunnel.ts";
import type { LookFailure, LookOutcome } from "../posture/control-interface.ts";
import type { WardenContext } from "./deps.ts";

/** The tunnel that is there now; undefined when none was welcomed. */
export type TunnelNow = () => { readonly tunnel: string; readonly send: (frame: OutwardFrame) => void } | undefined;

interface Waiting {
  readonly look: string;
  readonly ports: readonly number[];
  readonly settle: (outcome: LookOutcome) => void;
}

export type LookoutContext = Pick<WardenContext, "workspace" | "keys" | "trust" | "nonce" | "wait">;

export class Lookout {
  readonly #context: LookoutContext;
  readonly #tunnel: TunnelNow;
  /** Commands run one at a time, so there is one question at most. */
  #waiting: Waiting | undefined;

  constructor(context: LookoutContext, tunnel: TunnelNow) {
    this.#context = context;
    this.#tunnel = tunnel;
  }

  /** `intent`: digest of the verified command that asks for it. `ports`: as `lookPortsOf` gives them. Never rejects for what an edge does. */
  async ask({ intent, ports }: { readonly intent: string; readonly ports: readonly number[] }): Promise<LookOutcome> {
    const { workspace, keys, nonce, wait } = this.#context;
    const open = this.#tunnel();
    if (open === undefined) return refused("look_silent");
    const { tunnel } = open;
    const question = { v: 1 as const, workspace, host: keys.host, tunnel, intent, ports: [...ports], nonce: nonce() };
    const body = lookCodec.encode(question);
    const signed = { body: toBase64url(body), signature: await keys.hostKey.sign("look", body) };
    const { promise, resolve } = Promise.withResolvers<LookOutcome>();
    this.#waiting = { look: digestOf("look", body), ports, settle: resolve };
    open.send({ kind: "look", signed });
    try {
      return await Promise.race([promise, wait(LOOK_ANSWER_SECONDS * 1_000).then(() => refused("look_silent"))]);
    } finally {
      this.#waiting = undefined;
    }
  }

  /** A word that nobody waits for, or that is about another question, changes nothing. */
  async take({ body: text, signature }: Signed): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const body = fromBase64url(text);
    const publicKey = this.#context.trust.state?.dispatchKey;
    if (publicKey === undefined) return;
    if (!(await verifySignature({ kind: "looked", body, signature, publicKey }))) return waiting.settle(untrue);
    const looked = read(body);
    const { workspace, keys } = this.#context;
    if (looked === undefined || looked.workspace !== workspace || looked.host !== keys.host)
      return waiting.settle(untrue);
    // Of an earlier question, which was given up: the right one may still come.
    if (looked.look !== waiting.look) return;
    waiting.settle(answersLook(looked, waiting.ports) ? looked.answer : untrue);
  }

  /** Something more urgent came. */
  hurry(): void {
    this.#waiting?.settle(refused("look_cut"));
  }
}

const refused = (code: LookFailure): LookOutcome => ({ kind: "refused", code });
const untrue = refused("look_untrue");

function read(body: Uint8Array): ReturnType<typeof lookedCodec.decode> | undefined {
  try {
    return lookedCodec.decode(body);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
