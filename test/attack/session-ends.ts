/**
 * Words that claim to end one session or several, and sessions that were ended. Whoever ends what is not theirs keeps
 * somebody from commanding; whoever commands after the end has a session that nobody can take away. May not: attack
 * what a session's key says while it lasts (sessions.ts), or who follows it (team-sessions.ts).
 */
import { fromBase64url, toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { MAX_SESSIONS_PER_END } from "../../protocol/limits.ts";
import type { Asserted, SignedSessionEnd } from "../../protocol/messages.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import type { SoftwareCredential } from "../fixtures/authenticator.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { asserted, type Fields } from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import { dispatched, treeOf } from "./captured.ts";
import { freshNonce, type Outcome, type Scene } from "./scene.ts";
import { teamOf } from "./team-town.ts";
import { sessionBody, wallNow, type Actor } from "./town.ts";

interface Ending {
  /** Whose session ends. */
  readonly of: Actor;
  /** More that the same word names. */
  readonly and?: readonly Actor[];
  readonly body?: Fields;
  readonly signer?: Signer;
  readonly by?: SoftwareCredential;
  readonly approval?: Fields;
  /** What becomes of the sign-ins, given in the order of the names. */
  readonly bend?: (certificates: readonly Asserted[]) => readonly Asserted[];
}

function certificateOf({ passkey, session }: Actor): Promise<Asserted> {
  return asserted(passkey, "session", { body: encodeCanonical(session) });
}

function bodyOf(scene: Scene, of: readonly Actor[], change: Fields = {}): Uint8Array {
  const names = of.map(({ digest }) => digest).toSorted();
  const named = names.length === 1 ? { session: names[0] } : { sessions: names };
  const { workspace } = scene.town.world;
  return encodeCanonical({ v: 1, workspace, person: of[0]?.id, at: wallNow(), ...named, ...change });
}

async function endOf(scene: Scene, { of, and = [], ...draft }: Ending): Promise<SignedSessionEnd> {
  const body = bodyOf(scene, [of, ...and], draft.body);
  const honest = await Promise.all([of, ...and].toSorted(byDigest).map(certificateOf));
  const [session, ...others] = draft.bend?.(honest) ?? honest;
  if (session === undefined) throw new TypeError("session-ends: a word carries a sign-in");
  const word = { body: toBase64url(body), session, ...(others.length === 0 ? {} : { others }) };
  if (draft.by === undefined) {
    const signature = await (draft.signer ?? of.sessionKey).sign("session-end", body);
    return { ...word, by: { kind: "session", signature } };
  }
  const ask = {
    v: 1,
    workspace: scene.town.world.workspace,
    kind: "session-end",
    subject: digestOf("session-end", body),
    decision: "approve",
    at: wallNow(),
    ...draft.approval,
  };
  const approval = await asserted(draft.by, "approval", { body: encodeCanonical(ask) });
  return { ...word, by: { kind: "person", approval } };
}

function byDigest(a: Actor, b: Actor): number {
  return a.digest < b.digest ? -1 : 1;
}

/** What the host said about the word: a refusal, or `session_ended` for the first that it ended. */
async function ended(scene: Scene, end: SignedSessionEnd): Promise<Outcome> {
  const mark = scene.happenings.mark;
  const body = fromBase64url(end.body);
  const [named, text] = [digestOf("session-end", body), utf8Text(body)];
  scene.tunnel.send({ kind: "session-end", end });
  const line = await scene.happenings.first(mark, (item) => {
    if (item.kind !== "log") return undefined;
    const { event, end: refused, session } = item.line;
    const isRefused = event === "session_end_refused" && refused === named;
    // Of several each has a line, and the last may come late: only those of this word are about it.
    return isRefused || (event === "session_ended" && text.includes(String(session))) ? item.line : undefined;
  });
  return line === undefined ? "silence" : String(line["code"] ?? line["event"]);
}

/** Another session of somebody, with a key of its own. */
async function anotherSession(scene: Scene, of: Actor, name: string): Promise<Actor> {
  const sessionKey = await signerOf(`${name} ${freshNonce()}`);
  const session = sessionBody(scene.town.world, sessionKey.publicKey, { nonce: freshNonce() });
  return { ...of, sessionKey, session, digest: digestOf("session", encodeCanonical(session)) };
}

/** An honest command of exactly this session. */
async function commandOf(scene: Scene, actor: Actor): Promise<Outcome> {
  const prepared = await scene.prepare(actor);
  if (typeof prepared === "string") return prepared;
  const outcome = await scene.deliver((await scene.seal(scene.draftWith(actor, prepared.challenge))).bytes);
  if (outcome === "executed") scene.noteHonest();
  return outcome;
}

type Plan = (scene: Scene, victim: Actor) => Ending | Promise<Ending>;

/** Refused, and the session that should have ended still commands: a denial that nobody asked for. */
function forged(name: string, rule: string, plan: Plan): Attack {
  return {
    class: "end of a session",
    name,
    rule,
    async run(scene) {
      const victim = await anotherSession(scene, scene.town.actors.olga, "victim");
      const outcome = await ended(scene, await endOf(scene, await plan(scene, victim)));
      const then = await commandOf(scene, victim);
      return then === "executed" ? outcome : `${outcome}, then the honest command ${then}`;
    },
  };
}

export const byAnotherOperator = forged("touched by another operator", "role", ({ town }, of) => ({
  of,
  by: town.actors.otto.passkey,
}));

const forgeries: readonly Attack[] = [
  forged("signed by the attacker", "session_key", ({ town }, of) => ({ of, signer: town.mallory.key })),
  forged("signed by another person's session", "session_key", ({ town }, of) => ({
    of,
    signer: town.actors.ada.sessionKey,
  })),
  forged("signed by another session of the same person", "session_key", ({ town }, of) => ({
    of,
    signer: town.actors.olga.sessionKey,
  })),
  forged("signed by the dispatch key", "session_key", ({ town }, of) => ({ of, signer: town.world.keys.dispatch })),
  byAnotherOperator,
  forged("touched by a revoked administrator", "approval.credential", (scene, of) => ({
    of,
    by: teamOf(scene).actors.eve.passkey,
  })),
  forged("touched by the attacker", "approval.credential", ({ town }, of) => ({ of, by: town.mallory.passkey })),
  ...(["statement", "edge-action", "proposal"] as const).map((kind) =>
    forged(`an administrator's touch of kind ${kind}`, "approval_subject", ({ town }, of) => ({
      of,
      by: town.actors.ada.passkey,
      approval: { kind },
    })),
  ),
  forged("an administrator's touch for another end", "approval_subject", ({ town }, of) => ({
    of,
    by: town.actors.ada.passkey,
    approval: { subject: nonceOf("another end") },
  })),
  forged("in the name of another person", "people", (_scene, of) => ({ of, body: { person: "p-otto" } })),
  forged("for another workspace", "workspace", (_scene, of) => ({ of, body: { workspace: nonceOf("elsewhere") } })),
  forged("with the sign-in of another session", "session_key", async ({ town }, of) => {
    const other = await certificateOf(town.actors.otto);
    return { of, bend: () => [other], body: { person: "p-otto" } };
  }),
  forged("with a member more", "malformed", (_scene, of) => ({ of, body: { all: true } })),
];

// ---- several sessions in one word ----

/** The key of one ends that one; the others, of which it knows no secret, take a touch. */
export const byTheKeyOfOne = forged("several, by one stolen key", "session_key", async (scene, victim) => {
  // A word carries them sorted. First is where a host that took any of their keys would look.
  for (;;) {
    const of = await anotherSession(scene, victim, "stolen");
    if (of.digest < victim.digest) return { of, and: [victim], signer: of.sessionKey };
  }
});

export const inOnesOwnName = forged("several of another person, in one's own name", "people", async (scene, of) => ({
  of,
  and: [await anotherSession(scene, of, "second")],
  by: scene.town.actors.otto.passkey,
  body: { person: "p-otto" },
}));

/** One's own end as they should, whatever else the word names: nobody is held up by a foreign name, or ends by it. */
export const somebodyElsesAmong: Attack = {
  class: "end of a session",
  name: "several, somebody else's among one's own",
  rule: "left out",
  async run(scene) {
    const { otto, olga } = scene.town.actors;
    const own = await anotherSession(scene, otto, "own");
    const victim = await anotherSession(scene, olga, "victim");
    const word = await ended(scene, await endOf(scene, { of: own, and: [victim], by: otto.passkey }));
    const then = await commandOf(scene, victim);
    if (then !== "executed") return `${word}, then the honest command ${then}`;
    const after = await commandOf(scene, own);
    return after === "session_revoked" ? "left out" : `${word}, then one's own command ${after}`;
  },
};

/** An administrator's genuine touch over a word that is written otherwise than a host reads it. */
function misspelt(name: string, rule: string, change: (names: readonly string[]) => Partial<Ending>): Attack {
  return forged(name, rule, async (scene, of) => {
    const second = await anotherSession(scene, of, "second");
    const names = [of, second].map(({ digest }) => digest).toSorted();
    return { of, and: [second], by: scene.town.actors.ada.daily, ...change(names) };
  });
}

const reversed = (certificates: readonly Asserted[]): readonly Asserted[] => certificates.toReversed();

/** Genuinely touched, and in order but for the order. */
export const otherwiseSpelt: readonly Attack[] = [
  misspelt("several, unsorted", "malformed", (names) => ({
    body: { sessions: names.toReversed() },
    bend: reversed,
  })),
  misspelt("several that are one twice", "malformed", ([name]) => ({
    body: { sessions: [name, name] },
    bend: ([one]) => (one === undefined ? [] : [one, one]),
  })),
];

const several: readonly Attack[] = [
  byTheKeyOfOne,
  inOnesOwnName,
  somebodyElsesAmong,
  ...otherwiseSpelt,
  forged("several, touched by another operator", "role", async (scene, of) => ({
    of,
    and: [await anotherSession(scene, of, "second")],
    by: scene.town.actors.otto.passkey,
  })),
  forged("several, touched by the attacker", "approval.credential", async (scene, of) => ({
    of,
    and: [await anotherSession(scene, of, "second")],
    by: scene.town.mallory.passkey,
  })),
  forged("a touch for one, passed off for several", "approval_subject", async (scene, of) => {
    const second = await anotherSession(scene, of, "second");
    const subject = digestOf("session-end", bodyOf(scene, [second]));
    return { of, and: [second], by: of.daily, approval: { subject } };
  }),
  forged("a touch for several, passed off for others", "approval_subject", async (scene, of) => {
    const second = await anotherSession(scene, of, "second");
    const subject = digestOf("session-end", bodyOf(scene, [second, await anotherSession(scene, of, "third")]));
    return { of, and: [second], by: of.daily, approval: { subject } };
  }),
  misspelt("several, their sign-ins exchanged", "session_key", () => ({ bend: reversed })),
  misspelt("several, a sign-in missing", "malformed", () => ({ bend: (all) => all.slice(1) })),
  misspelt("several, a sign-in more", "malformed", () => ({ bend: (all) => [...all, ...all.slice(1)] })),
  misspelt("several, and one besides", "malformed", ([name]) => ({ body: { session: name } })),
  misspelt("several that are one", "malformed", ([name]) => ({ body: { sessions: [name] } })),
  misspelt("none at all", "malformed", () => ({ body: { sessions: undefined } })),
  misspelt("one more than a word may name", "malformed", (names) => {
    const more = Array.from({ length: MAX_SESSIONS_PER_END - 1 }, (_, i) => nonceOf(`more ${String(i)}`));
    return { body: { sessions: [...names, ...more].toSorted() } };
  }),
];

// ---- after the end ----

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

/** Each of several that one touch ended. */
export function afterTheEndOfSeveral(between: (scene: Scene) => Promise<void>) {
  return async (scene: Scene): Promise<Outcome> => {
    const { flo } = scene.town.actors;
    const actors = [];
    for (const name of ["first", "second", "third"]) actors.push(await anotherSession(scene, flo, name));
    const [of, ...and] = actors;
    if (of === undefined) throw new TypeError("session-ends: three sessions");
    const { mark } = scene.happenings;
    const word = await ended(scene, await endOf(scene, { of, and, by: flo.daily }));
    if (word !== "session_ended") return word;
    // A host killed between two of them would hear the word again from an honest edge, but not from this one.
    for (const { digest } of actors) await isEnded(scene, mark, digest);
    await between(scene);
    const outcomes = [];
    for (const actor of actors) outcomes.push(await commandAgain(scene, actor));
    return outcomes.find((outcome) => outcome !== "session_revoked") ?? "session_revoked";
  };
}

async function isEnded(scene: Scene, mark: number, session: string): Promise<void> {
  const isSaid = await scene.happenings.first(mark, (item) =>
    item.kind === "log" && item.line["event"] === "session_ended" && item.line["session"] === session
      ? true
      : undefined,
  );
  if (isSaid !== true) throw new Error("session-ends: one of several was not ended");
}

/** Nobody's honest command any more: what runs is a finding. */
async function commandAgain(scene: Scene, actor: Actor): Promise<Outcome> {
  const prepared = await scene.prepare(actor);
  if (typeof prepared === "string") return prepared;
  return scene.deliver((await scene.seal(scene.draftWith(actor, prepared.challenge))).bytes);
}

async function kill(scene: Scene): Promise<void> {
  await scene.restartAgent("SIGKILL");
  await scene.join();
}

const nothing = (): Promise<void> => Promise.resolve();

const ends: readonly Attack[] = [
  ...(
    [
      ["a command of a session that ended itself", afterTheEnd(false, nothing)],
      ["a command of a session that an administrator ended", afterTheEnd(true, nothing)],
      ["the same after the agent was killed", afterTheEnd(true, kill)],
      ["a command of each of several that one touch ended", afterTheEndOfSeveral(nothing)],
      ["the same, of several, after the agent was killed", afterTheEndOfSeveral(kill)],
    ] as const
  ).map(([name, run]) => ({ class: "end of a session", name, rule: "session_revoked", run })),
  {
    class: "end of a session",
    name: "the end of one session replayed against the next",
    rule: "session_key",
    async run(scene) {
      const { olga } = scene.town.actors;
      const end = await endOf(scene, { of: await anotherSession(scene, olga, "first") });
      const next = await anotherSession(scene, olga, "next");
      const outcome = await ended(scene, { ...end, session: await certificateOf(next) });
      const then = await commandOf(scene, next);
      return then === "executed" ? outcome : `${outcome}, then the honest command ${then}`;
    },
  },
  {
    class: "end of a session",
    name: "somebody else's sign-in signed by a passkey of one's own, and ended",
    rule: "the ender's own",
    async run(scene) {
      const { olga, otto } = scene.town.actors;
      const victim = await anotherSession(scene, olga, "victim");
      const taken = { ...victim, id: otto.id, passkey: otto.passkey };
      const outcome = await ended(scene, await endOf(scene, { of: taken, by: otto.passkey }));
      const then = await commandOf(scene, victim);
      // A valid word, about a session of otto's that nobody has the key of: hers goes on.
      return outcome === "session_ended" && then === "executed" ? "the ender's own" : `${outcome}, then ${then}`;
    },
  },
];

export const sessionEndAttacks: readonly Attack[] = [...forgeries, ...several, ...ends];
