/**
 * What the attacker of the mutants holds, and how it signs again whatever it bent: keys that it stole or that are the
 * edge's own, and passkeys of people who may not. No combination of them may lawfully do what it tries.
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf, preAuthenticationEncoding, type MessageKind, type Signer } from "../../../protocol/signing.ts";
import { FLAGS, originFor, type AssertionKnobs, type SoftwareCredential } from "../../fixtures/authenticator.ts";
import { asserted, SIGNER_RP_ID } from "../../fixtures/workspace.ts";
import { at, closed, isMembers, replaced, type Json, type Path, type Random } from "../../protocol/campaign.ts";

export interface Holdings {
  readonly dispatch: Signer;
  /** Session keys, the edge's keys, its own. */
  readonly keys: readonly Signer[];
  readonly passkeys: readonly SoftwareCredential[];
  /** Credential ids of the honest people, to claim. */
  readonly claimed: readonly string[];
}

/** A TLS key signs nothing of ours, but its bytes can be put where a signature stands. */
export async function tlsSigner(): Promise<Signer> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, false, ["sign"]);
  return {
    publicKey: "",
    sign: async (kind: MessageKind, body: Uint8Array) => {
      const message = preAuthenticationEncoding(kind, body);
      return toBase64url(
        new Uint8Array(await crypto.subtle.sign({ ...algorithm, hash: "SHA-256" }, privateKey, message)),
      );
    },
  };
}

export function pick<T>(list: readonly T[], random: Random): T {
  const one = list[random(list.length)];
  if (one === undefined) throw new TypeError("mutation: nothing to pick from");
  return one;
}

/** Bytes of an inner message, opened or bent into text. @throws when nobody could write it */
export function bytesOf(node: Json): Uint8Array {
  const text = closed(node);
  if (typeof text !== "string") throw new TypeError("mutation: no message");
  return fromBase64url(text);
}

export function put(tree: Json, path: Path, value: Json): Json {
  return replaced(tree, path, () => value);
}

export function has(tree: Json, path: Path): boolean {
  let here: Json | undefined = tree;
  for (const key of path) {
    if (typeof here !== "object" || here === null) return false;
    here = (here as { readonly [key: string]: Json })[key];
  }
  return here !== undefined && here !== null;
}

/** Sets a member of an inner message, if there still is one. */
function refer(tree: Json, path: Path, value: Json): Json {
  return has(tree, path.slice(0, -1)) ? put(tree, path, value) : tree;
}

/** What an authenticator or a browser of the attacker's own may say. */
const LIES: readonly AssertionKnobs[] = [
  { origin: originFor(SIGNER_RP_ID), rpId: SIGNER_RP_ID },
  { origin: "https://evil.example" },
  { rpId: "evil.example" },
  { type: "webauthn.create" },
  { crossOrigin: true },
  { tail: Uint8Array.of(0xa0) },
  { rewrite: (text) => text.replace("{", '{"type":"webauthn.get",') },
  { flags: FLAGS.UP },
  { flags: FLAGS.UV },
  { flags: FLAGS.UP | FLAGS.UV | FLAGS.BE },
  { flags: FLAGS.UP | FLAGS.UV | FLAGS.BS },
];

export function claim({ claimed }: Holdings, random: Random): AssertionKnobs {
  switch (random(4)) {
    case 0:
      return { credentialId: pick(claimed, random) };
    case 1:
      return pick(LIES, random);
    default:
      return {};
  }
}

/** A touch of somebody whose passkey the attacker holds, over whatever the body now says. */
export async function touchAgain(
  tree: Json,
  path: Path,
  by: { readonly kind: "session" | "approval"; readonly passkey: SoftwareCredential; readonly knobs?: AssertionKnobs },
): Promise<Json> {
  if (!has(tree, [...path, "assertion"])) return tree;
  const body = bytesOf(at(tree, [...path, "body"]));
  const { assertion } = await asserted(by.passkey, by.kind, { body, knobs: by.knobs ?? {} });
  return put(tree, [...path, "assertion"], { ...assertion });
}

const ENVELOPE: Path = ["envelope", "opened"];

/** Every reference and signature of an envelope that the attacker can make again; `random` says which it does. */
export async function signEnvelope(tree: Json, holdings: Holdings, random: Random): Promise<Json> {
  const inside = (...path: Path): Path => [...ENVELOPE, ...path];
  let next = tree;
  const touches = async (path: Path, subject: string): Promise<void> => {
    const list = at(next, path);
    if (!Array.isArray(list)) return;
    for (const i of list.keys()) {
      if (random(2) === 0) next = refer(next, [...path, i, "body", "opened", "subject"], subject);
      if (random(2) === 0) next = await again([...path, i], "approval");
    }
  };
  const again = (path: Path, kind: "session" | "approval"): Promise<Json> =>
    touchAgain(next, path, { kind, passkey: pick(holdings.passkeys, random), knobs: claim(holdings, random) });
  if (has(next, inside("session")) && random(4) === 0) {
    if (random(2) === 0) next = refer(next, inside("session", "body", "opened", "sessionKey"), keyOf(holdings, random));
    next = await again(inside("session"), "session");
  }
  if (has(next, inside("session", "body")) && random(4) !== 0) {
    const session = digestOf("session", bytesOf(at(next, inside("session", "body"))));
    if (has(next, inside("intent", "opened", "actor", "session")))
      next = put(next, inside("intent", "opened", "actor"), { session });
  }
  if (has(next, inside("proposal", "body"))) {
    const proposal = digestOf("proposal", bytesOf(at(next, inside("proposal", "body"))));
    await touches(inside("proposal", "approvals"), proposal);
    if (random(4) !== 0) next = refer(next, inside("intent", "opened", "proposal"), proposal);
  }
  const intent = bytesOf(at(next, inside("intent")));
  const digest = digestOf("intent", intent);
  if (random(4) !== 0)
    next = put(next, inside("sessionSignature"), await pick(holdings.keys, random).sign("intent", intent));
  await touches(inside("approvals"), digest);
  return dispatchAgain(next, holdings.dispatch);
}

/** Whoever may send the command, and whoever proposed it. */
export interface Rightful {
  readonly key: Signer;
  readonly by?: SoftwareCredential;
  readonly proposer?: SoftwareCredential;
}

/** The same by those who may: what they say is theirs to say, or is refused for what it says. */
export async function signEnvelopeAs(tree: Json, { dispatch }: Holdings, who: Rightful): Promise<Json> {
  const inside = (...path: Path): Path => [...ENVELOPE, ...path];
  let next = tree;
  const touch = async (path: Path, by: SoftwareCredential | undefined, subject: string): Promise<void> => {
    if (by === undefined || !has(next, path)) return;
    next = refer(next, [...path, "body", "opened", "subject"], subject);
    next = await touchAgain(next, path, { kind: "approval", passkey: by });
  };
  if (who.by !== undefined) {
    next = await touchAgain(next, inside("session"), { kind: "session", passkey: who.by });
    const session = digestOf("session", bytesOf(at(next, inside("session", "body"))));
    next = put(next, inside("intent", "opened", "actor"), { session });
  }
  if (has(next, inside("proposal", "body"))) {
    const proposal = digestOf("proposal", bytesOf(at(next, inside("proposal", "body"))));
    next = refer(next, inside("intent", "opened", "proposal"), proposal);
    await touch(inside("proposal", "approvals", 0), who.proposer, proposal);
  }
  const intent = bytesOf(at(next, inside("intent")));
  next = put(next, inside("sessionSignature"), await who.key.sign("intent", intent));
  await touch(inside("approvals", 0), who.by, digestOf("intent", intent));
  return dispatchAgain(next, dispatch);
}

function keyOf({ keys }: Holdings, random: Random): string {
  const { publicKey } = pick(keys, random);
  return publicKey === "" ? "A".repeat(43) : publicKey;
}

/** The edge's own signature over whatever the intent now is. */
async function dispatchAgain(tree: Json, dispatch: Signer): Promise<Json> {
  const path: Path = [...ENVELOPE, "dispatch", "body", "opened"];
  const intent = digestOf("intent", bytesOf(at(tree, [...ENVELOPE, "intent"])));
  const body = { ...(at(tree, path) as { readonly [key: string]: Json }), intent };
  const bytes = encodeCanonical(body);
  return put(tree, [...ENVELOPE, "dispatch"], {
    body: toBase64url(bytes),
    signature: await dispatch.sign("dispatch", bytes),
  });
}

/** Approvals of the statements of a page, over whatever they now say. */
export async function signStatements(tree: Json, holdings: Holdings, random: Random): Promise<Json> {
  let next = tree;
  const statements = at(tree, ["page", "statements"]);
  if (!Array.isArray(statements)) return tree;
  for (const i of statements.keys()) {
    const place: Path = ["page", "statements", i];
    const approvals = at(next, [...place, "approvals"]);
    if (!Array.isArray(approvals) || !has(next, [...place, "statement"])) continue;
    const subject = digestOf("statement", bytesOf(at(next, [...place, "statement"])));
    for (const j of approvals.keys()) {
      const touch: Path = [...place, "approvals", j];
      if (random(8) !== 0) next = refer(next, [...touch, "body", "opened", "subject"], subject);
      const knobs = claim(holdings, random);
      next = await touchAgain(next, touch, { kind: "approval", passkey: pick(holdings.passkeys, random), knobs });
    }
  }
  return next;
}

/** The same by the people who may: what they say counts, or is refused for what it says. */
export async function signStatementsAs(tree: Json, passkeys: readonly SoftwareCredential[]): Promise<Json> {
  let next = tree;
  const subject = digestOf("statement", bytesOf(at(tree, ["page", "statements", 0, "statement"])));
  for (const [j, passkey] of passkeys.entries()) {
    const touch: Path = ["page", "statements", 0, "approvals", j];
    next = refer(next, [...touch, "body", "opened", "subject"], subject);
    next = await touchAgain(next, touch, { kind: "approval", passkey });
  }
  return next;
}

export async function signEnd(tree: Json, holdings: Holdings, random: Random): Promise<Json> {
  const body = bytesOf(at(tree, ["end", "body"]));
  let next = tree;
  if (random(3) === 0)
    next = await touchAgain(next, ["end", "session"], {
      kind: "session",
      passkey: pick(holdings.passkeys, random),
      knobs: claim(holdings, random),
    });
  const by = at(next, ["end", "by"]);
  if (!isMembers(by)) return next;
  if ("signature" in by)
    return put(next, ["end", "by", "signature"], await pick(holdings.keys, random).sign("session-end", body));
  if (random(4) !== 0)
    next = refer(next, ["end", "by", "approval", "body", "opened", "subject"], digestOf("session-end", body));
  return touchAgain(next, ["end", "by", "approval"], {
    kind: "approval",
    passkey: pick(holdings.passkeys, random),
    knobs: claim(holdings, random),
  });
}

export async function signPrepare(tree: Json, holdings: Holdings, random: Random): Promise<Json> {
  let next = tree;
  if (has(next, ["session", "opened"]) && random(3) === 0) {
    const passkey = pick(holdings.passkeys, random);
    next = await touchAgain(next, ["session", "opened"], { kind: "session", passkey, knobs: claim(holdings, random) });
  }
  if (has(next, ["session", "opened", "body"]) && has(next, ["prepare", "body", "opened", "actor", "session"])) {
    const session = digestOf("session", bytesOf(at(next, ["session", "opened", "body"])));
    if (random(4) !== 0) next = put(next, ["prepare", "body", "opened", "actor"], { session });
  }
  const body = bytesOf(at(next, ["prepare", "body"]));
  return put(next, ["prepare", "signature"], await pick(holdings.keys, random).sign("prepare", body));
}
