/**
 * The keys that this edge signs with: for each job the one in force and, while a change is under way, the one that waits.
 * Which of them counts is not decided here: it is the one that the trust log names at the moment of signing. An edge that
 * holds none of that name signs nothing, because hosts would refuse it, and says so.
 */
import { ledgerKeysEver } from "../protocol/audit/once-known.ts";
import type { NoteSigner } from "../protocol/note.ts";
import type { Signer } from "../protocol/signing.ts";
import type { TrustState } from "../protocol/trust/state.ts";
import type { TrustLog } from "./db/trust-log.ts";
import type { Env } from "./env.ts";
import { logFault } from "./log.ts";
import { publicKeyOf, seedNoteSigner, seedSigner } from "./signer.ts";

export type KeyJob = "dispatch" | "ledger";
type KeySeeds = Pick<Env, "DISPATCH_KEY" | "DISPATCH_KEY_NEXT" | "LEDGER_KEY" | "LEDGER_KEY_NEXT">;

/** base64url; one, or two while a change is under way. An unset name may reach us as an empty text, or as null. */
export function seedsOf(env: KeySeeds, job: KeyJob): readonly string[] {
  const slots = job === "dispatch" ? [env.DISPATCH_KEY, env.DISPATCH_KEY_NEXT] : [env.LEDGER_KEY, env.LEDGER_KEY_NEXT];
  return [...new Set(slots.filter((seed): seed is string => typeof seed === "string" && seed !== ""))];
}

/** base64url, in the order of their seeds. */
export function publicKeysOf(env: KeySeeds, job: KeyJob): Promise<readonly string[]> {
  return Promise.all(seedsOf(env, job).map(publicKeyOf));
}

interface Opened {
  readonly publicKey: string;
}

/** Opened once, when first asked for. */
export class KeyRing<Key extends Opened> {
  readonly #seeds: readonly string[];
  readonly #open: (seed: string) => Promise<Key>;
  #opened: Promise<readonly Key[]> | undefined;

  constructor(seeds: readonly string[], open: (seed: string) => Promise<Key>) {
    this.#seeds = seeds;
    this.#open = open;
  }

  /** Of every seed, in their order. @throws {TypeError} when a seed is not one, or there is none: a wrong deployment. */
  async all(): Promise<readonly [Key, ...Key[]]> {
    const [first, ...rest] = await (this.#opened ??= Promise.all(this.#seeds.map((seed) => this.#open(seed))));
    if (first === undefined) throw new TypeError("seed: none configured");
    return [first, ...rest];
  }

  async named(publicKey: string): Promise<Key | undefined> {
    return (await this.all()).find((key) => key.publicKey === publicKey);
  }
}

/** Signs what goes to hosts. */
export class DispatchKeys {
  readonly #ring: KeyRing<Signer>;

  constructor(env: KeySeeds) {
    this.#ring = new KeyRing(seedsOf(env, "dispatch"), seedSigner);
  }

  /** Undefined: this edge holds no key of the name that the log gives. */
  async fitting({ dispatchKey }: TrustState): Promise<Signer | undefined> {
    const signer = await this.#ring.named(dispatchKey);
    if (signer === undefined) sayMissing("dispatch", dispatchKey);
    return signer;
  }
}

export interface LedgerKeys {
  /** Undefined: this edge holds no key of the name that the log gives. */
  readonly signer: NoteSigner | undefined;
  /** Every public key that signed this log in its time, as far as the trust log can say. */
  readonly ever: readonly string[];
}

/** Signs checkpoints. Asked before each, so that it follows a change without being started again. */
export class CheckpointKeys {
  readonly #ring: KeyRing<NoteSigner>;
  readonly #trust: Pick<TrustLog, "current">;
  /** In memory only: what the log named when it could last be read. */
  #known: LedgerKeys | undefined;

  constructor(env: KeySeeds, trust: Pick<TrustLog, "current">) {
    this.#ring = new KeyRing(seedsOf(env, "ledger"), seedNoteSigner);
    this.#trust = trust;
  }

  async of(workspace: string): Promise<LedgerKeys> {
    let state: TrustState | undefined;
    try {
      state = await this.#trust.current(workspace);
    } catch (error) {
      // A damaged trust log must not stop what would show the damage: signing goes on with the key that was in force.
      logFault("ledger_key_unread", error);
      return this.#known ?? this.#unnamed();
    }
    if (state === undefined) return this.#unnamed();
    const signer = await this.#ring.named(state.ledgerKey);
    if (signer === undefined) sayMissing("ledger", state.ledgerKey);
    this.#known = { signer, ever: ledgerKeysEver(state) };
    return this.#known;
  }

  /** Before there is a trust log: the root will name the first. */
  async #unnamed(): Promise<LedgerKeys> {
    const keys = await this.#ring.all();
    return { signer: keys[0], ever: keys.map(({ publicKey }) => publicKey) };
  }
}

function sayMissing(job: KeyJob, named: string): void {
  logFault(
    `${job}_key_missing`,
    new Error(
      "the trust log names a key that this edge does not hold: give it that key, or change the log to one it has",
    ),
    { named },
  );
}
