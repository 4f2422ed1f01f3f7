/** Automation keys before they are granted: what somebody pasted, read strictly, with its id and its six words. Pure. */
import { fromBase64url } from "../../protocol/bytes.ts";
import { isUsablePoint } from "../../protocol/trust/transitions.ts";
import { automationKeyIdOf, automationKeyWords } from "../../protocol/words.ts";

const PUBLIC_KEY_BYTES = 32;

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
  return { publicKey, id: automationKeyIdOf(publicKey), words: automationKeyWords({ publicKey, workspace }) };
}

function isPublicKey(text: string): boolean {
  try {
    return fromBase64url(text).length === PUBLIC_KEY_BYTES && isUsablePoint(text);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
