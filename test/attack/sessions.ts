/**
 * Attacks on the sign-in and the session key (layer 3): the touch over the intent is genuine, the live challenge is the
 * honest session's, and the certificate or the signature is what an attacker without the session key can put there.
 */
import { concatBytes, toBase64url, utf8 } from "../../protocol/bytes.ts";
import { assertedCodec, type Prepared } from "../../protocol/messages.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import { FLAGS, originFor, type AssertionKnobs } from "../fixtures/authenticator.ts";
import { OPERATION } from "../fixtures/command.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { asserted, DAILY_RP_ID, type Fields } from "../fixtures/workspace.ts";
import { tableOf, type Attack, type Row } from "./attack.ts";
import { freshNonce, type Outcome, type Scene } from "./scene.ts";
import { sessionBody, wallNow, type Actor, type ActorName } from "./town.ts";

function knobs(name: string, rule: string, turned: AssertionKnobs): Row {
  return [name, `session.${rule}`, (draft) => void (draft.session.knobs = turned)];
}

/** The intent still names the honest session, whose challenge is live. */
function named(draft: { intent: Fields }, actor: Actor): void {
  draft.intent["actor"] = { session: actor.digest };
}

function certificate(name: string, rule: string, change: Fields): Row {
  return [
    name,
    rule,
    (draft, { actor }) => {
      named(draft, actor);
      Object.assign(draft.session.body, change);
    },
  ];
}

const HOUR = 3_600;

function deliveries(): readonly Row[] {
  const now = wallNow();
  return [
    knobs("sign-in without user verification", "user_verification", { flags: FLAGS.UP }),
    knobs("sign-in without presence", "user_presence", { flags: FLAGS.UV }),
    knobs("sign-in on a foreign origin", "origin", { origin: "https://evil.example" }),
    knobs("sign-in inside a foreign page", "cross_origin", { crossOrigin: true }),
    knobs("sign-in with a top origin", "cross_origin", { topOrigin: "https://evil.example" }),
    knobs("sign-in that was a registration", "type", { type: "webauthn.create" }),
    knobs("sign-in for another rpId", "rp_id", { rpId: "evil.example" }),
    knobs("sign-in over another challenge", "challenge", { challenge: toBase64url(new Uint8Array(32)) }),
    knobs("sign-in of an unknown credential", "credential", { credentialId: toBase64url(new Uint8Array(16)) }),
    knobs("sign-in with client data said twice", "client_data", {
      rewrite: (text) => text.replace("{", '{"type":"x",'),
    }),
    knobs("sign-in with extension data", "authenticator_data", { tail: Uint8Array.of(0) }),
    knobs("sign-in with other backup flags", "backup", { flags: FLAGS.UP | FLAGS.UV | FLAGS.BE }),
    certificate("sign-in that claims another listed origin", "session.origin", { origin: originFor(DAILY_RP_ID) }),
    certificate("sign-in to another workspace", "session_workspace", { workspace: nonceOf("elsewhere") }),
    certificate("sign-in of version 2", "session_malformed", { v: 2 }),
    certificate("sign-in with a member more", "session_malformed", { admin: true }),
    certificate("session longer than the role allows", "session_lifetime", { iat: now, exp: now + 5 * HOUR }),
    certificate("session for ever", "session_lifetime", { iat: now, exp: 253_402_300_799 }),
    certificate("session that ended", "session_lifetime", { iat: now - 2 * HOUR, exp: now - 400 }),
    certificate("session of the future", "session_lifetime", { iat: now + 400, exp: now + HOUR }),
    certificate("session that ends before it begins", "session_lifetime", { iat: now, exp: now - 1 }),
    certificate("another session of the same person", "session_key", { nonce: nonceOf("another sign-in") }),
    ["session key swapped in the certificate", "session_key", swapKey],
    [
      "signed by the attacker's key",
      "session_key",
      (draft, { scene }) => void (draft.sessionSigner = scene.town.mallory.key),
    ],
    [
      "signed by the dispatch key",
      "session_key",
      (draft, { scene }) => void (draft.sessionSigner = scene.town.world.keys.dispatch),
    ],
    [
      "signed by the host key",
      "session_key",
      (draft, { scene }) => void (draft.sessionSigner = scene.town.world.keys.host),
    ],
    ["signature of the session key under another type", "session_key", otherType],
    ["certificate made by the attacker's own passkey", "session.credential", selfMade],
    ["certificate made by the attacker under the person's credential id", "session.signature", stolenName],
    ["session of an administrator spliced in", "session_key", spliced("ada")],
    ["session of a viewer spliced in", "session_key", spliced("vera")],
    ["session of somebody without a role spliced in", "session_lifetime", spliced("nora")],
    [
      "actor of another live session",
      "challenge",
      (draft, { scene }) => void (draft.intent["actor"] = { session: scene.town.actors.ada.digest }),
    ],
  ];
}

/** A genuine sign-in that certifies the attacker's key (made on a hostile page), under the honest session's challenge. */
export const swapKey: Row[2] = (draft, { scene, actor }) => {
  named(draft, actor);
  draft.session.body["sessionKey"] = scene.town.mallory.key.publicKey;
  draft.sessionSigner = scene.town.mallory.key;
};

const otherType: Row[2] = (draft, { actor }) => {
  const signer: Signer = actor.sessionKey;
  draft.sessionSigner = { publicKey: signer.publicKey, sign: (_kind, body) => signer.sign("prepare", body) };
};

const selfMade: Row[2] = (draft, kit) => {
  void swapKey(draft, kit);
  draft.session.passkey = kit.scene.town.mallory.passkey;
};

export const stolenName: Row[2] = (draft, kit) => {
  void selfMade(draft, kit);
  draft.session.knobs = { credentialId: kit.actor.passkey.pinned.credentialId };
};

function spliced(name: ActorName): Row[2] {
  return (draft, { scene, actor }) => {
    named(draft, actor);
    const other = scene.town.actors[name];
    draft.session.passkey = other.passkey;
    draft.session.body = { ...other.session };
  };
}

interface Request {
  readonly body?: Fields;
  readonly session?: Fields;
  readonly knobs?: AssertionKnobs;
  readonly signer?: Signer;
  readonly by?: ActorName;
  /** Bytes instead of the sign-in. */
  readonly instead?: Uint8Array;
}

/** A request for a challenge, bent: refused before anybody reads a dialog. */
async function request(scene: Scene, bend: Request): Promise<Outcome | Prepared> {
  const actor = scene.town.actors[bend.by ?? "otto"];
  const { workspace, host } = scene.town.world;
  const sessionBytes = encodeCanonical({ ...actor.session, ...bend.session });
  const session = await asserted(actor.passkey, "session", {
    body: sessionBytes,
    ...(bend.knobs === undefined ? {} : { knobs: bend.knobs }),
  });
  const named = { session: digestOf("session", sessionBytes) };
  const body = encodeCanonical({
    v: 1,
    workspace,
    host,
    actor: named,
    operation: OPERATION,
    jti: freshNonce(),
    ...bend.body,
  });
  const signature = await (bend.signer ?? actor.sessionKey).sign("prepare", body);
  return scene.prepareRaw(
    { body: toBase64url(body), signature },
    toBase64url(bend.instead ?? assertedCodec.encode(session)),
  );
}

type RequestRow = readonly [name: string, rule: string, bend: (scene: Scene) => Request];

/** A low-order point: under it a lax verifier takes an all-zero signature from anybody. */
const LOW_ORDER_KEY = toBase64url(concatBytes(Uint8Array.of(1), new Uint8Array(31)));
const LOW_ORDER_SIGNER: Signer = {
  publicKey: LOW_ORDER_KEY,
  sign: () => Promise.resolve(toBase64url(concatBytes(Uint8Array.of(1), new Uint8Array(63)))),
};

const requests: readonly RequestRow[] = [
  ["a viewer asks", "role", () => ({ by: "vera" })],
  ["somebody whose role ended asks", "role", () => ({ by: "rex" })],
  ["somebody whose role is for another host asks", "host_scope", () => ({ by: "scot" })],
  ["somebody without a role asks", "session_lifetime", () => ({ by: "nora" })],
  ["for another host", "target", () => ({ body: { host: "h-elsewhere" } })],
  ["for another workspace", "workspace", () => ({ body: { workspace: nonceOf("elsewhere") } })],
  ["for an operation that nobody knows", "operation", () => ({ body: { operation: "gateway.wipe@1" } })],
  ["for an operation of the prototype", "operation", () => ({ body: { operation: "constructor@1" } })],
  [
    "in the name of another session",
    "session_key",
    ({ town }) => ({ body: { actor: { session: town.actors.ada.digest } } }),
  ],
  ["signed by the attacker", "session_key", ({ town }) => ({ signer: town.mallory.key })],
  ["signed by the dispatch key", "session_key", ({ town }) => ({ signer: town.world.keys.dispatch })],
  [
    "with a low-order session key",
    "session_key",
    () => ({ session: { sessionKey: LOW_ORDER_KEY }, signer: LOW_ORDER_SIGNER }),
  ],
  [
    "with a session that ended",
    "session_lifetime",
    () => ({ session: { iat: wallNow() - 2 * HOUR, exp: wallNow() - 400 } }),
  ],
  [
    "with a session of the future",
    "session_lifetime",
    () => ({ session: { iat: wallNow() + 400, exp: wallNow() + HOUR } }),
  ],
  [
    "with a session longer than the role allows",
    "session_lifetime",
    ({ town }) => ({
      by: "ada",
      session: sessionBody(town.world, town.actors.ada.sessionKey.publicKey, { exp: wallNow() + 3 * HOUR }),
    }),
  ],
  ["with a sign-in without user verification", "session.user_verification", () => ({ knobs: { flags: FLAGS.UP } })],
  ["with a sign-in on a foreign origin", "session.origin", () => ({ knobs: { origin: "https://evil.example" } })],
  ["with garbage for a sign-in", "session_malformed", () => ({ instead: utf8("{}") })],
];

/** One actor cannot fill the host's table, and a full share refuses the newcomer. */
const flood: Attack = {
  class: "challenge",
  name: "a fifth open command of one person",
  rule: "busy",
  async run(scene) {
    const { flo } = scene.town.actors;
    for (let i = 0; i < 4; i += 1) {
      const prepared = await scene.prepare(flo);
      if (typeof prepared === "string") return `refused too early: ${prepared}`;
    }
    const fifth = await scene.prepare(flo);
    return typeof fifth === "string" ? fifth : "prepared";
  },
};

export function sessionAttacks(): readonly Attack[] {
  return [
    ...tableOf("session", deliveries()),
    ...requests.map(([name, rule, bend]): Attack => ({
      class: "prepare",
      name,
      rule,
      run: async (scene) => {
        const answer = await request(scene, bend(scene));
        return typeof answer === "string" ? answer : "prepared";
      },
    })),
    flood,
  ];
}
