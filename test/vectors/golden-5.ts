/** A question to a host, its answer, and what binds a sealed text to its place: the source of messages-5.json. */
import { MAX_READING_PARTS } from "../../protocol/limits.ts";
import { readCodec, readingCodec } from "../../protocol/reading.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { NOW } from "../fixtures/workspace.ts";
import { goldenOf, type Golden, type Sample } from "./golden.ts";

const v = 1;
const workspace = nonceOf("workspace");
const host = "h-0123456789abcdef0123";
const trustHead = { n: 2, hash: nonceOf("head"), revoked: NO_REVOCATIONS };
const reading = { v, workspace, host, request: nonceOf("read"), now: NOW, trustHead };

export const readingSamples: Readonly<Record<string, Sample>> = {
  read: {
    note: "Signed by the session's key. `replyKey` is an X25519 key made for this question alone.",
    kind: "read",
    codec: readCodec,
    value: {
      v,
      workspace,
      host,
      session: nonceOf("session"),
      operation: "content.transcript@1",
      args: { session: "s-0123456789abcdef" },
      replyKey: nonceOf("reply key"),
      trustHead,
      iat: NOW,
      jti: nonceOf("jti"),
    },
  },
  reading: {
    note: "Signed by the host key: one part. `content` is SHA-256 of this part's ciphertext.",
    kind: "reading",
    codec: readingCodec,
    value: { ...reading, part: MAX_READING_PARTS - 1, final: true, content: nonceOf("ciphertext") },
  },
  "reading that denies": {
    note: "Signed by the host key. No ciphertext belongs to it.",
    kind: "reading",
    codec: readingCodec,
    value: { ...reading, part: 0, final: true, code: "grant" },
  },
  seal: {
    note: "HPKE info (its PAE) of sealed arguments, from page to host. Never signed, never sent.",
    kind: "seal",
    value: { workspace, host, operation: "config.set@1", path: "content", challenge: nonceOf("challenge") },
  },
  reply: {
    note: "HPKE info (its PAE) of a reading, from host to page. Never signed, never sent.",
    kind: "reply",
    value: { workspace, host, request: nonceOf("read") },
  },
  subject: {
    note: "What an intent pins of a thing: the digest of the item exactly as a reading showed it.",
    kind: "subject",
    value: { enabled: true, subject: "j-0123456789abcdef" },
  },
};

export function readingMessages(): readonly Golden[] {
  return goldenOf(readingSamples);
}
