/** How a configuration is named outside the host: without saying what is in it, in one shape whatever the gateway calls it. */
import { toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { sha256Of } from "../../../protocol/signing.ts";

/** Of the gateway's own hash. */
export function configDigest(hash: string): string {
  return toBase64url(sha256Of(utf8(hash)));
}
