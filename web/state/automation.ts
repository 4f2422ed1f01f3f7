/** Automation keys before they are granted: what somebody pasted, read strictly, with its id and its six words. Pure. */
import { fromBase64url, toHex, utf8 } from "../../protocol/bytes.ts";
import { sha256Of } from "../../protocol/signing.ts";
import { isUsablePoint } from "../../protocol/trust/transitions.ts";
import { automationKeyWords } from "../../protocol/words.ts";

const PUBLIC_KEY_BYTES = 32;
const ID_CHARACTERS = 20;

export interface OfferedKey {
  readonly publicKey: string;
  /** Follows from the key, so that the machine that made it knows its own id. */
  readonly id: string;
  readonly words: readonly string[];
}

/** Undefined: no Ed25519 public key that anybody accepts. */
export function readOfferedKey(text: string, workspace: string): OfferedKey | undefined {
  const publicKey = text.trim();
  if (!isPublicKey(publicKey)) return undefined;
  return { publicKey, id: idOf(publicKey), words: automationKeyWords({ publicKey, workspace }) };
}

function isPublicKey(text: string): boolean {
  try {
    return fromBase64url(text).length === PUBLIC_KEY_BYTES && isUsablePoint(text);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function idOf(publicKey: string): string {
  return `k-${toHex(sha256Of(utf8(publicKey))).slice(0, ID_CHARACTERS)}`;
}
