/**
 * Carries out delivered commands, strictly one after the other: verification, the last look at the facts, the
 * challenge, the journal, the act, the receipt. Whatever fails on the way fails closed: nothing runs that is not in the
 * journal, and no receipt leaves that is not.
 */
import { fromBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import type { Expect, Observed } from "../../../protocol/messages.ts";
import { operations, type Operation } from "../../../protocol/operations.ts";
import { decodeContent, sealInfo } from "../../../protocol/seal.ts";
import type { RefusalCode } from "../../../protocol/refusals.ts";
import type { Digest } from "../../../protocol/signing.ts";
import { sameHead, type TrustState } from "../../../protocol/trust/state.ts";
import type { OutwardFrame } from "../../../protocol/tunnel.ts";
import {
  judgeExpect,
  verifyEnvelope,
  type Command,
  type Verification,
  type Verified,
} from "../../../protocol/verify.ts";
import type { CommandStep } from "../log.ts";
import { admissionOf } from "./admission.ts";
import { AppendError } from "./append-file.ts";
import { wallSeconds } from "./clock.ts";
import type { WardenContext } from "./deps.ts";
import { implementationOf, observedBoots, observeGateway, type Outcome } from "./executor.ts";
import type { Started } from "./journal.ts";
import { makeReceipt, type ReceiptDraft, type StoredReceipt } from "./receipts.ts";

/** The tunnel a command came through, as far as commands need to know it. */
export interface CommandSource {
  tunnel(): string;
  /** Of the client certificate on that tunnel. */
  certFingerprint(): string;
  isOpen(): boolean;
  send(frame: OutwardFrame): void;
  /** Seconds since the delivery came in, by the monotonic clock. */
  waited(): number;
  /** Asks for newer trust and waits a bounded time; false when that is not allowed now or brought nothing. */
  catchUp(): Promise<boolean>;
}

/** A disk that was full may have space again; until then nothing else may run. */
const JOURNAL_RETRY_MILLISECONDS = 2_000;
/** A gateway starts in about six seconds. */
const RECOVERY_LOOKS = 20;
const RECOVERY_LOOK_MILLISECONDS = 1_000;
/** The same refusal of the same intent is said again, not written again: a repeating edge must not fill the disk. */
const MAX_REMEMBERED_REFUSALS = 256;

/** What was sealed for this host alone. */
type Opened = { readonly content: unknown } | { readonly code: RefusalCode };

type Refused = Extract<Verification, { kind: "refused" }>;

export class Commands {
  readonly #context: WardenContext;
  /** RAM only; `${intent} ${code}`. */
  readonly #refusals = new Map<string, StoredReceipt>();
  #unsignedRefusals = 0;
  #isStopped = false;

  constructor(context: WardenContext) {
    this.#context = context;
  }

  /** Refusals that no receipt tells of: garbage, or somebody trying. */
  get unsignedRefusals(): number {
    return this.#unsignedRefusals;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** What a crash left begun is never run again; its receipt says what is seen now. Before any delivery. */
  async recover(send: (frame: OutwardFrame) => void): Promise<void> {
    for (const started of this.#context.journal.unfinished()) {
      const gatewayBoot = await this.#settledBoot();
      const ended = wallSeconds(this.#context.clock);
      const observed = observedBoots(started.gatewayBoot, gatewayBoot);
      const stored = await this.#end({
        intent: started.intent,
        verdict: "interrupted",
        started: started.at,
        ended,
        observed,
      });
      if (stored !== undefined) send(receiptFrame(stored));
    }
  }

  /** The gateway may be in the middle of the very restart that was interrupted: it gets a while to answer. */
  async #settledBoot(): Promise<string | undefined> {
    for (let look = 0; look < RECOVERY_LOOKS && !this.#isStopped; look += 1) {
      const { gatewayBoot } = await observeGateway(this.#context);
      if (gatewayBoot !== undefined || this.#context.gateway === undefined) return gatewayBoot;
      await this.#context.wait(RECOVERY_LOOK_MILLISECONDS);
    }
    return undefined;
  }

  /** One delivery, from bytes to receipt; false when it was left for a living tunnel. The caller runs one at a time. */
  async deliver(envelope: string, source: CommandSource): Promise<boolean> {
    if (!source.isOpen() || this.#isStopped) return false;
    await this.#carryOut(envelope, source);
    return true;
  }

  /** Whether it would pass now; nothing is spent, written or answered. */
  async wouldRun(envelope: string, source: CommandSource): Promise<boolean> {
    return (await this.#verify(fromBase64url(envelope), source)).kind === "verified";
  }

  async #carryOut(envelope: string, source: CommandSource): Promise<void> {
    const bytes = fromBase64url(envelope);
    let verdict = await this.#verify(bytes, source);
    if (verdict.kind === "refused" && verdict.code === "trust_behind" && (await source.catchUp())) {
      verdict = await this.#verify(bytes, source);
    }
    if (verdict.kind === "verified") return this.#act(verdict.command, source);
    if (verdict.kind === "refused") return this.#refuse(verdict, source, {});
    const stored = this.#context.journal.receiptOf(verdict.digest);
    if (stored !== undefined) source.send(receiptFrame(stored));
  }

  async #verify(bytes: Uint8Array, source: CommandSource): Promise<Verification> {
    const { keys, trust, journal, challenges, sessionEnds, denyList, clock } = this.#context;
    const state = trust.state;
    const outside: Refused = { kind: "refused", code: "target", digest: undefined, sessionVerified: false };
    if (state === undefined || admissionOf(state, keys) !== "admitted") return outside;
    const now = wallSeconds(clock);
    return verifyEnvelope(bytes, {
      host: keys.host,
      tunnel: source.tunnel(),
      certFingerprint: source.certFingerprint(),
      trust: state,
      now,
      waited: source.waited(),
      known: (intent, proposal) => journal.known(intent, proposal),
      isSessionEnded: (session, person) => sessionEnds.has(session, person),
      automationRuns: (key, seconds) => journal.runsSince(key, now - seconds),
      challenge: (challenge) => challenges.find(challenge),
      denies: (operation) => denyList.denies(operation),
    });
  }

  /** A gateway that is too busy to greet is no other gateway: it is asked once more before the command is refused for it. */
  async #look(command: Verified<Command>): Promise<Expect> {
    const operation = implementationOf(command.operation);
    const seen = await operation.observe(command, this.#context);
    const isSilent = seen.gatewayBoot === undefined && command.target.expect.gatewayBoot !== undefined;
    return isSilent ? operation.observe(command, this.#context) : seen;
  }

  async #act(command: Verified<Command>, source: CommandSource): Promise<void> {
    this.#step("verified", command.digest);
    const seen = await this.#look(command);
    const observed = observedBoots(seen.gatewayBoot, undefined);
    const refuse = (code: RefusalCode): Promise<void> =>
      this.#refuse({ kind: "refused", code, digest: command.digest, sessionVerified: true }, source, observed);
    const opened = await this.#open(command);
    if ("code" in opened) return refuse(opened.code);
    const changed = this.#sinceVerified(command) ?? judgeExpect(command, seen);
    if (changed !== undefined) return refuse(changed);
    if (!this.#context.challenges.consume(command.target.challenge)) return refuse("challenge");
    const at = wallSeconds(this.#context.clock);
    const started = startedBy(command, {
      at,
      ...(seen.gatewayBoot === undefined ? {} : { gatewayBoot: seen.gatewayBoot }),
    });
    try {
      this.#context.journal.started(started);
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      return refuse("journal");
    }
    this.#step("journaled", command.digest);
    const outcome = await this.#run(command, opened.content);
    const ended = wallSeconds(this.#context.clock);
    const { verdict } = outcome;
    const stored = await this.#end({ intent: command.digest, verdict, started: at, ended, observed: outcome.observed });
    if (stored !== undefined) source.send(receiptFrame(stored));
  }

  /** Asking the gateway took a moment: who may command can have changed in it. */
  #sinceVerified({ intent, author }: Command): RefusalCode | undefined {
    const { trust, keys, sessionEnds } = this.#context;
    const { state } = trust;
    if (state === undefined || admissionOf(state, keys) !== "admitted") return "target";
    if (state.frozen !== undefined) return "trust_frozen";
    if (!sameHead(intent.trustHead, state.head)) return "trust_behind";
    const { actor } = intent;
    const isEnded = "session" in actor && sessionEnds.has(actor.session, author.id);
    return isEnded ? "session_revoked" : undefined;
  }

  /** Before anything is spent: what does not open, or is not what the operation takes, was no command. */
  async #open({ operation, sealed, target, intent }: Command): Promise<Opened> {
    const { sealed: schema }: Operation = operations[operation];
    if (schema === undefined || sealed === undefined) return { content: undefined };
    const { challenge, host } = target;
    const info = sealInfo({ workspace: intent.workspace, host, operation, challenge });
    const bytes = await this.#context.challenges.sealKeyOf(challenge)?.open(sealed, info);
    if (bytes === undefined) return { code: "sealed" };
    try {
      return { content: decodeContent(schema, bytes) };
    } catch (error) {
      if (error instanceof MalformedError) return { code: "malformed" };
      throw error;
    }
  }

  async #run(command: Verified<Command>, content: unknown): Promise<Outcome> {
    this.#step("executing", command.digest);
    const outcome = await implementationOf(command.operation).run(command, this.#context, content);
    const reason = outcome.reason === undefined ? {} : { reason: outcome.reason };
    this.#context.log({ step: "executed", intent: command.digest, verdict: outcome.verdict, ...reason });
    return outcome;
  }

  /** Writes the end of something that began. Nothing else may run before that is on disk, so a full disk is waited for. */
  async #end(draft: ReceiptDraft): Promise<StoredReceipt | undefined> {
    const stored = await this.#receipt(draft);
    while (!this.#isStopped) {
      try {
        this.#context.journal.ended(stored);
        this.#context.log({
          step: "receipted",
          intent: draft.intent,
          verdict: draft.verdict,
          number: stored.receipt.number,
        });
        return stored;
      } catch (error) {
        if (!(error instanceof AppendError)) throw error;
        this.#context.log({ event: "journal_write_failed", intent: draft.intent });
        await this.#context.wait(JOURNAL_RETRY_MILLISECONDS);
      }
    }
    return undefined; // stopped without an end on disk: the next start finds it interrupted
  }

  async #refuse(refused: Refused, source: CommandSource, observed: Observed): Promise<void> {
    const { digest, code } = refused;
    this.#context.log({ step: "refused", code, ...(digest === undefined ? {} : { intent: digest }) });
    if (digest === undefined) {
      this.#unsignedRefusals += 1;
      return; // not even an intent: there is nothing to answer to
    }
    const stored = refused.sessionVerified ? await this.#refusalReceipt(digest, code, observed) : undefined;
    if (stored !== undefined) return source.send(receiptFrame(stored));
    this.#unsignedRefusals += 1;
    source.send({ kind: "refused", subject: digest, code });
  }

  /** Undefined when it cannot be written: then the refusal goes out unsigned. */
  async #refusalReceipt(intent: Digest, code: RefusalCode, observed: Observed): Promise<StoredReceipt | undefined> {
    const name = `${intent} ${code}`;
    const said = this.#refusals.get(name);
    if (said !== undefined) return said;
    const now = wallSeconds(this.#context.clock);
    const stored = await this.#receipt({ intent, verdict: "refused", code, started: now, ended: now, observed });
    try {
      this.#context.journal.refused(stored);
    } catch (error) {
      if (!(error instanceof AppendError)) throw error;
      this.#context.log({ event: "journal_write_failed", intent });
      return undefined;
    }
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size >= MAX_REMEMBERED_REFUSALS && oldest !== undefined) this.#refusals.delete(oldest);
    this.#refusals.set(name, stored);
    return stored;
  }

  #receipt(draft: ReceiptDraft): Promise<StoredReceipt> {
    const { workspace, keys, journal } = this.#context;
    const { head } = this.#trust();
    return makeReceipt(draft, journal.position, { workspace, host: keys.host, trustHead: head, signer: keys.hostKey });
  }

  #trust(): TrustState {
    const state = this.#context.trust.state;
    // Receipts tell of verified commands; without a trust log there is nothing to verify against.
    if (state === undefined) throw new TypeError("a receipt needs a trust log");
    return state;
  }

  #step(step: CommandStep, intent: Digest): void {
    this.#context.log({ step, intent });
  }
}

function startedBy({ digest, operation, intent }: Command, seen: Pick<Started, "at" | "gatewayBoot">): Started {
  const { proposal, actor } = intent;
  return {
    intent: digest,
    operation,
    ...seen,
    ...(proposal === undefined ? {} : { proposal }),
    ...("automationKey" in actor ? { automationKey: actor.automationKey } : {}),
  };
}

export function receiptFrame({ receipt, signed }: StoredReceipt): OutwardFrame {
  return { kind: "receipt", number: receipt.number, signed };
}
