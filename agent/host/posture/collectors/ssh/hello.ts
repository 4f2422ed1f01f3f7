/**
 * What an SSH server offers before anybody has said who he is: its version line and its first packet, with the lists of
 * algorithms (RFC 4253, sections 4.2, 6 and 7.1). Read without any SSH program, and nothing is agreed on.
 */
import { connect } from "node:net";

export interface Offer {
  /** Printable characters only. */
  readonly banner: string;
  readonly keyExchange: readonly string[];
  readonly hostKeys: readonly string[];
  /** Of both directions. */
  readonly ciphers: readonly string[];
  readonly macs: readonly string[];
}

/** `none`: somebody answers who speaks no SSH. */
export type Heard = { readonly kind: "offer"; readonly offer: Offer } | { readonly kind: "closed" | "silent" | "none" };
export type Hear = (host: string, port: number) => Promise<Heard>;

export type Parsed = Offer | "more" | "malformed";

/** RFC 4253 allows 255 characters, and lines before it. */
const MAX_LINES_BYTES = 8_192;
const MAX_PACKET_BYTES = 35_000;
const KEXINIT = 20;
const COOKIE_BYTES = 16;
const LISTS = 10;
const HEAR_MILLISECONDS = 3_000;
const OUR_LINE = "SSH-2.0-Clawhold_posture\r\n";

/** The beginning of what a server sent. */
export function parseHello(bytes: Uint8Array): Parsed {
  const line = versionLine(bytes);
  if (typeof line === "string") return line;
  const payload = firstPayload(bytes.subarray(line.end));
  if (typeof payload === "string") return payload;
  const lists = payload[0] === KEXINIT ? nameLists(payload.subarray(1 + COOKIE_BYTES)) : undefined;
  if (lists === undefined) return "malformed";
  const [keyExchange = [], hostKeys = [], ciphersIn = [], ciphersOut = [], macsIn = [], macsOut = []] = lists;
  return {
    banner: line.text,
    keyExchange,
    hostKeys,
    ciphers: [...new Set([...ciphersIn, ...ciphersOut])],
    macs: [...new Set([...macsIn, ...macsOut])],
  };
}

/** Of an unencrypted packet: length, length of padding, payload, padding. */
function firstPayload(packet: Uint8Array): Uint8Array | "more" | "malformed" {
  if (packet.length < 5) return "more";
  const length = new DataView(packet.buffer, packet.byteOffset, packet.byteLength).getUint32(0);
  const padding = packet[4] ?? 0;
  if (length < 12 || length > MAX_PACKET_BYTES || padding + 1 >= length) return "malformed";
  return packet.length < 4 + length ? "more" : packet.subarray(5, 4 + length - padding);
}

function versionLine(bytes: Uint8Array): { readonly text: string; readonly end: number } | "more" | "malformed" {
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(10, start);
    if (end < 0) return bytes.length > MAX_LINES_BYTES ? "malformed" : "more";
    if (end > MAX_LINES_BYTES) return "malformed";
    const text = String.fromCharCode(...bytes.subarray(start, end)).replace(/\r$/, "");
    if (text.startsWith("SSH-")) return { text: text.replaceAll(/[^\x20-\x7E]/g, "").slice(0, 255), end: end + 1 };
    start = end + 1;
  }
}

function nameLists(bytes: Uint8Array): readonly (readonly string[])[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: string[][] = [];
  let at = 0;
  while (found.length < LISTS) {
    if (at + 4 > bytes.length) return undefined;
    const length = view.getUint32(at);
    at += 4;
    if (at + length > bytes.length) return undefined;
    const text = String.fromCharCode(...bytes.subarray(at, at + length));
    if (!/^[\x21-\x7E]*$/.test(text)) return undefined;
    found.push(text === "" ? [] : text.split(","));
    at += length;
  }
  return found;
}

/** Never rejects. */
export const hear: Hear = (host, port) =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const parts: Buffer[] = [];
    const end = (heard: Heard): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(heard);
    };
    const timer = setTimeout(
      () => end({ kind: socket.connecting || parts.length === 0 ? "silent" : "none" }),
      HEAR_MILLISECONDS,
    );
    socket.once("connect", () => socket.write(OUR_LINE));
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      const parsed = parseHello(Buffer.concat(parts));
      if (parsed === "malformed") end({ kind: "none" });
      else if (parsed !== "more") end({ kind: "offer", offer: parsed });
    });
    socket.once("end", () => end({ kind: parts.length === 0 ? "closed" : "none" }));
    socket.once("error", () => end({ kind: parts.length === 0 ? "closed" : "none" }));
  });
