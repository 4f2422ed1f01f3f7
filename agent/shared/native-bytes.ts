/**
 * Base64url by Node's own decoder, in the place of the JavaScript one in the agent's own program (agent/agent-bundle.ts), where
 * nothing is compiled and a loop over a text is dear. As strict: what the encoder would not have written is refused.
 */
export { concatBytes, equalBytes, fromHex, toHex, utf8, utf8Text } from "../../protocol/bytes.ts";

export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/**
 * Node's decoder skips what it does not know and takes two alphabets; so the bytes are written out again and compared.
 * @throws {RangeError} when the text is not canonical base64url.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  // Memory of its own: callers read numbers from the buffer behind it.
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  const view = Buffer.from(bytes.buffer);
  if (view.write(text, "base64url") !== bytes.length || view.toString("base64url") !== text)
    throw new RangeError("base64url: not canonical");
  return bytes;
}
