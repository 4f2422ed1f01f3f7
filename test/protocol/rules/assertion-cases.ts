/** Verdicts on one assertion: client data as each browser writes it, every flag, every encoding, every algorithm. */
import type { AssertionContext, PinnedCredential } from "../../../protocol/assertion.ts";
import { concatBytes, fromBase64url, toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { digestBytes } from "../../../protocol/signing.ts";
import {
  assertion,
  createCredential,
  FLAGS,
  originFor,
  type AssertionKnobs,
  type SoftwareCredential,
} from "../../fixtures/authenticator.ts";
import { laxDer, laxP256, laxRsa } from "../../fixtures/der.ts";
import { flipBit, nonceOf } from "../../fixtures/keys.ts";
import { DAILY_RP_ID, SIGNER_RP_ID } from "../../fixtures/workspace.ts";
import { once, type Modules, type RuleCase } from "./cases.ts";

const challenge = digestBytes("approval", utf8("{}"));
const ORIGIN = originFor(SIGNER_RP_ID);
const B64 = toBase64url(challenge);

/** A key that never verifies anything; the three that people have, and one of each kind that must be refused. */
const credentials = {
  es256: once(() => createCredential()),
  synced: once(() => createCredential({ backupEligible: true })),
  rs256: once(() => createCredential({ alg: "RS256" })),
  rs3072: once(() => createCredential({ alg: "RS256", rsaBits: 3072 })),
  rs1024: once(() => createCredential({ alg: "RS256", rsaBits: 1024 })),
  ed25519: once(() => createCredential({ alg: "Ed25519" })),
  daily: once(() => createCredential({ rpId: DAILY_RP_ID })),
} as const satisfies Record<string, () => Promise<SoftwareCredential>>;
type Kind = keyof typeof credentials;

interface Bend {
  readonly kind?: Kind;
  readonly knobs?: AssertionKnobs;
  readonly pinned?: (pinned: PinnedCredential) => PinnedCredential;
  readonly context?: Partial<AssertionContext>;
}

async function contextOf({ kind = "es256", knobs, pinned, context }: Bend): Promise<AssertionContext> {
  const credential = await credentials[kind]();
  return {
    assertion: await assertion(credential, challenge, knobs),
    challenge,
    credential: pinned?.(credential.pinned) ?? credential.pinned,
    origins: [
      { origin: originFor(DAILY_RP_ID), rpId: DAILY_RP_ID, class: "daily" },
      { origin: ORIGIN, rpId: SIGNER_RP_ID, class: "signer" },
    ],
    ...context,
  };
}

/** The verdict in a few words: the rule, or the page's class and the counter. */
export async function assertionVerdict(modules: Modules, context: AssertionContext): Promise<string> {
  const verdict = await modules.assertion.verifyAssertion(context);
  return verdict.ok ? `ok ${verdict.origin.class} ${verdict.counter}` : verdict.rule;
}

const text = (clientData: string): Bend => ({ knobs: { rewrite: () => clientData } });
const clientData = (members: string): Bend => text(`{${members}}`);
const usual = `"type":"webauthn.get","challenge":"${B64}","origin":"${ORIGIN}"`;

/** As browsers write it. */
const browsers: readonly (readonly [string, string, Bend])[] = [
  ["Chromium", "ok signer 0", clientData(`${usual},"crossOrigin":false`)],
  [
    "Chromium with its reminder",
    "ok signer 0",
    clientData(
      `${usual},"crossOrigin":false,"other_keys_can_be_added_here":"do not compare clientDataJSON against a template. See https://goo.gl/yabPex"`,
    ),
  ],
  [
    "Chromium in a foreign frame",
    "cross_origin",
    clientData(`${usual},"crossOrigin":true,"topOrigin":"https://evil.example"`),
  ],
  ["WebKit, without crossOrigin", "ok signer 0", clientData(usual)],
  ["WebKit in a foreign frame", "cross_origin", clientData(`${usual},"topOrigin":"https://evil.example"`)],
  [
    "Firefox, in its own order",
    "ok signer 0",
    clientData(`"challenge":"${B64}","origin":"${ORIGIN}","type":"webauthn.get","crossOrigin":false`),
  ],
  [
    "Firefox of old, with hash algorithm and extensions",
    "ok signer 0",
    clientData(
      `"challenge":"${B64}","clientExtensions":{},"hashAlgorithm":"SHA-256","origin":"${ORIGIN}","type":"webauthn.get"`,
    ),
  ],
  [
    "Android, slashes escaped",
    "ok signer 0",
    clientData(
      `"type":"webauthn.get","challenge":"${B64}","origin":"${ORIGIN.replaceAll("/", "\\/")}","androidPackageName":"com.android.chrome"`,
    ),
  ],
  [
    "a password manager, with spaces and nested members",
    "ok signer 0",
    text(
      `{ "type" : "webauthn.get",\n "extra":{"type":"x","a":[{"type":1}]}, "challenge":"${B64}", "list":["type",{"origin":"y"}],"origin":"${ORIGIN}","crossOrigin":false }\n`,
    ),
  ],
  ["braces and quotes inside a string", "ok signer 0", clientData(`${usual},"note":"\\"},{\\"type\\":\\"\\\\"`)],
  ["a member named like the prototype", "ok signer 0", clientData(`${usual},"__proto__":{"crossOrigin":true}`)],
  [
    "crossOrigin beside a top origin of null",
    "cross_origin",
    clientData(`${usual},"crossOrigin":false,"topOrigin":null`),
  ],
];

/** Client data that is not well formed, or says something else. */
const clientDataRules: readonly (readonly [string, string, Bend])[] = [
  ["empty object", "client_data", text("{}")],
  ["array", "client_data", text(`[${usual.replaceAll(":", ",")}]`)],
  ["null", "client_data", text("null")],
  ["a string", "client_data", text('"webauthn.get"')],
  ["two objects", "client_data", text(`{${usual}}{${usual}}`)],
  ["a byte after it", "client_data", text(`{${usual}}\u0000`)],
  ["a byte order mark", "client_data", text(`\ufeff{${usual}}`)],
  [
    "not UTF-8",
    "client_data",
    { knobs: { clientData: concatBytes(utf8(`{${usual},"x":"`), Uint8Array.of(0xff), utf8('"}')) } },
  ],
  [
    "an overlong encoding",
    "client_data",
    { knobs: { clientData: concatBytes(utf8(`{${usual},"x":"`), Uint8Array.of(0xc0, 0xaf), utf8('"}')) } },
  ],
  ["a comment", "client_data", clientData(`${usual}/* */`)],
  ["a trailing comma", "client_data", clientData(`${usual},`)],
  ["type twice", "client_data", clientData(`${usual},"type":"webauthn.get"`)],
  ["type twice, once escaped", "client_data", clientData(`${usual},"t\\u0079pe":"webauthn.get"`)],
  ["challenge twice", "client_data", clientData(`"challenge":"${nonceOf("first")}",${usual}`)],
  ["origin twice, the honest one last", "client_data", clientData(`"origin":"https://evil.example",${usual}`)],
  ["an unknown member twice", "client_data", clientData(`${usual},"x":1,"x":2`)],
  ["an unknown member twice, both escaped", "client_data", clientData(`${usual},"\\u0078":1,"x":{"y":2}`)],
  ["the prototype twice", "client_data", clientData(`${usual},"__proto__":1,"__proto__":2`)],
  ["duplicates only further down", "ok signer 0", clientData(`${usual},"x":{"a":1,"a":2}`)],
  ["type missing", "client_data", clientData(`"challenge":"${B64}","origin":"${ORIGIN}"`)],
  ["challenge missing", "client_data", clientData(`"type":"webauthn.get","origin":"${ORIGIN}"`)],
  ["origin missing", "client_data", clientData(`"type":"webauthn.get","challenge":"${B64}"`)],
  ["type a number", "client_data", clientData(usual.replace('"webauthn.get"', "1"))],
  ["challenge an array", "client_data", clientData(usual.replace(`"${B64}"`, `["${B64}"]`))],
  ["origin an array", "client_data", clientData(usual.replace(`"${ORIGIN}"`, `["${ORIGIN}"]`))],
  ["crossOrigin a string", "client_data", clientData(`${usual},"crossOrigin":"false"`)],
  ["crossOrigin null", "client_data", clientData(`${usual},"crossOrigin":null`)],
  ["crossOrigin zero", "client_data", clientData(`${usual},"crossOrigin":0`)],
  ["4096 bytes", "ok signer 0", clientData(`${usual},"x":"${"x".repeat(4_096 - usual.length - 9)}"`.slice(0, 4_094))],
  ["4097 bytes", "client_data", clientData(`${usual},"x":"${"x".repeat(4_097 - usual.length - 8)}"`)],
  ["registration instead of sign-in", "type", { knobs: { type: "webauthn.create" } }],
  ["payment instead of sign-in", "type", { knobs: { type: "payment.get" } }],
  ["type in capitals", "type", { knobs: { type: "WEBAUTHN.GET" } }],
  ["another challenge", "challenge", { knobs: { challenge: nonceOf("other") } }],
  ["the challenge with padding", "challenge", { knobs: { challenge: `${B64}=` } }],
  ["the challenge cut short", "challenge", { knobs: { challenge: B64.slice(0, -1) } }],
  [
    "the challenge in base64",
    "challenge",
    { context: { challenge: Uint8Array.from({ length: 32 }, () => 0xfb) }, knobs: { challenge: "+/".repeat(21) } },
  ],
  ["another origin", "origin", { knobs: { origin: "https://evil.example" } }],
  ["an origin that only begins like ours", "origin", { knobs: { origin: `${ORIGIN}.evil.example` } }],
  ["another port", "origin", { knobs: { origin: "http://clawhold.localhost:8444" } }],
  ["another scheme", "origin", { knobs: { origin: ORIGIN.replace("http:", "https:") } }],
  ["a slash after the origin", "origin", { knobs: { origin: `${ORIGIN}/` } }],
  ["an origin listed for another credential's name", "origin", { knobs: { origin: originFor(DAILY_RP_ID) } }],
  ["a daily credential on its own page", "ok daily 0", { kind: "daily" }],
  ["a daily credential on the signer's page", "origin", { kind: "daily", knobs: { origin: ORIGIN } }],
  ["no origin listed at all", "origin", { context: { origins: [] } }],
  ["crossOrigin true", "cross_origin", { knobs: { crossOrigin: true } }],
  ["a top origin", "cross_origin", { knobs: { topOrigin: ORIGIN } }],
];

const honestFlags = FLAGS.UP | FLAGS.UV;
const authenticatorRules: readonly (readonly [string, string, Bend])[] = [
  ["another credential's id", "credential", { knobs: { credentialId: nonceOf("other") } }],
  ["one byte too many", "authenticator_data", { knobs: { tail: Uint8Array.of(0) } }],
  ["one byte too few", "authenticator_data", { knobs: { authenticatorData: new Uint8Array(36) } }],
  ["an extension", "authenticator_data", { knobs: { flags: honestFlags | FLAGS.ED, tail: Uint8Array.of(0xa0) } }],
  ["the extension flag alone", "authenticator_data", { knobs: { flags: honestFlags | FLAGS.ED } }],
  ["the attested data flag alone", "authenticator_data", { knobs: { flags: honestFlags | FLAGS.AT } }],
  ["first reserved bit", "authenticator_data", { knobs: { flags: honestFlags | 0x02 } }],
  ["second reserved bit", "authenticator_data", { knobs: { flags: honestFlags | 0x20 } }],
  ["another site's hash", "rp_id", { knobs: { rpId: "evil.example" } }],
  ["the hash of the parent name", "rp_id", { knobs: { rpId: "localhost" } }],
  ["nobody touched it", "user_presence", { knobs: { flags: FLAGS.UV } }],
  ["no flag at all", "user_presence", { knobs: { flags: 0 } }],
  ["touched, not verified", "user_verification", { knobs: { flags: FLAGS.UP } }],
  ["became backup eligible", "backup", { knobs: { flags: honestFlags | FLAGS.BE } }],
  ["stopped being backup eligible", "backup", { kind: "synced", knobs: { flags: honestFlags } }],
  ["backed up without being eligible", "backup", { knobs: { flags: honestFlags | FLAGS.BS } }],
  ["eligible, not yet backed up", "ok signer 0", { kind: "synced" }],
  ["eligible and backed up", "ok signer 0", { kind: "synced", knobs: { flags: honestFlags | FLAGS.BE | FLAGS.BS } }],
  ["a counter", "ok signer 4294967295", { knobs: { counter: 0xffff_ffff } }],
];

const swap =
  (alg: PinnedCredential["alg"]) =>
  (pinned: PinnedCredential): PinnedCredential => ({ ...pinned, alg });
const reencoded =
  (bend: (spki: Uint8Array) => Uint8Array) =>
  (pinned: PinnedCredential): PinnedCredential => ({
    ...pinned,
    publicKey: toBase64url(bend(fromBase64url(pinned.publicKey))),
  });
const halves = (signature: Uint8Array): readonly Uint8Array[] => [signature.subarray(0, 32), signature.subarray(32)];
const signatureRules: readonly (readonly [string, string, Bend])[] = [
  ["ES256", "ok signer 0", {}],
  ["RS256 of 2048 bits", "ok signer 0", { kind: "rs256" }],
  ["Ed25519", "ok signer 0", { kind: "ed25519" }],
  ["RS256 of 1024 bits", "signature", { kind: "rs1024" }],
  ["ES256, one bit flipped", "signature", { knobs: { mutateSignature: (s) => flipBit(s, s.length * 8 - 1) } }],
  ["RS256, one bit flipped", "signature", { kind: "rs256", knobs: { mutateSignature: (s) => flipBit(s, 9) } }],
  ["Ed25519, one bit flipped", "signature", { kind: "ed25519", knobs: { mutateSignature: (s) => flipBit(s, 300) } }],
  [
    "RS256, a byte too many",
    "signature",
    { kind: "rs256", knobs: { mutateSignature: (s) => concatBytes(s, Uint8Array.of(0)) } },
  ],
  [
    "RS256, a zero before it",
    "signature",
    { kind: "rs256", knobs: { mutateSignature: (s) => concatBytes(Uint8Array.of(0), s) } },
  ],
  [
    "Ed25519, a byte too many",
    "signature",
    { kind: "ed25519", knobs: { mutateSignature: (s) => concatBytes(s, Uint8Array.of(0)) } },
  ],
  [
    "Ed25519, low-order R",
    "signature",
    {
      kind: "ed25519",
      knobs: { mutateSignature: (s) => concatBytes(Uint8Array.of(1), new Uint8Array(31), s.subarray(32)) },
    },
  ],
  [
    "Ed25519, low-order key",
    "signature",
    {
      kind: "ed25519",
      pinned: (pinned) => ({ ...pinned, publicKey: toBase64url(concatBytes(Uint8Array.of(1), new Uint8Array(31))) }),
      // With A the neutral element, S·B = R holds for any message: S = 1 and R = B.
      knobs: { mutateSignature: () => concatBytes(basePoint, Uint8Array.of(1), new Uint8Array(31)) },
    },
  ],
  ["ES256 in raw form", "signature", { knobs: { mutateSignature: (s) => concatBytes(...halves(s.subarray(-64))) } }],
  ["an ES256 key pinned as Ed25519", "signature", { pinned: swap("Ed25519") }],
  ["an ES256 key pinned as RS256", "signature", { pinned: swap("RS256") }],
  ["an Ed25519 key pinned as ES256", "signature", { kind: "ed25519", pinned: swap("ES256") }],
  ["an RS256 key pinned as ES256", "signature", { kind: "rs256", pinned: swap("ES256") }],
  ["a key that is none", "signature", { pinned: (pinned) => ({ ...pinned, publicKey: "AAAA" }) }],
  [
    "a key with a byte changed",
    "signature",
    {
      pinned: (pinned) => ({ ...pinned, publicKey: toBase64url(flipBit(fromBase64url(pinned.publicKey), 90 * 8)) }),
    },
  ],
  ["RS256 of 3072 bits", "ok signer 0", { kind: "rs3072" }],
  ...Object.entries(laxP256).map(
    ([name, bend]) => [`P-256 key: ${name}`, "signature", { pinned: reencoded(bend) }] as const,
  ),
  ...Object.entries(laxRsa).map(
    ([name, bend]) => [`RSA key: ${name}`, "signature", { kind: "rs256", pinned: reencoded(bend) }] as const,
  ),
  ...Object.entries(laxDer).map(
    ([name, mutate]) => [`DER: ${name}`, "signature", { knobs: { mutateSignature: mutate } }] as const,
  ),
];

/** Encoding of the base point: y = 4/5 (RFC 8032, section 5.1). */
const basePoint = concatBytes(Uint8Array.of(0x58), new Uint8Array(31).fill(0x66));

export interface AssertionInput {
  readonly name: string;
  readonly expected: string;
  readonly context: () => Promise<AssertionContext>;
}

export const assertionInputs: readonly AssertionInput[] = Object.entries({
  browsers,
  "client data": clientDataRules,
  authenticator: authenticatorRules,
  signature: signatureRules,
}).flatMap(([group, rows]) =>
  rows.map(([name, expected, bend]) => ({ name: `${group}: ${name}`, expected, context: () => contextOf(bend) })),
);

export const assertionCases: readonly RuleCase[] = assertionInputs.map(({ name, expected, context }) => ({
  name,
  expected,
  run: async (modules) => assertionVerdict(modules, await context()),
}));
