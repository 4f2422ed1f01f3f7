/** A sign-in, or an approval, as a frame carries it beside what it certifies. */
import { fromBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { assertedCodec, type Asserted } from "../../../protocol/messages.ts";

export function readAsserted(text: string | undefined): Asserted | "malformed" | undefined {
  if (text === undefined) return undefined;
  try {
    return assertedCodec.decode(fromBase64url(text));
  } catch (error) {
    if (error instanceof MalformedError) return "malformed";
    throw error;
  }
}
