/**
 * Attacks on the touch: everything else in the envelope is honest and signed by the honest session, and the approval
 * is what a hostile page, browser, authenticator or another person's passkey would give. Layers 4 and 5.
 */
import { concatBytes, fromBase64url, toBase64url, utf8 } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { NO_REVOCATIONS } from "../../protocol/trust/state.ts";
import { FLAGS, originFor, type AssertionKnobs } from "../fixtures/authenticator.ts";
import { laxDer } from "../fixtures/der.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { DAILY_RP_ID, SIGNER_RP_ID } from "../fixtures/workspace.ts";
import { tableOf, type Attack, type Row } from "./attack.ts";
import { wallNow, type ActorName } from "./town.ts";

function knobs(name: string, rule: string, turned: AssertionKnobs): Row {
  return [name, `approval.${rule}`, (_draft, { touch }) => void (touch.knobs = turned)];
}

const ORIGIN = originFor(SIGNER_RP_ID);

const authenticator: readonly Row[] = [
  knobs("without user verification", "user_verification", { flags: FLAGS.UP }),
  knobs("without presence", "user_presence", { flags: FLAGS.UV }),
  knobs("no flags at all", "user_presence", { flags: 0 }),
  knobs("another rpId", "rp_id", { rpId: "evil.example" }),
  knobs("rpId of the edge's own pages", "rp_id", { rpId: DAILY_RP_ID }),
  knobs("a parent of the rpId", "rp_id", { rpId: "localhost" }),
  knobs("backup eligible against its enrolment", "backup", { flags: FLAGS.UP | FLAGS.UV | FLAGS.BE }),
  knobs("backed up without being eligible", "backup", { flags: FLAGS.UP | FLAGS.UV | FLAGS.BS }),
  knobs("attested data flag", "authenticator_data", { flags: FLAGS.UP | FLAGS.UV | FLAGS.AT }),
  knobs("extension flag", "authenticator_data", { flags: FLAGS.UP | FLAGS.UV | FLAGS.ED }),
  knobs("extension data", "authenticator_data", { tail: Uint8Array.of(0xa0) }),
  knobs("authenticator data cut short", "authenticator_data", { authenticatorData: new Uint8Array(36) }),
  knobs("all-zero signature", "signature", { mutateSignature: (der) => new Uint8Array(der.length) }),
  knobs("one bit of the signature", "signature", {
    mutateSignature: (der) => der.with(der.length - 1, (der.at(-1) ?? 0) ^ 1),
  }),
  knobs("unknown credential", "credential", { credentialId: toBase64url(new Uint8Array(16)) }),
  ...Object.entries(laxDer).map(([name, mutateSignature]) =>
    knobs(`lax DER: ${name}`, "signature", { mutateSignature }),
  ),
];

const page: readonly Row[] = [
  knobs("foreign origin", "origin", { origin: "https://evil.example" }),
  knobs("another port of our name", "origin", { origin: ORIGIN.replace(/\d+$/, "9999") }),
  knobs("https for http", "origin", { origin: ORIGIN.replace("http:", "https:") }),
  knobs("the edge's origin, on a signer credential", "origin", { origin: originFor(DAILY_RP_ID) }),
  knobs("origin with a path", "origin", { origin: `${ORIGIN}/` }),
  knobs("origin with a user name", "origin", { origin: ORIGIN.replace("http://", "http://clawhold@") }),
  knobs("inside a foreign page", "cross_origin", { crossOrigin: true }),
  knobs("with a top origin", "cross_origin", { topOrigin: "https://evil.example" }),
  knobs("with our own top origin", "cross_origin", { topOrigin: ORIGIN }),
  knobs("a registration", "type", { type: "webauthn.create" }),
  knobs("a payment", "type", { type: "payment.get" }),
  knobs("challenge of nothing", "challenge", { challenge: toBase64url(new Uint8Array(32)) }),
  knobs("challenge padded", "challenge", { rewrite: (text) => text.replace(/("challenge":"[^"]*)"/, '$1="') }),
  knobs("type said twice", "client_data", { rewrite: (text) => text.replace("{", '{"type":"webauthn.create",') }),
  knobs("challenge said twice, once escaped", "client_data", {
    rewrite: (text) => text.replace("{", String.raw`{"\u0063hallenge":"x",`),
  }),
  knobs("crossOrigin as text", "client_data", { rewrite: (text) => text.replace("false", '"false"') }),
  knobs("byte order mark", "client_data", { rewrite: (text) => `\uFEFF${text}` }),
  knobs("an array around it", "client_data", { rewrite: (text) => `[${text}]` }),
  knobs("not UTF-8", "client_data", { clientData: Uint8Array.of(0x7b, 0xff, 0x7d) }),
];

const binding: readonly Row[] = [
  ["nobody approved", "approval_missing", (draft) => void (draft.approvals = [])],
  [
    "approval of another intent",
    "approval_subject",
    (_draft, { touch }) => void Object.assign(touch.body, { subject: nonceOf("another intent") }),
  ],
  [
    "approval for another workspace",
    "approval_subject",
    (_draft, { touch }) => void Object.assign(touch.body, { workspace: nonceOf("another workspace") }),
  ],
  [
    "approval of a statement",
    "approval_subject",
    (draft, { touch, scene }) => {
      const { workspace } = scene.town.world;
      touch.bytes = encodeCanonical({
        v: 1,
        workspace,
        kind: "statement",
        subject: nonceOf("x"),
        decision: "approve",
        at: wallNow(),
      });
    },
  ],
  [
    "the sign-in given as approval",
    "approval_malformed",
    (_draft, { touch, actor }) => void (touch.bytes = encodeCanonical(actor.session)),
  ],
  ["decision deny", "approval_malformed", (_draft, { touch }) => void Object.assign(touch.body, { decision: "deny" })],
  [
    "kind edge-action",
    "approval_malformed",
    (_draft, { touch }) => void Object.assign(touch.body, { kind: "edge-action" }),
  ],
  ["an approval of version 2", "approval_malformed", (_draft, { touch }) => void Object.assign(touch.body, { v: 2 })],
  [
    "a second approval that is bad, behind the good one",
    "approval_extra",
    (draft, { touch }) => void draft.approvals.push({ ...touch, knobs: { flags: FLAGS.UP } }),
  ],
  [
    "a second approval that is bad, before the good one",
    "approval_extra",
    (draft, { touch }) => void draft.approvals.unshift({ ...touch, knobs: { flags: FLAGS.UP } }),
  ],
  [
    "more approvals than anybody needs",
    "malformed",
    (draft, { touch }) => void draft.approvals.push(...Array.from({ length: 8 }, () => touch)),
  ],
  [
    "signed by the attacker's passkey under the person's credential id",
    "approval.signature",
    (_draft, { touch, scene, actor }) => {
      touch.passkey = scene.town.mallory.passkey;
      touch.knobs = { credentialId: actor.passkey.pinned.credentialId };
    },
  ],
  [
    "the attacker's own passkey",
    "approval.credential",
    (_draft, { touch, scene }) => void (touch.passkey = scene.town.mallory.passkey),
  ],
  [
    "the person's passkey for the edge's pages, claiming the signer's origin",
    "approval.origin",
    (_draft, { touch, actor }) => {
      touch.passkey = actor.daily;
      touch.knobs = { origin: ORIGIN };
    },
  ],
];

const confusion: readonly Row[] = [
  [
    "an Ed25519 signature for an ES256 credential",
    "approval.signature",
    async (_draft, { touch }) => {
      const ed = await signerOf("confused");
      const made = fromBase64url(await ed.sign("approval", utf8("anything")));
      touch.knobs = { mutateSignature: () => made };
    },
  ],
  [
    "64 raw bytes for DER",
    "approval.signature",
    (_draft, { touch }) => void (touch.knobs = { mutateSignature: () => new Uint8Array(64).fill(7) }),
  ],
];

/** All-zero S with a low-order R: what a lax library takes from anybody under a low-order key. */
const LOW_ORDER = concatBytes(Uint8Array.of(1), new Uint8Array(63));

const edda: readonly Row[] = [
  [
    "an ES256 signature for an Ed25519 credential",
    "approval.signature",
    async (_draft, { touch, scene }) => {
      const der = await scene.town.actors.otto.passkey.sign(utf8("anything"));
      touch.knobs = { mutateSignature: () => der };
    },
  ],
  [
    "low-order R and no S",
    "approval.signature",
    (_draft, { touch }) => void (touch.knobs = { mutateSignature: () => LOW_ORDER }),
  ],
];

const time: readonly Row[] = [
  ["too late by a second", "clock", (draft, { touch }) => setTime(draft.target, touch.body, { ago: 62, after: 1 })],
  ["approved an hour ago", "clock", (draft, { touch }) => setTime(draft.target, touch.body, { ago: 3_600, after: 5 })],
  ["approved in the future", "clock", (draft, { touch }) => setTime(draft.target, touch.body, { ago: 0, after: 30 })],
  ["host time in the future", "clock", (draft, { touch }) => setTime(draft.target, touch.body, { ago: -30, after: 0 })],
  [
    "a press long after the intent outlived its time",
    "clock",
    (draft, { touch }) => {
      draft.intent["ttl"] = 60;
      setTime(draft.target, touch.body, { ago: 90, after: 80 });
    },
  ],
  [
    "after the largest safe integer",
    "clock",
    (_draft, { touch }) => void (touch.body["after"] = Number.MAX_SAFE_INTEGER),
  ],
  ["after below zero", "approval_malformed", (_draft, { touch }) => void (touch.body["after"] = -1)],
  ["longer ttl than the protocol allows", "malformed", (draft) => void (draft.intent["ttl"] = 301)],
];

function setTime(
  target: Record<string, unknown>,
  body: Record<string, unknown>,
  { ago, after }: { ago: number; after: number },
): void {
  target["iat"] = wallNow() - ago;
  body["after"] = after;
}

function approvedBy(name: ActorName, rule: string): Row {
  return [
    `approved by ${name}`,
    rule,
    (_draft, { touch, scene }) => void (touch.passkey = scene.town.actors[name].passkey),
  ];
}

const people: readonly Row[] = [
  approvedBy("vera", "role"),
  approvedBy("nora", "role"),
  approvedBy("rex", "role"),
  approvedBy("scot", "host_scope"),
  approvedBy("ada", "people"),
  [
    "otto's good approval, then one of an administrator",
    "approval_extra",
    (draft, { touch, scene }) => void draft.approvals.push({ ...touch, passkey: scene.town.actors.ada.passkey }),
  ],
  [
    "a viewer's approval, then otto's good one",
    "approval_extra",
    (draft, { touch, scene }) => void draft.approvals.unshift({ ...touch, passkey: scene.town.actors.vera.passkey }),
  ],
];

const operation: readonly Row[] = [
  [
    "arguments for an operation without arguments",
    "malformed",
    (draft) => void (draft.intent["args"] = { force: true }),
  ],
  ["without the boot that the person saw", "expect", (draft) => void (draft.target["expect"] = {})],
  [
    "another boot than the gateway's",
    "expect",
    (draft) => void (draft.target["expect"] = { gatewayBoot: "boot-999999" }),
  ],
  ["an operation that nobody knows", "challenge", (draft) => void (draft.intent["operation"] = "gateway.wipe@1")],
  [
    "another operation than the challenge was minted for",
    "challenge",
    (draft) => void (draft.intent["operation"] = "host.check@1"),
  ],
  ["a later version of the operation", "challenge", (draft) => void (draft.intent["operation"] = "gateway.restart@2")],
  ["an operation of the prototype", "challenge", (draft) => void (draft.intent["operation"] = "constructor@1")],
  [
    "a trust head before the newest",
    "trust_behind",
    (draft, { scene }) => void (draft.intent["trustHead"] = scene.town.before.state.head),
  ],
  [
    "a trust head that nobody has",
    "trust_behind",
    (draft, { scene }) => {
      const { n } = scene.town.world.state.head;
      draft.intent["trustHead"] = { n: n + 1, hash: nonceOf("later"), revoked: NO_REVOCATIONS };
    },
  ],
  [
    "other revocations than the host holds",
    "trust_behind",
    (draft, { scene }) =>
      void (draft.intent["trustHead"] = { ...scene.town.world.state.head, revoked: nonceOf("revoked") }),
  ],
];

export const approvalAttacks: readonly Attack[] = [
  ...tableOf("approval: authenticator", authenticator),
  ...tableOf("approval: page", page),
  ...tableOf("approval: binding", binding),
  ...tableOf("approval: algorithm", confusion),
  ...tableOf("approval: algorithm", edda, "edda"),
  ...tableOf("approval: time", time),
  ...tableOf("people and roles", people),
  ...tableOf("operation and facts", operation),
];
