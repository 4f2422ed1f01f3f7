/**
 * One who administered and was revoked, perhaps with an accomplice of the time when they could still add one, and the whole
 * edge. Honest people say an honest history; the attackers say what they like after any place of it where they could, and
 * know, keep back and repeat what they like. What comes out is what each side said; the test delivers it.
 */
import { applyAsWitness } from "../../../protocol/trust/apply.ts";
import { heldSeconds } from "../../../protocol/trust/aside.ts";
import {
  chainAt,
  heldRevocations,
  usableAdministrators,
  type ChainState,
  type TrustState,
} from "../../../protocol/trust/state.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { createCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { hashOf, say, type Said } from "../../fixtures/team.ts";
import { SIGNER_RP_ID, type Member } from "../../fixtures/workspace.ts";
import { randomOf } from "../campaign.ts";
import { makeCouncil, saidAgain, type Council } from "./courses.ts";
import { pick, type Random } from "./histories.ts";

export interface Attack {
  readonly start: TrustState;
  /** In the order in which an honest edge sends it. */
  readonly honest: readonly SignedStatement[];
  readonly hostile: readonly SignedStatement[];
  /** Who heard all that is honest, and nothing else. */
  readonly end: TrustState;
  /** Of every honest revocation of an attacker; none where their grants only ended. */
  readonly revocations: readonly string[];
  /** After every end of an attacker's grant. */
  readonly now: number;
  readonly attackers: readonly string[];
  /** The attackers and whom they added, with every passkey of theirs. */
  readonly hands: readonly Member[];
  readonly people: readonly Member[];
}

/**
 * What somebody honest says about a frozen host: on the honest history, as far as it goes there, against the other, or in
 * the place of what an attacker said after it.
 */
export async function resolutionFor(
  state: TrustState,
  { end, people, honest, revocations }: Attack,
  random: Random,
): Promise<SignedStatement | undefined> {
  const { frozen } = state;
  const said = new Set([end.chain.hash, ...honest.map(hashOf)]);
  const places = [state.chain, ...heldSeconds(state)].flatMap((one) => placesOf(one, end.chain.n - 1));
  const last = places.filter(({ hash }) => said.has(hash)).toSorted((a, b) => b.n - a.n)[0];
  if (frozen === undefined || last === undefined) return undefined;
  const isMine = chainAt(state.chain, last.n)?.hash === last.hash;
  const isAfter = isMine && frozen.place > last.n;
  const [keep, drop] = isMine ? [frozen.mine, frozen.other] : [frozen.other, frozen.mine];
  const body = isAfter ? { keep: last.hash, drop: frozen.mine } : { keep, drop };
  const knew = [...end.revocations.keys(), ...revocations].filter((one) => !last.knew.has(one));
  const view = viewOf(last, state, knew);
  return say(view, { kind: "fork.resolve", body }, { by: [pick(people, random).passkey], at: last.at });
}

/** What they say on purpose against what this host holds: a resolution on any place of any history of it, or a revocation. */
export async function answerTo(
  state: TrustState,
  { hands, honest, hostile }: Attack,
  random: Random,
): Promise<SignedStatement> {
  const histories = [state.chain, ...heldSeconds(state)];
  const places = histories.flatMap((one) => placesOf(one, 0));
  const base = pick([...histories, ...places], random);
  const by = pick(hands, random);
  const knew = [...heldRevocations(state).keys()].filter((one) => !base.knew.has(one) && random(2) === 0);
  const { frozen } = state;
  const targets = [...places.map(({ hash }) => hash), ...(frozen === undefined ? [] : [frozen.mine, frozen.other])];
  const person = pick([...state.chain.people.keys()], random);
  if (random(4) === 0) return saidAgain(pick([...honest, ...hostile], random), by.passkey);
  const said: Said =
    random(4) === 0
      ? { kind: "person.revoke", body: { person } }
      : { kind: "fork.resolve", body: { keep: pick(targets, random), drop: pick(targets, random) } };
  const at = base.at + pick([0, 0, TERM / 2, 2 * TERM], random);
  return say(viewOf(base, state, said.kind === "person.revoke" ? [] : knew), said, { by: [by.passkey], at });
}

async function newcomer(id: string): Promise<{ readonly member: Member; readonly said: Said }> {
  const passkey = await createCredential({ rpId: SIGNER_RP_ID });
  const body = { id, name: nonceOf(id), roles: ["admin"], credentials: [passkey.pinned] };
  return { member: { id, passkey, daily: passkey }, said: { kind: "person.add", body } };
}

let numbers = 0;
/** Seconds for which an attacker's last grant holds, where it ends. */
const TERM = 100;

function nobody(): Said {
  const id = `p-x${++numbers}`;
  return { kind: "person.add", body: { id, name: nonceOf(id), roles: [] } };
}

/** What would be held by somebody at this place who knew just this. */
function viewAt(state: TrustState, n: number, knew: readonly string[]): TrustState {
  return viewOf(chainAt(state.chain, n) ?? state.chain, state, knew);
}

function viewOf(chain: ChainState, state: TrustState, knew: readonly string[]): TrustState {
  return { ...state, chain, revocations: new Map([...chain.knew, ...knew].map((one) => [one, undefined as never])) };
}

/** Who says the honest history. */
class Honest {
  state: TrustState;
  readonly said: SignedStatement[] = [];
  readonly revocations: string[] = [];
  readonly #random: Random;
  readonly members: Member[];
  readonly attackers: Member[];
  /** Seconds that pass before the next statement. */
  #skip = 0;

  constructor({ state, admins }: Council, random: Random) {
    this.state = state;
    this.#random = random;
    this.members = [admins.ada, admins.cyd, admins.eve];
    this.attackers = [admins.bea];
  }

  /** While the attackers are trusted, one of them may add another, and say this and that. */
  async before(): Promise<void> {
    const { member, said } = await newcomer("p-accomplice");
    if (this.#random(3) === 0 && (await this.#speak(pick(this.attackers, this.#random), said)))
      this.attackers.push(member);
    if (this.#random(3) === 0) await this.#speak(pick(this.attackers, this.#random), nobody());
  }

  async step(): Promise<void> {
    const by = pick(this.members, this.#random);
    const person = pick(this.members, this.#random);
    switch (this.#random(6)) {
      case 0: {
        const { member, said } = await newcomer(`p-comer${++numbers}`);
        if (await this.#speak(by, said)) this.members.push(member);
        return;
      }
      case 1: {
        const roles = this.#random(2) === 0 ? ["admin"] : ["viewer"];
        await this.#speak(by, { kind: "role.assign", body: { person: person.id, roles } });
        return;
      }
      case 2:
        if (this.#random(2) === 0) await this.#revoke(by, person);
        return;
      default:
        await this.#speak(by, nobody());
    }
  }

  /** No attacker is revoked: their grants end, and somebody who stays an administrator speaks after that. */
  async endAttackers(): Promise<boolean> {
    const until = this.state.chain.at + TERM;
    for (const { id } of this.attackers) {
      const said: Said = { kind: "role.assign", body: { person: id, roles: ["admin"], until } };
      let done = false;
      for (const by of this.members) done ||= await this.#speak(by, said);
      if (!done) return false;
    }
    this.#skip = 2 * TERM;
    for (let i = this.#random(3); i > 0; i--) await this.step();
    const able = new Set(usableAdministrators(this.state));
    const last = this.members.find(({ id }) => able.has(id));
    return last !== undefined && this.#speak(last, nobody());
  }

  /** Every attacker is revoked, in any of the ways, by anybody who can; now and then something is said between. */
  async revokeAttackers(): Promise<boolean> {
    for (const attacker of this.attackers) {
      if (this.#random(2) === 0) await this.step();
      let done = false;
      for (const by of this.members) done ||= await this.#revoke(by, attacker);
      if (!done) return false;
    }
    return true;
  }

  async #speak(by: Member, said: Said): Promise<boolean> {
    const { state } = this;
    const at = state.chain.at + this.#random(2) + this.#skip;
    // Nobody honest speaks without the newest that is known, unless it only speaks of attackers.
    const knew = [...state.revocations.keys()].filter(
      (one) => !state.chain.knew.has(one) && (!this.revocations.includes(one) || this.#random(4) > 0),
    );
    const signed = await say(viewAt(state, state.chain.n, knew), said, { by: [by.passkey], at });
    const isTaken = await this.#take(signed);
    if (isTaken) this.#skip = 0;
    return isTaken;
  }

  async #revoke(by: Member, of: Member): Promise<boolean> {
    const { state } = this;
    const grant = state.people.get(of.id)?.grant;
    const kinds: Said[] = [
      { kind: "person.revoke", body: { person: of.id } },
      { kind: "credential.revoke", body: { credential: of.passkey.pinned.credentialId } },
      ...(grant === undefined ? [] : [{ kind: "role.revoke" as const, body: { grant } }]),
    ];
    if (!state.people.get(by.id)?.roles.includes("admin") || by === of) return false;
    const signed = await say(state, pick(kinds, this.#random), { by: [by.passkey], at: state.chain.at });
    if (!(await this.#take(signed))) return false;
    if (this.attackers.includes(of)) this.revocations.push(hashOf(signed));
    return true;
  }

  async #take(signed: SignedStatement): Promise<boolean> {
    const result = await applyAsWitness(this.state, signed);
    if (!result.ok || result.state.frozen !== undefined || result.state.disowned !== undefined) return false;
    this.state = result.state;
    this.said.push(signed);
    return true;
  }

  /** They drop what the attackers said, as far as they have heard of it. */
  async answer(hostile: readonly SignedStatement[]): Promise<void> {
    for (const one of hostile) {
      if (this.#random(3) > 0) continue;
      const { hash } = chainAt(this.state.chain, Math.max(1, this.state.chain.n - this.#random(4))) ?? this.state.chain;
      const body = { keep: hash, drop: hashOf(one) };
      await this.#speak(pick(this.members, this.#random), { kind: "fork.resolve", body });
    }
  }
}

/** What the attackers say after one place of the honest history, and after what they said there. */
class Hostile {
  state: TrustState;
  readonly said: SignedStatement[] = [];
  readonly #random: Random;
  readonly members: Member[];
  readonly #victims: readonly string[];
  readonly #names: readonly string[];

  /** `names`: what a resolution may keep and drop; `start`: with all honest revocations that have a place there. */
  constructor(start: TrustState, { attackers, victims, names }: Parties, random: Random) {
    this.state = start;
    this.#random = random;
    this.members = [...attackers];
    this.#victims = victims;
    this.#names = names;
  }

  async step(): Promise<void> {
    await (this.#random(2) === 0 ? this.#revoke() : this.#speak());
  }

  async #speak(): Promise<void> {
    const { state } = this;
    const { said, comer } = await this.#something();
    const held = [...heldRevocations(state).keys()];
    const knew = held.filter((one) => !state.chain.knew.has(one) && this.#random(2) === 0);
    const by = pick(this.members, this.#random);
    const at = state.chain.at + (this.#random(3) === 0 ? TERM / 2 : 0);
    const signed = await say(viewAt(state, state.chain.n, knew), said, { by: [by.passkey], at });
    if ((await this.#take(signed)) && comer !== undefined) this.members.push(comer);
  }

  async #something(): Promise<{ readonly said: Said; readonly comer?: Member }> {
    const { chain, workspace } = this.state;
    switch (this.#random(7)) {
      case 0: {
        const { member, said } = await newcomer(`p-puppet${++numbers}`);
        return { said, comer: member };
      }
      case 1:
        return {
          said: { kind: "role.assign", body: { person: pick(this.members, this.#random).id, roles: ["admin"] } },
        };
      case 2: {
        const member = pick(this.members, this.#random);
        const passkey = await createCredential({ rpId: SIGNER_RP_ID });
        const said: Said = { kind: "credential.add", body: { person: member.id, ...passkey.pinned } };
        return { said, comer: { ...member, passkey } };
      }
      case 3:
        return { said: nobody() };
      default: {
        const mine = this.said.map(hashOf);
        const keep = pick([chain.hash, chain.previous?.hash ?? workspace, ...mine, workspace], this.#random);
        const drop = pick([...this.#names, ...mine, chain.hash], this.#random);
        return { said: { kind: "fork.resolve", body: { keep, drop } } };
      }
    }
  }

  /** At the newest place or an older one, mostly of who is honest. */
  async #revoke(): Promise<void> {
    const { chain } = this.state;
    const n = Math.max(0, chain.n - this.#random(4));
    const own = this.members.map(({ id }) => id);
    const person = pick(this.#random(5) === 0 ? own : this.#victims, this.#random);
    const by = pick(this.members, this.#random);
    const view = viewAt(this.state, n, []);
    const at = view.chain.at + (this.#random(3) === 0 ? TERM / 2 : 0);
    await this.#take(await say(view, { kind: "person.revoke", body: { person } }, { by: [by.passkey], at }));
  }

  async #take(signed: SignedStatement): Promise<boolean> {
    const result = await applyAsWitness(this.state, signed);
    if (!result.ok) return false;
    this.state = result.state;
    this.said.push(signed);
    return true;
  }
}

interface Parties {
  readonly attackers: readonly Member[];
  readonly victims: readonly string[];
  readonly names: readonly string[];
}

/** Undefined: nobody honest was left who could revoke. */
export async function randomAttack(seed: number): Promise<Attack | undefined> {
  const random = randomOf(seed);
  const council = await makeCouncil();
  const honest = new Honest(council, random);
  const begin = honest.state;
  await honest.before();
  for (let i = random(3); i > 0; i--) await honest.step();
  const last = honest.state.chain.n;
  for (let i = random(4); i > 0; i--) await honest.step();
  const isEnding = random(3) === 0;
  if (!(await (isEnding ? honest.endAttackers() : honest.revokeAttackers()))) return undefined;
  if (!isEnding) for (let i = random(3); i > 0; i--) await honest.step();
  const victims = [...honest.state.chain.people.keys()].filter((id) => !honest.attackers.some((one) => one.id === id));
  const names = placesOf(honest.state.chain, begin.chain.n).map(({ hash }) => hash);
  const hostile: SignedStatement[] = [];
  const hands = [...honest.attackers];
  for (let branch = 1 + random(3); branch > 0; branch--) {
    const from = await hearHonest(begin, honest.said, begin.chain.n + random(honest.state.chain.n - begin.chain.n + 1));
    const parties = { attackers: honest.attackers, victims, names: [...names, ...hostile.map(hashOf)] };
    const one = new Hostile(from, parties, random);
    for (let i = 2 + random(5); i > 0; i--) await one.step();
    hostile.push(...one.said);
    hands.push(...one.members.slice(honest.attackers.length));
  }
  if (random(2) === 0) await honest.answer(hostile);
  const { state, said, revocations, attackers, members: people } = honest;
  const start = await hearHonest(begin, said, begin.chain.n + random(last - begin.chain.n + 1));
  return {
    start,
    honest: said,
    hostile,
    end: state,
    revocations,
    attackers: attackers.map(({ id }) => id),
    hands,
    people,
    now: state.chain.at + 2 * TERM,
  };
}

function placesOf(chain: ChainState, after: number): readonly ChainState[] {
  const places: ChainState[] = [];
  for (let place = chain; place.n > after && place.previous !== undefined; place = place.previous) places.push(place);
  return places;
}

/** Somebody who was told of the honest history up to a place, with the revocations that name a place up to there. */
async function hearHonest(begin: TrustState, said: readonly SignedStatement[], n: number): Promise<TrustState> {
  let state = begin;
  for (const one of said) {
    const result = await applyAsWitness(state, one);
    if (result.ok && result.state.chain.n <= n) ({ state } = result);
  }
  return state;
}
