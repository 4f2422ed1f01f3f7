/**
 * What this browser keeps between visits, in IndexedDB: the pinned workspace, the session with its non-extractable
 * key, and the newest trust head it verified. No secret that could be read out is ever stored.
 */
import type { Enrolment } from "../../protocol/contracts/invitations.ts";
import type { ChainPosition } from "../../protocol/ledger.ts";
import type { TrustHead } from "../../protocol/fields.ts";
import type { Asserted } from "../../protocol/messages.ts";

/** A key of a sign-in; `named` is the step-up that named it, absent for the first, which the sign-in itself certifies. */
export interface SessionKey {
  readonly keys: CryptoKeyPair;
  readonly publicKey: string;
  readonly named?: Asserted;
}

export interface StoredSession {
  /** The key that signs now. */
  readonly keys: CryptoKeyPair;
  readonly publicKey: string;
  /** The step-up that named the present key; goes with whatever that key signs. Absent for the first key. */
  readonly successor?: Asserted;
  /** Keys of this sign-in that may count too: named in an approval on its way, or the one before. */
  readonly others?: readonly SessionKey[];
  readonly certificate: Asserted;
  readonly digest: string;
  readonly person: string;
  readonly credentialId: string;
  readonly expires: number;
}

interface Contents {
  /** Set at the first sign-in and never replaced by an answer of the edge. */
  readonly workspace: string;
  readonly session: StoredSession;
  /** The newest trust head this browser has verified; a log that is older, or forked from it, is refused. */
  readonly trustHead: TrustHead;
  /** How long the roles of whoever signed in here last let a session be: what the next sign-in asks for. */
  readonly sessionSeconds: number;
  /** The end of the ledger this browser has verified; a ledger that is shorter, or says another thing there, is not it. */
  readonly ledger: ChainPosition;
  /** The longest signed log that this browser has verified: what is shown later must begin with it. */
  readonly checkpoint: { readonly size: number; readonly root: string };
  /** The passkey that was made here for an invitation: public, and what its six words are computed from. */
  readonly enrolment: KeptEnrolment;
}

export interface KeptEnrolment extends Enrolment {
  /** Names the invitation; the token is not kept. */
  readonly invitation: string;
}

const DATABASE = "clawhold";
const STORE = "vault";

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB request failed"));
  });
}

export class Vault {
  readonly #database: IDBDatabase;
  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** `workspace`: where one address may show several in turn, each has a vault of its own. */
  static async open(workspace?: string): Promise<Vault> {
    const request = indexedDB.open(workspace === undefined ? DATABASE : `${DATABASE} ${workspace}`, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return new Vault(await settled(request));
  }

  get<K extends keyof Contents>(key: K): Promise<Contents[K] | undefined> {
    const store = this.#database.transaction(STORE, "readonly").objectStore(STORE);
    return settled<Contents[K] | undefined>(store.get(key));
  }

  async set<K extends keyof Contents>(key: K, value: Contents[K]): Promise<void> {
    await settled(this.#database.transaction(STORE, "readwrite").objectStore(STORE).put(value, key));
  }

  async delete(key: keyof Contents): Promise<void> {
    await settled(this.#database.transaction(STORE, "readwrite").objectStore(STORE).delete(key));
  }
}
