/**
 * Courses of several statements to a host of a team: revoked people who go on, two histories, and people who try to end
 * that freeze for themselves. The host must obey nobody it should not.
 */
import type { Prepared } from "../../protocol/messages.ts";
import { applyOrFork } from "../../protocol/trust/fork.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { SignedStatement } from "../../protocol/trust/statements.ts";
import { createCredential } from "../fixtures/authenticator.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { hashOf, said } from "../fixtures/team.ts";
import { SIGNER_RP_ID } from "../fixtures/workspace.ts";
import type { Attack } from "./attack.ts";
import type { Outcome, Scene } from "./scene.ts";
import { advance, trustFate } from "./stages.ts";
import { revoke, rotation, tell } from "./team-statements.ts";
import { teamOf, type Team } from "./team-town.ts";

async function hear(state: TrustState, statement: SignedStatement): Promise<TrustState> {
  const result = await applyOrFork(state, statement);
  if (!result.ok) throw new Error(`team-trust: a statement of the scenario was refused: ${result.code}`);
  return result.state;
}

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
export const historyAttacks: readonly Attack[] = courses.map(({ name, rule, run }) => ({
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
