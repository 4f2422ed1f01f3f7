/**
 * The keys of one sign-in. Each step-up names a fresh key that follows the present one, so a key that somebody got hold
 * of is worth little for long; the sign-in itself stays. An answer can be lost, and another tab may rotate too: so keys
 * that may count are kept beside the present one, and tried when the edge refuses it. No key can be read out of here.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { Asserted, Successor } from "../../protocol/messages.ts";
import type { Signer } from "../../protocol/signing.ts";
import { makeSessionKeys, sessionSigner } from "./signer.ts";
import type { SessionKey, StoredSession, Vault } from "./vault.ts";

/** Older ones than these were followed long ago; the edge takes none of them any more. */
const MAX_OTHERS = 4;

/** Takes the key that signs requests from now on; asks for others when the edge refuses one. */
export interface RequestSigning {
  use(signer: Signer | undefined, others?: OtherKeys): void;
}

export interface OtherKeys {
  /** Keys of this sign-in beside the one that was refused, the likeliest first. */
  besides(publicKey: string): Promise<readonly Signer[]>;
  /** One of them was taken. */
  adopted(publicKey: string): Promise<void>;
}

/** A key made for a step-up; it counts once the approval that names it arrived. */
export interface OfferedKey {
  readonly successor: Successor;
  readonly key: SessionKey;
}

export interface SessionKeysDeps {
  readonly vault: Pick<Vault, "get" | "set">;
  readonly client: RequestSigning;
}

export class SessionKeys implements OtherKeys {
  readonly #deps: SessionKeysDeps;
  readonly #session = signal<StoredSession | undefined>(undefined);

  constructor(deps: SessionKeysDeps) {
    this.#deps = deps;
  }

  /** The sign-in with its present key; undefined when signed out. */
  get session(): ReadonlySignal<StoredSession | undefined> {
    return this.#session;
  }

  enter(session: StoredSession): void {
    this.#session.value = session;
    this.#deps.client.use(sessionSigner(session.keys, session.publicKey), this);
  }

  leave(): void {
    this.#session.value = undefined;
  }

  /** A fresh key for the step-up that is about to be signed. */
  async offer(session: StoredSession): Promise<OfferedKey> {
    const { keys, publicKey } = await makeSessionKeys();
    return { successor: { session: session.digest, key: publicKey }, key: { keys, publicKey } };
  }

  /** Before the approval leaves: whether it arrives may never be heard, and a reload must not lose the key. */
  async sent({ key }: OfferedKey, approval: Asserted): Promise<void> {
    const session = this.#session.value;
    if (session === undefined) return;
    await this.#keep({ ...session, others: [{ ...key, named: approval }, ...(session.others ?? [])] });
  }

  /** The edge took the approval: the named key signs from now on. The one before is good for what is on its way. */
  accepted({ key }: OfferedKey): Promise<void> {
    return this.adopted(key.publicKey);
  }

  /** The edge refused the approval, so the key that it named never counts. */
  async dropped({ key }: OfferedKey): Promise<void> {
    const session = this.#session.value;
    if (session === undefined) return;
    await this.#keep(session, key.publicKey);
  }

  async besides(publicKey: string): Promise<readonly Signer[]> {
    const mine = this.#session.value;
    if (mine === undefined) return [];
    const stored = await this.#deps.vault.get("session");
    const kept = stored?.digest === mine.digest ? [presentKey(stored), ...(stored.others ?? [])] : [];
    const all = [presentKey(mine), ...kept, ...(mine.others ?? [])];
    const others = new Map(all.map((key) => [key.publicKey, key]));
    others.delete(publicKey);
    return [...others.values()].map((key) => sessionSigner(key.keys, key.publicKey));
  }

  async adopted(publicKey: string): Promise<void> {
    const session = this.#session.value;
    if (session === undefined || session.publicKey === publicKey) return;
    const stored = await this.#deps.vault.get("session");
    const kept = stored?.digest === session.digest ? [presentKey(stored), ...(stored.others ?? [])] : [];
    const key = [...(session.others ?? []), ...kept].find((one) => one.publicKey === publicKey);
    if (key === undefined) return;
    const { successor: _before, ...rest } = session;
    const next: StoredSession = {
      ...rest,
      keys: key.keys,
      publicKey: key.publicKey,
      ...(key.named === undefined ? {} : { successor: key.named }),
      others: [presentKey(session), ...(session.others ?? [])],
    };
    await this.#keep(next);
    this.#deps.client.use(sessionSigner(next.keys, next.publicKey), this);
  }

  /** Beside what another tab kept meanwhile; without the key that is `gone`. */
  async #keep(session: StoredSession, gone?: string): Promise<void> {
    const stored = await this.#deps.vault.get("session");
    const theirs = stored?.digest === session.digest ? [presentKey(stored), ...(stored.others ?? [])] : [];
    const known = new Map<string, SessionKey>();
    for (const key of [...(session.others ?? []), ...theirs])
      if (key.publicKey !== session.publicKey && key.publicKey !== gone && !known.has(key.publicKey))
        known.set(key.publicKey, key);
    const kept = { ...session, others: [...known.values()].slice(0, MAX_OTHERS) };
    // Signed out meanwhile: nothing of that sign-in may come back.
    if (this.#session.value?.digest !== session.digest) return;
    this.#session.value = kept;
    await this.#deps.vault.set("session", kept);
  }
}

function presentKey({ keys, publicKey, successor }: StoredSession): SessionKey {
  return { keys, publicKey, ...(successor === undefined ? {} : { named: successor }) };
}
