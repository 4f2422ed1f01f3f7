/**
 * Attacks on what may follow a sign-in: keys that claim to succeed a session's, words that claim to end one, and
 * sessions that were ended.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { Asserted, SignedSessionEnd } from "../../protocol/messages.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import type { SoftwareCredential } from "../fixtures/authenticator.ts";
import type { CommandDraft, TouchDraft } from "../fixtures/command.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { asserted, type Fields } from "../fixtures/workspace.ts";
import { bent, type Attack } from "./attack.ts";
import { dispatched, treeOf } from "./captured.ts";
import { freshNonce, type Outcome, type Scene } from "./scene.ts";
import { teamOf } from "./team-town.ts";
import { sessionBody, wallNow, type Actor } from "./town.ts";

// ---- successor keys ----

/** An approval of Otto's that names the attacker's key for his session, as it would have to be. */
function successor(scene: Scene, change: Fields = {}): TouchDraft {
  const { otto } = scene.town.actors;
  const nextSessionKey = { session: otto.digest, key: scene.town.mallory.key.publicKey };
  const body = { v: 1, workspace: scene.town.world.workspace, kind: "intent", decision: "approve", after: 1 };
  return { passkey: otto.passkey, knobs: {}, body: { ...body, nextSessionKey, ...change } };
}

type Bend = (draft: CommandDraft & { successor: TouchDraft }, scene: Scene) => void | Promise<void>;

/** Otto's own honest command, signed by the attacker's key, with `bend` to make that key his. */
function succeeding(name: string, bend: Bend): Attack {
  return {
    class: "successor key",
    name,
    rule: "session_key",
    run: bent(async (draft, { scene }) => {
      const whole = Object.assign(draft, { successor: successor(scene), sessionSigner: scene.town.mallory.key });
      await bend(whole, scene);
    }),
  };
}

function otherKind(kind: string): Bend {
  return (draft) => {
    delete draft.successor.body["after"];
    delete draft.successor.body["nextSessionKey"];
    Object.assign(draft.successor.body, { kind, at: wallNow() });
  };
}

export const ofAnother = succeeding(
  "named by another person",
  (draft, { town }) => void (draft.successor.passkey = town.actors.ada.passkey),
);

const successors: readonly Attack[] = [
  ofAnother,
  succeeding("named by the attacker's passkey", (draft, { town }) => {
    draft.successor.passkey = town.mallory.passkey;
    draft.successor.knobs = { credentialId: town.actors.otto.passkey.pinned.credentialId };
  }),
  succeeding("for another session of the same person", (draft, { town }) => {
    draft.successor.body["nextSessionKey"] = { session: nonceOf("another"), key: town.mallory.key.publicKey };
  }),
  succeeding("for another person's session", (draft, { town }) => {
    draft.successor.body["nextSessionKey"] = { session: town.actors.ada.digest, key: town.mallory.key.publicKey };
  }),
  succeeding("named for another workspace", (draft) => void (draft.successor.body["workspace"] = nonceOf("x"))),
  succeeding("named by nobody in a genuine approval", (draft) => void delete draft.successor.body["nextSessionKey"]),
  succeeding("named in the approval of a proposal", (draft) => {
    delete draft.successor.body["after"];
    Object.assign(draft.successor.body, { kind: "proposal", at: wallNow() });
  }),
  ...(["proposal", "statement", "session-end", "edge-action"] as const).map((kind) =>
    succeeding(`a genuine touch of kind ${kind}`, otherKind(kind)),
  ),
  succeeding("another key than the one named", async (draft) => void (draft.sessionSigner = await signerOf("third"))),
  succeeding("the key that was succeeded", (draft, { town }) => {
    draft.sessionSigner = town.actors.otto.sessionKey;
  }),
];

// ---- words that end sessions ----

interface Ending {
  /** Whose session ends. */
  readonly of: Actor;
  readonly body?: Fields;
  readonly signer?: Signer;
  readonly by?: SoftwareCredential;
  readonly approval?: Fields;
  readonly session?: Asserted;
}

async function endOf(scene: Scene, { of, ...draft }: Ending): Promise<SignedSessionEnd> {
  const { workspace } = scene.town.world;
  const body = encodeCanonical({ v: 1, workspace, session: of.digest, person: of.id, at: wallNow(), ...draft.body });
  const session = draft.session ?? (await asserted(of.passkey, "session", { body: encodeCanonical(of.session) }));
  const text = toBase64url(body);
  if (draft.by === undefined) {
    const signature = await (draft.signer ?? of.sessionKey).sign("session-end", body);
    return { body: text, session, by: { kind: "session", signature } };
  }
  const ask = {
    v: 1,
    workspace,
    kind: "session-end",
    subject: digestOf("session-end", body),
    decision: "approve",
    at: wallNow(),
    ...draft.approval,
  };
  const approval = await asserted(draft.by, "approval", { body: encodeCanonical(ask) });
  return { body: text, session, by: { kind: "person", approval } };
}

/** What the host said about the word. */
async function ended(scene: Scene, end: SignedSessionEnd): Promise<Outcome> {
  const mark = scene.happenings.mark;
  scene.tunnel.send({ kind: "session-end", end });
  const line = await scene.happenings.first(mark, (item) => {
    if (item.kind !== "log") return undefined;
    const { event } = item.line;
    return event === "session_end_refused" || event === "session_ended" ? item.line : undefined;
  });
  return line === undefined ? "silence" : String(line["code"] ?? line["event"]);
}

type Plan = (scene: Scene) => Ending | Promise<Ending>;

/** Refused, and the session that should have ended still commands: a denial that nobody asked for. */
function forged(name: string, rule: string, plan: Plan): Attack {
  return {
    class: "end of a session",
    name,
    rule,
    async run(scene) {
      const outcome = await ended(scene, await endOf(scene, await plan(scene)));
      const then = (await scene.honest(scene.town.actors.olga)).outcome;
      return then === "executed" ? outcome : `${outcome}, then the honest command ${then}`;
    },
  };
}

const forgeries: readonly Attack[] = [
  forged("signed by the attacker", "session_key", ({ town }) => ({ of: town.actors.olga, signer: town.mallory.key })),
  forged("signed by another person's session", "session_key", ({ town }) => ({
    of: town.actors.olga,
    signer: town.actors.ada.sessionKey,
  })),
  forged("signed by the dispatch key", "session_key", ({ town }) => ({
    of: town.actors.olga,
    signer: town.world.keys.dispatch,
  })),
  forged("touched by another operator", "role", ({ town }) => ({
    of: town.actors.olga,
    by: town.actors.otto.passkey,
  })),
  forged("touched by a revoked administrator", "approval.credential", (scene) => ({
    of: scene.town.actors.olga,
    by: teamOf(scene).actors.eve.passkey,
  })),
  forged("touched by the attacker", "approval.credential", ({ town }) => ({
    of: town.actors.olga,
    by: town.mallory.passkey,
  })),
  ...(["statement", "edge-action", "proposal"] as const).map((kind) =>
    forged(`an administrator's touch of kind ${kind}`, "approval_subject", ({ town }) => ({
      of: town.actors.olga,
      by: town.actors.ada.passkey,
      approval: { kind },
    })),
  ),
  forged("an administrator's touch for another end", "approval_subject", ({ town }) => ({
    of: town.actors.olga,
    by: town.actors.ada.passkey,
    approval: { subject: nonceOf("another end") },
  })),
  forged("in the name of another person", "people", ({ town }) => ({
    of: town.actors.olga,
    body: { person: "p-otto" },
  })),
  forged("for another workspace", "workspace", ({ town }) => ({
    of: town.actors.olga,
    body: { workspace: nonceOf("elsewhere") },
  })),
  forged("with the sign-in of another session", "session_key", async ({ town }) => ({
    of: town.actors.olga,
    session: await asserted(town.actors.otto.passkey, "session", {
      body: encodeCanonical(town.actors.otto.session),
    }),
    body: { person: "p-otto" },
  })),
  forged("with a member more", "malformed", ({ town }) => ({ of: town.actors.olga, body: { all: true } })),
];

/** Another session of somebody, with a key of its own. */
async function anotherSession(scene: Scene, of: Actor, name: string): Promise<Actor> {
  const sessionKey = await signerOf(`${name} ${freshNonce()}`);
  const session = sessionBody(scene.town.world, sessionKey.publicKey, { nonce: freshNonce() });
  return { ...of, sessionKey, session, digest: digestOf("session", encodeCanonical(session)) };
}

/** A session that was ended, by its own key or by an administrator on a page of the edge, commands nothing more. */
export function afterTheEnd(byAdministrator: boolean, between: (scene: Scene) => Promise<void>) {
  return async (scene: Scene): Promise<Outcome> => {
    const { flo, ada } = scene.town.actors;
    const actor = await anotherSession(scene, flo, "flo's other session");
    const prepared = await scene.prepare(actor);
    if (typeof prepared === "string") return prepared;
    const { bytes } = await scene.seal(scene.draftWith(actor, prepared.challenge));
    const word = await ended(scene, await endOf(scene, { of: actor, ...(byAdministrator ? { by: ada.daily } : {}) }));
    if (word !== "session_ended") return word;
    await between(scene);
    const asked = await scene.prepare(actor);
    if (typeof asked !== "string")
      return scene.deliver((await scene.seal(scene.draftWith(actor, asked.challenge))).bytes);
    const delivered = await scene.deliver(await dispatched(scene, treeOf(bytes)));
    return delivered === "challenge" ? asked : delivered; // its challenges died with it
  };
}

const ends: readonly Attack[] = [
  {
    class: "end of a session",
    name: "a command of a session that ended itself",
    rule: "session_revoked",
    run: afterTheEnd(false, () => Promise.resolve()),
  },
  {
    class: "end of a session",
    name: "a command of a session that an administrator ended",
    rule: "session_revoked",
    run: afterTheEnd(true, () => Promise.resolve()),
  },
  {
    class: "end of a session",
    name: "the same after the agent was killed",
    rule: "session_revoked",
    run: afterTheEnd(true, async (scene) => {
      await scene.restartAgent("SIGKILL");
      await scene.join();
    }),
  },
  {
    class: "end of a session",
    name: "the end of one session replayed against the next",
    rule: "session_key",
    async run(scene) {
      const one = await anotherSession(scene, scene.town.actors.olga, "first");
      const end = await endOf(scene, { of: one });
      const { olga } = scene.town.actors;
      const session = await asserted(olga.passkey, "session", { body: encodeCanonical(olga.session) });
      const outcome = await ended(scene, { ...end, session });
      const then = (await scene.honest(olga)).outcome;
      return then === "executed" ? outcome : `${outcome}, then the honest command ${then}`;
    },
  },
];

export const teamSessionAttacks: readonly Attack[] = [...successors, ...forgeries, ...ends];
