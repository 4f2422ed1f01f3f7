/**
 * Attacks on the trust log of a team: rotations, grants and revocations by people who may not, too few of them or on
 * pages of the edge; revoked people who go on; two histories, and people who try to end that freeze for themselves.
 */
import { toBase64url } from "../../protocol/bytes.ts";
import type { Prepared } from "../../protocol/messages.ts";
import { applyOrFork } from "../../protocol/trust/fork.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedStatement, StatementKind } from "../../protocol/trust/statements.ts";
import { createCredential, FLAGS, originFor, type SoftwareCredential } from "../fixtures/authenticator.ts";
import { nonceOf, signerOf } from "../fixtures/keys.ts";
import { hashOf, said, say, type Said, type Saying } from "../fixtures/team.ts";
import { hostBodyOf, SIGNER_RP_ID } from "../fixtures/workspace.ts";
import { DRILL, type Outcome, type Scene } from "./scene.ts";
import type { Attack } from "./attack.ts";
import { teamOf, type Team } from "./team-town.ts";
import { wallNow } from "./town.ts";
import { advance, trustFate } from "./tunnels.ts";

type Who = (team: Team) => readonly SoftwareCredential[];

/** A statement of today by these people about `state`. */
function tell(state: TrustState, one: Said, how: Saying): Promise<SignedStatement> {
  return say(state, one as Said<StatementKind>, { at: wallNow(), ...how });
}

async function hear(state: TrustState, statement: SignedStatement): Promise<TrustState> {
  const result = await applyOrFork(state, statement);
  if (!result.ok) throw new Error(`team-trust: a statement of the scenario was refused: ${result.code}`);
  return result.state;
}

interface Row {
  readonly name: string;
  readonly rule: string;
  readonly said: (team: Team) => Said | Promise<Said>;
  readonly by: Who;
  readonly how?: (team: Team) => Partial<Saying>;
}

/** Delivered by a malicious edge to the running host; afterwards the honest people must still be able to command. */
function statement(kind: string, { name, rule, said: make, by, how = () => ({}) }: Row): Attack {
  return {
    class: kind,
    name,
    rule,
    async run(scene) {
      // A refused statement costs the edge its tunnel, and the agent dials later each time: a fresh one dials at once.
      await advance(scene, "joined");
      const team = teamOf(scene);
      const mark = scene.happenings.mark;
      const one = await tell(team.world.state, await make(team), { by: by(team), ...how(team) });
      scene.tunnel.send({ kind: "trust", page: { statements: [one] } });
      return trustFate(scene, mark);
    },
  };
}

const mallorysKey = async (): Promise<string> => (await signerOf("mallory")).publicKey;
const rotation = async (): Promise<Said> => said("dispatch-key.rotate", { key: await mallorysKey() });
const takeover = async (): Promise<Said> => {
  const key = await mallorysKey();
  return said("root.rotate", { dispatchKey: key, ledgerKey: key });
};

const ada: Who = ({ actors }) => [actors.ada.passkey];
const adaAndPup: Who = ({ actors }) => [actors.ada.passkey, actors.pup.passkey];
const adaTwice: Who = ({ actors, second }) => [actors.ada.passkey, second];
const adaRepeated: Who = ({ actors }) => [actors.ada.passkey, actors.ada.passkey];
const daily: Who = ({ actors }) => [actors.ada.daily];
const dailies: Who = ({ actors }) => [actors.ada.daily, actors.bea.daily];
const otto: Who = ({ actors }) => [actors.otto.passkey];
const eve: Who = ({ actors }) => [actors.eve.passkey];
const mallory: Who = ({ mallory: one }) => [one.passkey];
const claiming = (): Partial<Saying> => ({ knobs: { origin: originFor(SIGNER_RP_ID), rpId: SIGNER_RP_ID } });

const rotations: readonly Row[] = [
  { name: "by the attacker", rule: "trust.assertion", said: rotation, by: mallory },
  { name: "by an operator", rule: "trust.role", said: rotation, by: otto },
  { name: "on a page of the edge", rule: "trust.origin", said: rotation, by: daily },
  {
    name: "with a daily passkey that claims the signer's origin",
    rule: "trust.assertion",
    said: rotation,
    by: daily,
    how: claiming,
  },
  { name: "by a revoked administrator", rule: "trust.assertion", said: rotation, by: eve },
  { name: "of the root, by one of two people", rule: "trust.people", said: takeover, by: ada },
  { name: "of the root, by one person twice", rule: "trust.people", said: takeover, by: adaRepeated },
  { name: "of the root, by one person's two passkeys", rule: "trust.people", said: takeover, by: adaTwice },
  { name: "of the root, by somebody and their newcomer", rule: "trust.people", said: takeover, by: adaAndPup },
  { name: "of the root, on pages of the edge", rule: "trust.origin", said: takeover, by: dailies },
  {
    name: "of the root, by an administrator and an operator",
    rule: "trust.role",
    said: takeover,
    by: ({ actors }) => [actors.ada.passkey, actors.otto.passkey],
  },
  {
    name: "to a low-order key",
    rule: "trust.key",
    said: () => said("dispatch-key.rotate", { key: toBase64url(new Uint8Array(32)) }),
    by: ada,
  },
];

async function puppet({ mallory: one }: Team): Promise<Said> {
  const body = { id: "p-new", name: nonceOf("new"), roles: ["admin"], credentials: [one.passkey.pinned] };
  return said("person.add", body);
}

async function machine(): Promise<Said> {
  return said("automation-key.add", {
    id: "k-new",
    publicKey: await mallorysKey(),
    label: "new",
    operations: [{ operation: DRILL, limits: [] }],
    hosts: ["all"],
    rate: { commands: 1_000, seconds: 1 },
    until: wallNow() + 86_400,
  });
}

/** Whatever gives power to somebody, approved by one of two people. */
const grants: readonly (readonly [name: string, make: Row["said"]])[] = [
  ["a new administrator", puppet],
  ["an automation key", machine],
  [
    "another person's passkey",
    ({ mallory: one }) => said("credential.add", { person: "p-bea", ...one.passkey.pinned }),
  ],
  [
    "more permissions for a role",
    () => said("role.define", { id: "viewer", permissions: ["gateway.configure"], hosts: ["all"], sessionSeconds: 60 }),
  ],
  ["a higher role", () => said("role.assign", { person: "p-vera", roles: ["admin"] })],
  [
    "a page of the edge's",
    () => said("origin.add", { origin: "https://new.example", rpId: "new.example", class: "daily" }),
  ],
  ["a weaker rule", () => said("policy.set", { id: "two", operations: [DRILL], hosts: ["all"], people: 1 })],
  [
    "a rule for fewer hosts",
    ({ lab }) => said("policy.set", { id: "two", operations: [DRILL], hosts: [lab.host], people: 2 }),
  ],
];

const power: readonly Row[] = [
  ...grants.map(([what, make]): Row => ({ name: `${what}, by one person`, rule: "trust.people", said: make, by: ada })),
  ...grants.map(([what, make]): Row => ({
    name: `${what}, by somebody and their newcomer`,
    rule: "trust.people",
    said: make,
    by: adaAndPup,
  })),
  ...grants.map(([what, make]): Row => ({
    name: `${what}, on pages of the edge`,
    rule: "trust.origin",
    said: make,
    by: dailies,
  })),
  {
    name: "an address of the edge declared a signer, by two people",
    rule: "trust.name_class",
    said: () => said("origin.add", { origin: "https://edge.example", rpId: "edge.example", class: "signer" }),
    by: ({ actors }) => [actors.ada.passkey, actors.bea.passkey],
  },
  {
    name: "a host admitted under the attacker's key, by an operator",
    rule: "trust.role",
    said: async () => said("host.admit", await hostBodyOf("mallory's host")),
    by: otto,
  },
];

const revoke = (person: string): Said => said("person.revoke", { person });

const revocations: readonly Row[] = [
  { name: "by the attacker", rule: "trust.assertion", said: () => revoke("p-ada"), by: mallory },
  { name: "by an operator", rule: "trust.role", said: () => revoke("p-ada"), by: otto },
  { name: "on a page of the edge", rule: "trust.origin", said: () => revoke("p-otto"), by: daily },
  { name: "by a revoked administrator", rule: "trust.revoked", said: () => revoke("p-ada"), by: eve },
  { name: "of somebody who does not exist", rule: "trust.unknown", said: () => revoke("p-nobody"), by: ada },
  {
    name: "naming a head that nobody has",
    rule: "trust.place",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ statement: { prev: { n: 3, hash: nonceOf("no head") } } }),
  },
  {
    name: "for another workspace",
    rule: "trust.workspace",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ statement: { workspace: nonceOf("elsewhere") } }),
  },
  {
    name: "without user verification",
    rule: "trust.assertion",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ knobs: { flags: FLAGS.UP } }),
  },
  {
    name: "with the approval of an intent",
    rule: "trust.malformed",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ approval: { kind: "intent" } }),
  },
  {
    name: "with the approval of an edge action",
    rule: "trust.approval",
    said: () => revoke("p-otto"),
    by: ada,
    how: () => ({ approval: { kind: "edge-action" } }),
  },
  {
    name: "of another's passkey by an operator",
    rule: "trust.role",
    said: ({ actors }) => said("credential.revoke", { credential: actors.ada.passkey.pinned.credentialId }),
    by: otto,
  },
];

// ---- courses: several statements, and a host that must obey nobody it should not ----

interface Course {
  readonly name: string;
  readonly rule: string;
  readonly run: (scene: Scene) => Promise<Outcome>;
}

/** Whether anybody's command runs now: the freshest challenge of an honest operator, honestly signed. */
async function commandNow(scene: Scene): Promise<Outcome> {
  const answer = await scene.prepare(scene.town.actors.otto);
  return typeof answer === "string" ? answer : "prepared";
}

/** Tells the host, and waits until it has judged that: frames are taken in order. */
async function send(scene: Scene, statements: readonly SignedStatement[]): Promise<void> {
  scene.tunnel.send({ kind: "trust", page: { statements: [...statements] } });
  await commandNow(scene);
}

/** A resolution that the host must refuse; it costs the edge its tunnel, and the host stays frozen. */
async function resolvedBy(scene: Scene, resolution: SignedStatement): Promise<Outcome> {
  const mark = scene.happenings.mark;
  scene.tunnel.send({ kind: "trust", page: { statements: [resolution] } });
  const outcome = await trustFate(scene, mark);
  await scene.restartAgent();
  await scene.join();
  return `${outcome}, then ${await commandNow(scene)}`;
}

async function revoked(team: Team, person: string): Promise<SignedStatement> {
  return tell(team.world.state, revoke(person), { by: [team.actors.bea.passkey] });
}

/** Two histories after one head: `mine` names a harmless role, `theirs` adds an administrator; both validly approved. */
async function twoHistories(team: Team) {
  const { state } = team.world;
  const by = [team.actors.ada.passkey, team.actors.bea.passkey];
  const zoe = await createCredential({ rpId: SIGNER_RP_ID });
  const body = { id: "p-zoe", name: nonceOf("zoe"), roles: ["admin"], credentials: [zoe.pinned] };
  const mine = await tell(state, said("role.assign", { person: "p-rex", roles: [] }), { by });
  const theirs = await tell(state, said("person.add", body), { by });
  return { mine, theirs, zoe, onMine: await hear(state, mine), onTheirs: await hear(state, theirs) };
}

async function frozenHost(scene: Scene) {
  const team = teamOf(scene);
  const histories = await twoHistories(team);
  await send(scene, [histories.mine]);
  await send(scene, [histories.theirs]);
  return { team, ...histories };
}

const courses: readonly Course[] = [
  {
    name: "two validly approved histories: a command under either",
    rule: "trust_frozen",
    async run(scene) {
      await frozenHost(scene);
      return commandNow(scene);
    },
  },
  {
    name: "two histories: after a restart, told only one of them",
    rule: "trust_frozen",
    async run(scene) {
      const { mine } = await frozenHost(scene);
      await commandNow(scene);
      await scene.restartAgent("SIGKILL");
      const whole = scene.wholeTrust();
      await scene.join({ ...whole, statements: [...whole.statements, mine] });
      return commandNow(scene);
    },
  },
  {
    name: "two histories: resolved by one person",
    rule: "trust.people, then trust_frozen",
    async run(scene) {
      const { team, mine, theirs, onTheirs } = await frozenHost(scene);
      const resolve = said("fork.resolve", { keep: hashOf(theirs), drop: hashOf(mine) });
      return resolvedBy(scene, await tell(onTheirs, resolve, { by: [team.actors.ada.passkey] }));
    },
  },
  {
    name: "two histories: resolved by somebody of one history only",
    rule: "trust_frozen, then trust_frozen",
    async run(scene) {
      const { team, mine, theirs, zoe, onTheirs } = await frozenHost(scene);
      const resolve = said("fork.resolve", { keep: hashOf(theirs), drop: hashOf(mine) });
      return resolvedBy(scene, await tell(onTheirs, resolve, { by: [team.actors.cyd.passkey, zoe] }));
    },
  },
  {
    name: "two histories: resolved on pages of the edge",
    rule: "trust.origin, then trust_frozen",
    async run(scene) {
      const { team, mine, theirs, onMine } = await frozenHost(scene);
      const resolve = said("fork.resolve", { keep: hashOf(mine), drop: hashOf(theirs) });
      return resolvedBy(scene, await tell(onMine, resolve, { by: [team.actors.cyd.daily, team.actors.bea.daily] }));
    },
  },
  {
    name: "two histories: another statement on one of them",
    rule: "trust_frozen",
    async run(scene) {
      const { team, onMine } = await frozenHost(scene);
      await send(scene, [await tell(onMine, await rotation(), { by: [team.actors.ada.passkey] })]);
      return commandNow(scene);
    },
  },
  {
    name: "a revoked administrator goes on, the revocation told before",
    rule: "trust_frozen",
    async run(scene) {
      const team = teamOf(scene);
      const { state } = team.world;
      const bad = await tell(state, await rotation(), { by: [team.actors.cyd.passkey] });
      await send(scene, [await revoked(team, "p-cyd")]);
      await send(scene, [bad]);
      return commandNow(scene);
    },
  },
  {
    name: "a revoked administrator goes on, the revocation held back",
    rule: "trust_frozen",
    async run(scene) {
      const team = teamOf(scene);
      const { state } = team.world;
      const bad = await tell(state, await rotation(), { by: [team.actors.cyd.passkey] });
      await send(scene, [bad]);
      await send(scene, [await revoked(team, "p-cyd")]);
      return commandNow(scene);
    },
  },
  {
    name: "a revoked administrator goes on, knowing of it",
    rule: "trust.assertion",
    async run(scene) {
      const team = teamOf(scene);
      const mark = scene.happenings.mark;
      const word = await revoked(team, "p-cyd");
      const after = await hear(team.world.state, word);
      await send(scene, [word]);
      await send(scene, [await tell(after, await rotation(), { by: [team.actors.cyd.passkey] })]);
      return trustFate(scene, mark);
    },
  },
  {
    name: "a revoked administrator's command",
    rule: "session.credential",
    async run(scene) {
      await send(scene, [await revoked(teamOf(scene), "p-cyd")]);
      const answer = await scene.prepare(teamOf(scene).actors.cyd);
      return typeof answer === "string" ? answer : "prepared";
    },
  },
  {
    name: "an operator's command under a challenge from before the revocation",
    rule: "trust_behind",
    async run(scene) {
      const { otto } = scene.town.actors;
      const { bytes } = await scene.seal(await scene.draft(otto));
      await send(scene, [await revoked(teamOf(scene), "p-otto")]);
      const outcome = await scene.deliver(bytes);
      scene.letGoAll();
      return outcome;
    },
  },
  {
    name: "a revocation replayed, and the newest state again without it",
    rule: "session.credential",
    async run(scene) {
      const word = await revoked(teamOf(scene), "p-cyd");
      await send(scene, [word]);
      await send(scene, [word]);
      await scene.restartAgent("SIGKILL");
      await scene.join();
      const answer = await scene.prepare(teamOf(scene).actors.cyd);
      return typeof answer === "string" ? answer : "prepared";
    },
  },
  {
    name: "a statement whose revocations are held back",
    rule: "trust.revocations",
    async run(scene) {
      const team = teamOf(scene);
      const mark = scene.happenings.mark;
      const after = await hear(team.world.state, await revoked(team, "p-cyd"));
      await send(scene, [await tell(after, await rotation(), { by: [team.actors.bea.passkey] })]);
      return trustFate(scene, mark);
    },
  },
];

/** Each begins on a host that has seen the whole log of the town and nothing of the course before. */
const alone: readonly Attack[] = courses.map(({ name, rule, run }) => ({
  class: "trust log of a team",
  name,
  rule,
  async run(scene) {
    await advance(scene, "joined");
    const outcome = await run(scene);
    scene.directory.forgetTrust();
    return outcome;
  },
}));

export const teamTrustAttacks: readonly Attack[] = [
  ...rotations.map((row) => statement("fake rotation", row)),
  ...power.map((row) => statement("power by too few", row)),
  ...revocations.map((row) => statement("fake revocation", row)),
  ...alone,
];

async function commandUnder(scene: Scene, { challenge }: Prepared, { head }: TrustState): Promise<Outcome> {
  const draft = scene.draftWith(scene.town.actors.otto, challenge);
  draft.intent["trustHead"] = head;
  return scene.deliver((await scene.seal(draft)).bytes);
}

/** An honest operator's command under the first of two histories, on a host that has seen both. */
export const underAFork: Attack = {
  class: "trust log of a team",
  name: "an honest command under one of two histories",
  rule: "trust_frozen",
  async run(scene) {
    await advance(scene, "joined");
    const { onMine } = await frozenHost(scene);
    const { otto } = scene.town.actors;
    const prepared = await scene.prepare(otto);
    const outcome = typeof prepared === "string" ? prepared : await commandUnder(scene, prepared, onMine);
    scene.directory.forgetTrust();
    return outcome;
  },
};
