/**
 * One-time challenges: minted for one actor and one operation, kept in RAM only, so that a command is worth
 * something on this process of this host, once, for five minutes. A full table refuses the newcomer and never evicts:
 * eviction would let one person kill another's command.
 */
import {
  CHALLENGE_SECONDS,
  CLOCK_JUMP_SECONDS,
  MAX_CHALLENGES_PER_ACTOR,
  MAX_CHALLENGES_PER_HOST,
} from "../../../protocol/limits.ts";
import type { Digest } from "../../../protocol/signing.ts";
import type { ChallengeRecord, CommandAuthor } from "../../../protocol/verify.ts";
import type { SealKey } from "../../shared/seal.ts";
import type { HostClock } from "./clock.ts";

export interface ChallengeDraft extends ChallengeRecord {
  /** The person, or the automation key, whose challenges are counted together. */
  readonly holder: string;
  /** The request that it answers; the same request gets the same challenge while it lives. */
  readonly prepare: Digest;
  /** Opens what was sealed for this challenge; only for an operation with sealed arguments. */
  readonly sealKey?: SealKey | undefined;
}

interface Entry extends ChallengeDraft {
  readonly challenge: string;
  readonly mintedAt: number;
  /** Wall minus monotonic at minting: a jump shows as a change of this difference. */
  readonly offset: number;
}

export interface ChallengeDeps {
  readonly clock: HostClock;
  /** A fresh nonce, base64url of 32 random bytes. */
  readonly nonce: () => string;
}

/** Who holds a challenge: a person, whatever their session, or an automation key. */
export function holderOf({ kind, id }: CommandAuthor): string {
  return `${kind}:${id}`;
}

export class ChallengeTable {
  readonly #deps: ChallengeDeps;
  /** RAM only: a restart of the process kills every challenge, and is meant to. */
  readonly #entries = new Map<string, Entry>();

  constructor(deps: ChallengeDeps) {
    this.#deps = deps;
  }

  /** A fresh challenge, or undefined when the person or the host already holds as many as allowed. */
  mint(draft: ChallengeDraft): string | undefined {
    this.#expire();
    const entries = [...this.#entries.values()];
    const earlier = entries.find((entry) => entry.prepare === draft.prepare);
    if (earlier !== undefined) return earlier.challenge;
    if (entries.length >= MAX_CHALLENGES_PER_HOST) return undefined;
    if (entries.filter((entry) => entry.holder === draft.holder).length >= MAX_CHALLENGES_PER_ACTOR) return undefined;
    const challenge = this.#deps.nonce();
    const mintedAt = this.#deps.clock.monotonic();
    this.#entries.set(challenge, { ...draft, challenge, mintedAt, offset: this.#offset() });
    return challenge;
  }

  /** What a live challenge was minted for. */
  find(challenge: string): ChallengeRecord | undefined {
    this.#expire();
    const entry = this.#entries.get(challenge);
    return entry === undefined ? undefined : { actor: entry.actor, operation: entry.operation };
  }

  /** The key of a live challenge; gone with it. */
  sealKeyOf(challenge: string): SealKey | undefined {
    this.#expire();
    return this.#entries.get(challenge)?.sealKey;
  }

  /** Whether nobody holds a live one. */
  get isEmpty(): boolean {
    this.#expire();
    return this.#entries.size === 0;
  }

  /** Spends a challenge. False when it was not live any more: then nothing may run. */
  consume(challenge: string): boolean {
    this.#expire();
    return this.#entries.delete(challenge);
  }

  /** The challenges of a session that was ended die with it; of this holder, as they were minted. */
  dropActor(actor: string, holder: string): void {
    for (const entry of this.#entries.values())
      if (entry.actor === actor && entry.holder === holder) this.#entries.delete(entry.challenge);
  }

  #expire(): void {
    const now = this.#deps.clock.monotonic();
    const offset = this.#offset();
    const hasJumped = (entry: Entry): boolean => Math.abs(offset - entry.offset) > CLOCK_JUMP_SECONDS * 1_000;
    // One witness of a jump is enough: suspend, snapshot or tampering befell all of them.
    if ([...this.#entries.values()].some(hasJumped)) this.#entries.clear();
    for (const entry of this.#entries.values()) {
      if (now - entry.mintedAt > CHALLENGE_SECONDS * 1_000) this.#entries.delete(entry.challenge);
    }
  }

  #offset(): number {
    return this.#deps.clock.wall() - this.#deps.clock.monotonic();
  }
}
