/**
 * Attacks on the tunnel itself and on the trust log: frames out of turn and of no kind, welcomes that prove nothing,
 * statements that nobody with the right made, servers that are not the edge. Each starts from an agent fresh at a named
 * stage of the handshake, because the agent answers most of them by closing the tunnel.
 */
import { toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { MAX_ENVELOPE_BYTES, MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { assertedCodec, type Signed } from "../../protocol/messages.ts";
import type { Signer } from "../../protocol/signing.ts";
import { sameHead } from "../../protocol/trust/state.ts";
import type { SignedStatement, TrustPage } from "../../protocol/trust/statements.ts";
import { FLAGS, originFor } from "../fixtures/authenticator.ts";
import { nonceOf, signed } from "../fixtures/keys.ts";
import {
  asserted,
  fingerprintOf,
  hostBodyOf,
  makeRoot,
  SIGNER_RP_ID,
  stated as statedThen,
  type Fields,
  type StatementDraft,
} from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import { freshNonce, type Outcome, type Scene } from "./scene.ts";
import { wallNow } from "./town.ts";

/** How far the handshake is when the attack begins. `fresh`: greeted, by an agent that has seen no trust log. */
export type Stage = "met" | "greeted" | "fresh" | "joined";

export async function advance(scene: Scene, stage: Stage): Promise<void> {
  if (stage === "fresh") scene.directory.forgetTrust();
  await scene.restartAgent("SIGKILL");
  if (stage !== "fresh" && !scene.directory.holdsTrust()) {
    await scene.join();
    await scene.restartAgent("SIGKILL");
  }
  if (stage === "joined") return scene.join();
  await scene.meet();
  if (stage !== "met") await scene.greet();
}

export function at(
  stage: Stage,
  run: (scene: Scene, mark: number) => Promise<Outcome>,
): (scene: Scene) => Promise<Outcome> {
  return async (scene) => {
    await advance(scene, stage);
    return run(scene, scene.happenings.mark);
  };
}

type Send = (scene: Scene) => void | Promise<void>;

/** Sends something that must cost the edge its tunnel. */
function closes(stage: Stage) {
  return (name: string, code: string, send: Send): Attack => ({
    class: "tunnel",
    name,
    rule: `tunnel.${code}`,
    run: at(stage, async (scene, mark) => {
      await send(scene);
      return scene.closing(mark);
    }),
  });
}

function raw(name: string, code: string, data: () => string | Uint8Array): Attack {
  return closes("joined")(name, code, ({ tunnel }) => tunnel.sendRaw(data()));
}

const SOME_SIGNED: Signed = { body: "AAAA", signature: toBase64url(new Uint8Array(64)) };
const early = {
  prepare: { kind: "prepare", prepare: SOME_SIGNED, session: "AAAA" },
  deliver: { kind: "deliver", number: 1, envelope: "AAAA" },
  ack: { kind: "ack", receipt: 1 },
  drain: { kind: "drain" },
  welcome: { kind: "welcome", signed: SOME_SIGNED },
} as const;

const order: readonly Attack[] = [
  ...Object.entries(early).map(([kind, frame]) =>
    closes("met")(`${kind} before the challenge`, "out_of_order", ({ tunnel }) => tunnel.send(frame)),
  ),
  ...(["prepare", "deliver", "ack", "drain"] as const).map((kind) =>
    closes("greeted")(`${kind} before the welcome`, "out_of_order", ({ tunnel }) => tunnel.send(early[kind])),
  ),
  closes("greeted")("a second challenge", "out_of_order", ({ tunnel }) =>
    tunnel.send({ kind: "challenge", edgeNonce: nonceOf("second"), tunnel: nonceOf("second") }),
  ),
  closes("joined")("a challenge after the welcome", "out_of_order", ({ tunnel }) =>
    tunnel.send({ kind: "challenge", edgeNonce: nonceOf("second"), tunnel: nonceOf("second") }),
  ),
  closes("joined")("a second welcome", "out_of_order", async (scene) =>
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome() }),
  ),
  closes("fresh")("a welcome before any trust log", "out_of_order", async (scene) =>
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome() }),
  ),
  closes("greeted")("an honest command before the welcome", "out_of_order", async (scene) => {
    const draft = scene.draftWith(scene.town.actors.otto, nonceOf("challenge"));
    scene.send((await scene.seal(draft)).bytes);
  }),
];

function welcome(name: string, change: Fields, key?: (scene: Scene) => Signer): Attack {
  return closes("greeted")(`welcome ${name}`, "edge_unproven", async (scene) => {
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome(change, key?.(scene)) });
  });
}

const welcomes: readonly Attack[] = [
  welcome("signed by the attacker", {}, ({ town }) => town.mallory.key),
  welcome("signed by the ledger key", {}, ({ town }) => town.world.keys.ledger),
  welcome("signed by the host key", {}, ({ town }) => town.world.keys.host),
  welcome("over another host nonce", { hostNonce: nonceOf("another") }),
  welcome("over another edge nonce", { edgeNonce: nonceOf("another") }),
  welcome("for another tunnel", { tunnel: nonceOf("another") }),
  welcome("for another client certificate", { certFingerprint: fingerprintOf("another") }),
  welcome("for another host", { host: "h-elsewhere" }),
  welcome("for another workspace", { workspace: nonceOf("another") }),
  welcome("of version 2", { v: 2 }),
  welcome("with a member more", { admin: true }),
  {
    class: "tunnel",
    name: "welcome of an earlier connection",
    rule: "tunnel.edge_unproven",
    run: at("greeted", async (scene) => {
      const earlier = await scene.welcome();
      scene.tunnel.cut();
      await scene.meet();
      await scene.greet();
      const mark = scene.happenings.mark;
      scene.tunnel.send({ kind: "welcome", signed: earlier });
      return scene.closing(mark);
    }),
  },
  closes("greeted")("dispatch key's signature under another type", "edge_unproven", async (scene) => {
    const { dispatch } = scene.town.world.keys;
    const other: Signer = { publicKey: dispatch.publicKey, sign: (_kind, body) => dispatch.sign("dispatch", body) };
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome({}, other) });
  }),
];

function frame(name: string, value: unknown): Attack {
  return raw(name, "malformed_frame", () => utf8Text(encodeCanonical(value)));
}

const frames: readonly Attack[] = [
  frame("frame of no kind", { kind: "exec", command: "id" }),
  frame("frame of a later version", { kind: "read", request: "AAAA" }),
  frame("stream frame", { kind: "stream.open", id: 1 }),
  frame("the host's own hello sent back", { kind: "hello", signed: SOME_SIGNED }),
  frame("a receipt sent to the host", { kind: "receipt", number: 1, signed: SOME_SIGNED }),
  frame("a member more", { kind: "drain", now: true }),
  frame("a member less", { kind: "deliver", number: 1 }),
  frame("a number below zero", { kind: "ack", receipt: -1 }),
  frame("an envelope larger than any", {
    kind: "deliver",
    number: 1,
    envelope: toBase64url(new Uint8Array(MAX_ENVELOPE_BYTES + 1)),
  }),
  frame("a kind of the prototype", { kind: "constructor" }),
  raw("frame with white space", "malformed_frame", () => '{"kind": "drain"}'),
  raw("frame with a key twice", "malformed_frame", () => '{"kind":"ack","kind":"drain"}'),
  raw("frame with a byte order mark", "malformed_frame", () => '\uFEFF{"kind":"drain"}'),
  raw("frame with a prototype", "malformed_frame", () => '{"__proto__":{},"kind":"drain"}'),
  raw("empty frame", "malformed_frame", () => ""),
  raw("frame that is an array", "malformed_frame", () => "[]"),
  raw("frame nested 60,000 deep", "malformed_frame", () => "[".repeat(60_000) + "]".repeat(60_000)),
  raw("binary frame", "binary", () => utf8('{"kind":"drain"}')),
  raw("frame larger than any", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", () => `{"kind":"${"x".repeat(MAX_FRAME_BYTES)}"}`),
  closes("joined")("requests for a challenge by the hundred", "flood", async (scene) => {
    const { otto } = scene.town.actors;
    const { workspace, host } = scene.town.world;
    const session = assertedCodec.encode(
      await asserted(otto.passkey, "session", { body: encodeCanonical(otto.session) }),
    );
    const requests = Array.from({ length: 200 }, () =>
      encodeCanonical({
        v: 1,
        workspace,
        host,
        actor: { session: otto.digest },
        operation: "host.check@1",
        jti: freshNonce(),
      }),
    );
    const prepares = await Promise.all(requests.map((body) => signed(otto.sessionKey, "prepare", body)));
    for (const prepare of prepares) scene.tunnel.send({ kind: "prepare", prepare, session: toBase64url(session) });
  }),
  closes("joined")("hundreds of deliveries at once", "flood", ({ tunnel }) => {
    for (let i = 0; i < 600; i += 1) tunnel.send(early.deliver);
  }),
];

/** `trust_passed_over`: late, or about something that this host does not hold. */
const VERDICTS: ReadonlySet<string> = new Set(["trust_refused", "trust_fork", "trust_passed_over"]);

/** What became of a page of statements: refused by a rule, or not believed although nothing was said. */
export async function trustFate(scene: Scene, mark: number): Promise<Outcome> {
  const { head } = scene.town.world.state;
  // Frames are taken in order: the answer comes after the statements were judged.
  const prepared = await scene.prepare(scene.town.actors.otto, {}, mark);
  const said = scene.happenings.logged(mark, (line) => VERDICTS.has(String(line["event"])));
  if (said !== undefined) return `trust.${String(said["code"])}`;
  if (typeof prepared === "string") return prepared;
  return sameHead(prepared.trustHead, head) ? "head_kept" : "head_moved";
}

function page(name: string, rule: string, make: (scene: Scene) => Promise<TrustPage> | TrustPage): Attack {
  return {
    class: "trust log",
    name,
    rule,
    run: at("joined", async (scene, mark) => {
      scene.tunnel.send({ kind: "trust", page: await make(scene) });
      return trustFate(scene, mark);
    }),
  };
}

/** A statement of today. */
const stated: typeof statedThen = (about, said, change) =>
  statedThen(about, said, (draft) => {
    draft.statement["at"] = wallNow();
    change?.(draft);
  });

type Bend = (draft: StatementDraft, scene: Scene) => void;

/** A host of the attacker's, admitted by whoever `bend` makes sign it. */
function admit(name: string, rule: string, bend: Bend): Attack {
  return page(name, rule, async (scene) => {
    const { world, actors } = scene.town;
    const body = await hostBodyOf("the attacker's host");
    const by = actors.ada.passkey;
    return {
      statements: [
        await stated({ state: world.state, by }, { kind: "host.admit", body }, (draft) => bend(draft, scene)),
      ],
    };
  });
}

const statements: readonly Attack[] = [
  admit(
    "admitted by an unknown passkey",
    "trust.assertion",
    (draft, { town }) => void (draft.by = town.mallory.passkey),
  ),
  admit("admitted by the attacker under an administrator's credential id", "trust.assertion", (draft, { town }) => {
    draft.by = town.mallory.passkey;
    draft.knobs = { credentialId: town.actors.ada.passkey.pinned.credentialId };
  }),
  admit("admitted on a page of the edge", "trust.origin", (draft, { town }) => void (draft.by = town.actors.ada.daily)),
  admit("admitted with a daily passkey that claims the signer's origin", "trust.assertion", (draft, { town }) => {
    draft.by = town.actors.ada.daily;
    draft.knobs = { origin: originFor(SIGNER_RP_ID), rpId: SIGNER_RP_ID };
  }),
  admit("admitted by an operator", "trust.role", (draft, { town }) => void (draft.by = town.actors.otto.passkey)),
  admit("admitted by a viewer", "trust.role", (draft, { town }) => void (draft.by = town.actors.vera.passkey)),
  admit("admitted without user verification", "trust.assertion", (draft) => void (draft.knobs = { flags: FLAGS.UP })),
  admit("admitted inside a foreign page", "trust.assertion", (draft) => void (draft.knobs = { crossOrigin: true })),
  admit(
    "admitted with the approval of another statement",
    "trust.approval",
    (draft) => void (draft.approval["subject"] = nonceOf("another")),
  ),
  admit("admitted with the approval of an intent", "trust.approval", (draft) => {
    delete draft.approval["at"];
    Object.assign(draft.approval, { kind: "intent", after: 1 });
  }),
  admit(
    "admitted with an approval for another workspace",
    "trust.approval",
    (draft) => void (draft.approval["workspace"] = nonceOf("x")),
  ),
  admit("for another workspace", "trust.workspace", (draft) => void (draft.statement["workspace"] = nonceOf("x"))),
  admit(
    "after a statement that nobody has",
    "trust.place",
    (draft) => void (draft.statement["prev"] = { n: 999, hash: nonceOf("x") }),
  ),
  admit("under other revocations", "trust.revocations", (draft) => void (draft.statement["revoked"] = nonceOf("x"))),
  admit(
    "a kind that this version does not know",
    "trust.malformed",
    (draft) => void (draft.statement["kind"] = "dispatch-key.rotate"),
  ),
  admit("a host id that is not its key's", "trust.key", (draft) => {
    draft.statement["body"] = { ...(draft.statement["body"] as Fields), host: "h-chosen-name" };
  }),
  page("fake statement without approvals", "tunnel.malformed_frame", async (scene) => {
    const { world, actors } = scene.town;
    const honest = await stated(
      { state: world.state, by: actors.ada.passkey },
      { kind: "host.remove", body: { host: world.host } },
    );
    return { statements: [{ ...honest, approvals: [] }] };
  }),
  page("credential of the attacker added by itself", "trust.assertion", (scene) => credential(scene, "p-ada")),
  page("the last administrator removed", "trust.last_admin", async ({ town }) => ({
    statements: [
      await stated(
        { state: town.world.state, by: town.actors.ada.passkey },
        { kind: "role.assign", body: { person: "p-ada", roles: [] } },
      ),
    ],
  })),
  page("a credential id taken over", "trust.exists", async ({ town }) => {
    const body = {
      person: "p-vera",
      ...town.mallory.passkey.pinned,
      credentialId: town.actors.ada.passkey.pinned.credentialId,
    };
    return {
      statements: [
        await stated({ state: town.world.state, by: town.actors.ada.passkey }, { kind: "credential.add", body }),
      ],
    };
  }),
  {
    class: "trust log",
    name: "a forked trust log, both branches validly approved",
    rule: "trust.fork",
    run: at("joined", async (scene, mark) => {
      scene.tunnel.send({ kind: "trust", page: { statements: [scene.town.fork] } });
      const outcome = await trustFate(scene, mark);
      scene.directory.forgetTrust(); // the host stays frozen, over every restart; the next attack begins before
      return outcome;
    }),
  },
  page("an older trust log", "head_kept", ({ town }) => ({
    root: town.world.root,
    statements: town.before.statements.slice(-60),
  })),
  page("known statements again, in another order", "head_kept", ({ town }) => ({
    statements: town.world.statements.toReversed().slice(0, 60),
  })),
  page("the root of another workspace", "trust.workspace", async () => ({
    root: (await otherRoot()).signed,
    statements: [],
  })),
];

async function credential(scene: Scene, person: string): Promise<TrustPage> {
  const { world, mallory } = scene.town;
  const body = { person, ...mallory.passkey.pinned };
  return { statements: [await stated({ state: world.state, by: mallory.passkey }, { kind: "credential.add", body })] };
}

function otherRoot() {
  return makeRoot((draft) => void (draft.root["at"] = 1));
}

function without(statement: string, { town }: Scene): SignedStatement[] {
  return town.world.statements.filter((signedOne) => signedOne.statement !== statement);
}

/** An agent that has seen nothing yet believes only its pin. */
const first: readonly Attack[] = [
  firstPage("the root of another workspace, first", "trust.workspace", async () => ({
    root: (await otherRoot()).signed,
    statements: [],
  })),
  firstPage("the pinned root, signed by another setup key", "trust.setup_key", async ({ town }) => {
    const body = Buffer.from(town.world.root.root, "base64url");
    return { root: { ...town.world.root, setupSignature: await town.mallory.key.sign("root", body) }, statements: [] };
  }),
  firstPage("the pinned root with the sign-in of another workspace", "trust.session", async ({ town }) => ({
    root: { ...town.world.root, session: (await otherRoot()).signed.session },
    statements: [],
  })),
  firstPage("statements before a root", "trust.no_root", ({ town }) => ({
    statements: town.world.statements.slice(0, 1),
  })),
  firstPage("a chain with a statement left out", "trust.place", (scene) => ({
    root: scene.town.world.root,
    statements: without(scene.town.world.statements[3]?.statement ?? "", scene),
  })),
];

function firstPage(name: string, rule: string, make: (scene: Scene) => Promise<TrustPage> | TrustPage): Attack {
  return {
    class: "trust log",
    name,
    rule,
    run: at("fresh", async (scene, mark) => {
      scene.tunnel.send({ kind: "trust", page: await make(scene) });
      const line = await scene.happenings.first(mark, (item) =>
        item.kind === "log" && VERDICTS.has(String(item.line["event"])) ? item.line : undefined,
      );
      return line === undefined ? "silence" : `trust.${String(line["code"])}`;
    }),
  };
}

/** The host is in quarantine: its trust log holds every person and does not admit it. */
async function quarantined(scene: Scene): Promise<void> {
  const { world } = scene.town;
  const admission = world.statements.findIndex((one) =>
    utf8Text(Buffer.from(one.statement, "base64url")).includes('"kind":"host.admit"'),
  );
  scene.directory.forgetTrust();
  await scene.restartAgent();
  await scene.join({ root: world.root, statements: world.statements.slice(0, admission) });
}

const quarantine: readonly Attack[] = [
  {
    class: "quarantine",
    name: "a request for a challenge to a host that nobody admitted",
    rule: "target",
    async run(scene) {
      await quarantined(scene);
      const answer = await scene.prepare(scene.town.actors.otto);
      return typeof answer === "string" ? answer : "prepared";
    },
  },
  {
    class: "quarantine",
    name: "a command to a host that nobody admitted",
    rule: "target",
    async run(scene) {
      await quarantined(scene);
      return scene.deliver((await scene.seal(scene.draftWith(scene.town.actors.otto, nonceOf("challenge")))).bytes);
    },
  },
];

/** A host that an administrator removed obeys nobody any more, whatever else the edge tells it. */
async function removed(scene: Scene): Promise<Outcome> {
  await advance(scene, "joined");
  const { world, actors } = scene.town;
  const mark = scene.happenings.mark;
  const statement = await stated(
    { state: world.state, by: actors.ada.passkey },
    { kind: "host.remove", body: { host: world.host } },
  );
  scene.tunnel.send({ kind: "trust", page: { statements: [statement] } });
  scene.tunnel.send({ kind: "trust", page: scene.wholeTrust() });
  const answer = await scene.prepare(actors.otto, {}, mark);
  scene.directory.forgetTrust(); // the next attack begins before this statement
  return typeof answer === "string" ? answer : "prepared";
}

/** After a restart the edge tells an older state, in which rex was an operator. */
const rollback: readonly Attack[] = [
  {
    class: "trust log",
    name: "an older trust log after a restart, for somebody whose role ended",
    rule: "role",
    async run(scene) {
      // Whatever an attack before this one left out, the host has seen the newest state before the edge goes back.
      await scene.restartAgent();
      await scene.join();
      await scene.restartAgent();
      await scene.join({ root: scene.town.world.root, statements: [...scene.town.before.statements] });
      const answer = await scene.prepare(scene.town.actors.rex);
      return typeof answer === "string" ? answer : "prepared";
    },
  },
];

export const tunnelAttacks: readonly Attack[] = [...order, ...welcomes, ...frames];
export const trustAttacks: readonly Attack[] = [
  ...statements,
  ...rollback,
  { class: "quarantine", name: "a request for a challenge to a host that was removed", rule: "target", run: removed },
  ...first,
  ...quarantine,
];
