/**
 * Which of the algorithms that a server offers are broken or missing. In the spirit of ssh-audit, with our own list: SHA-1, MD5,
 * weak Diffie-Hellman, CBC and stream ciphers, short tags, no key exchange that outlives quantum computers, and the
 * prefix truncation of 2023 (CVE-2023-48795).
 */
import type { Shortfalls } from "../../judge.ts";
import type { OfferSeen } from "../../collectors/ssh/probe.ts";
import { nameOf } from "../../collectors/ssh/probe.ts";

interface Rule {
  readonly shape: RegExp;
  readonly why: string;
}

const keyExchange: readonly Rule[] = [
  { shape: /sha1(?:-|$|@)/, why: "SHA-1" },
  { shape: /^diffie-hellman-group1-/, why: "768 or 1024 bits" },
  { shape: /^rsa1024-/, why: "1024 bits" },
];
const hostKeys: readonly Rule[] = [
  { shape: /^ssh-rsa(?:-cert|$)/, why: "SHA-1" },
  { shape: /^ssh-dss/, why: "1024 bits, SHA-1" },
];
const ciphers: readonly Rule[] = [
  { shape: /-cbc(?:@|$)/, why: "CBC" },
  { shape: /^(?:3des|arcfour|blowfish|cast128|des)/, why: "broken" },
  { shape: /^none$/, why: "no encryption" },
];
const macs: readonly Rule[] = [
  { shape: /^hmac-sha1/, why: "SHA-1" },
  { shape: /^hmac-md5/, why: "MD5" },
  { shape: /^hmac-ripemd/, why: "RIPEMD-160" },
  { shape: /^umac-64/, why: "64-bit tag" },
  { shape: /^none$/, why: "no integrity" },
];

const POST_QUANTUM = /^(?:sntrup761x25519|mlkem768x25519|mlkem768nistp256)/;
const CURVE_25519 = /^(?:curve25519-|sntrup761x25519|mlkem768x25519)/;
const STRICT = "kex-strict-s-v00@openssh.com";

export function algorithmShortfalls(seen: readonly OfferSeen[]): Shortfalls {
  const found: string[] = [];
  for (const offer of seen) {
    const at = nameOf(offer);
    const say = (text: string): void => {
      const line = `${at} offers ${text}`;
      // The same daemon answers at several addresses.
      if (!found.some((other) => other.endsWith(`offers ${text}`))) found.push(line);
    };
    for (const [kind, names, rules] of [
      ["key exchange", offer.keyExchange, keyExchange],
      ["host key", offer.hostKeys, hostKeys],
      ["cipher", offer.ciphers, ciphers],
      ["MAC", offer.macs, macs],
    ] as const)
      for (const name of names) {
        const rule = rules.find(({ shape }) => shape.test(name));
        if (rule !== undefined) say(`${kind} ${name} (${rule.why})`);
      }
    if (!offer.keyExchange.some((name) => POST_QUANTUM.test(name))) say("no post-quantum key exchange");
    if (!offer.keyExchange.some((name) => CURVE_25519.test(name)))
      say("no key exchange but Diffie-Hellman and NIST curves");
    if (offer.hostKeys.length > 0 && offer.hostKeys.every((name) => /nistp|^ssh-rsa$|^ssh-dss/.test(name)))
      say("no host key but of NIST curves or SHA-1");
    const isTruncatable =
      offer.ciphers.includes("chacha20-poly1305@openssh.com") || offer.macs.some((name) => name.includes("-etm@"));
    if (isTruncatable && !offer.keyExchange.includes(STRICT)) say("no strict key exchange (CVE-2023-48795)");
  }
  return found;
}
