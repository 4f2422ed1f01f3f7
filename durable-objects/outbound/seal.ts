/**
 * Seals the few secrets that the edge keeps (AES-256-GCM): whoever reads the storage without the key learns nothing, and
 * a sealed text moved to another workspace or another setting does not open.
 */
import { concatBytes, fromBase64url, toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";

const KEY_BYTES = 32;
const IV_BYTES = 12;

export class Seals {
  readonly #key: Promise<CryptoKey>;
  readonly #workspace: string;

  /** `key`: base64url, 32 bytes. */
  constructor(key: string, workspace: string) {
    this.#key = importKey(key);
    this.#key.catch(() => undefined); // whoever seals or opens is told; nobody may ever ask
    this.#workspace = workspace;
  }

  async seal(name: string, text: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt(this.#algorithm(name, iv), await this.#key, utf8(text));
    return toBase64url(concatBytes(iv, new Uint8Array(sealed)));
  }

  /** Undefined when it was not sealed with this key, for this workspace, under this name. */
  async open(name: string, sealed: string): Promise<string | undefined> {
    const key = await this.#key;
    try {
      const bytes = fromBase64url(sealed);
      const algorithm = this.#algorithm(name, bytes.slice(0, IV_BYTES));
      return utf8Text(new Uint8Array(await crypto.subtle.decrypt(algorithm, key, bytes.slice(IV_BYTES))));
    } catch {
      return undefined; // the caller says so; the reason would tell nobody anything
    }
  }

  #algorithm(name: string, iv: Uint8Array<ArrayBuffer>) {
    return { name: "AES-GCM", iv, additionalData: utf8(`${this.#workspace} ${name}`) };
  }
}

/** @throws {TypeError} when the configured key is not 32 bytes: the deployment is wrong, nothing can be kept. */
async function importKey(key: string): Promise<CryptoKey> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = fromBase64url(key);
  } catch {
    throw new TypeError("settings key: not base64url"); // the cause would quote the secret
  }
  if (bytes.length !== KEY_BYTES) throw new TypeError("settings key: not 32 bytes");
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}
