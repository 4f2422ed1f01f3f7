/**
 * Whoever was revoked, with an edge that delivers what it likes to a host that it held back: the host obeys the honest
 * history or nobody. CLAWHOLD_HISTORIES: how many random attacks, CLAWHOLD_SEED: from which seed on.
 */
import { describe, expect, it } from "vitest";
import { fromBase64url } from "../../../protocol/bytes.ts";
import { applyOrFork } from "../../../protocol/trust/fork.ts";
import {
  approversOf,
  chainAt,
  hasPermission,
  heldRevocations,
  usableAdministrators,
  type TrustState,
} from "../../../protocol/trust/state.ts";
import { statementCodec, type SignedStatement } from "../../../protocol/trust/statements.ts";
import { hashOf } from "../../fixtures/team.ts";
import { randomOf } from "../campaign.ts";
import { answerTo, randomAttack, resolutionFor, type Attack } from "./attackers.ts";
import { shuffled, type Random } from "./histories.ts";

const ATTACKS = Number(process.env["CLAWHOLD_HISTORIES"] ?? "80");
const SEED = Number(process.env["CLAWHOLD_SEED"] ?? "20261120");
const ORDERS = 4;

/** How often; `obeying` counts statements that were heard by a host that had been told the honest history. */
interface Seen {
  attacks: number;
  accomplices: number;
  obeying: number;
  resolved: number;
  frozen: number;
  aside: number;
  disowned: number;
}

/** Another passkey for oneself: everybody may, without any power. */
function isPasskey({ statement }: SignedStatement): boolean {
  return statementCodec.decode(fromBase64url(statement)).kind === "credential.add";
}

/** What this state obeys although nobody honest said it. */
function faults({ honest, hostile, end, attackers, now }: Attack, state: TrustState): readonly string[] {
  if (state.frozen !== undefined) return [];
  const said = new Set([...honest, ...hostile.filter((one) => isPasskey(one))].map(hashOf));
  const found: string[] = [];
  for (let place = state.chain; place.previous !== undefined; place = place.previous)
    if (chainAt(end.chain, place.n)?.hash !== place.hash && !said.has(place.hash)) found.push(`place ${place.n}`);
  const isBehind = chainAt(state.chain, end.chain.n)?.hash !== end.chain.hash; // and has the grants of then
  const wanted = { permission: "workspace.administer", now } as const;
  for (const id of usableAdministrators(state)) {
    const isAttacker = attackers.includes(id) && hasPermission(state, id, wanted);
    if (isAttacker || (!isBehind && end.chain.people.get(id)?.grant !== state.people.get(id)?.grant)) found.push(id);
  }
  return found;
}

/** Honest revocations of attackers that this host has not heard, or only in an attacker's own name. */
function lacking({ revocations, attackers }: Attack, state: TrustState): readonly string[] {
  const held = heldRevocations(state);
  return revocations.filter((digest) => {
    const one = held.get(digest);
    return one === undefined || approversOf(one).every(({ person }) => attackers.includes(person));
  });
}

function knowsThem(attack: Attack, state: TrustState): boolean {
  return attack.revocations.length > 0 && lacking(attack, state).length === 0;
}

/** The attackers deliver any of it in any order, again and again; then somebody brings the honest log; then they go on. */
async function follow(given: Attack, random: Random, seen: Seen): Promise<TrustState> {
  let attack = given;
  const all = [...attack.honest, ...attack.hostile];
  const some = (): readonly SignedStatement[] => {
    const order = random(3) === 0 ? all : shuffled(all, random);
    return order.filter(() => random(4) > 0);
  };
  let { start: state } = attack;
  const hear = async (said: readonly SignedStatement[], isTold: boolean): Promise<void> => {
    for (const one of said) {
      const result = await applyOrFork(state, one);
      if (!result.ok) continue;
      ({ state } = result);
      if (isTold && state.frozen === undefined) seen.obeying += 1;
      if (isTold || knowsThem(attack, state)) expect(faults(attack, state)).toEqual([]);
    }
  };
  const aim = async (isTold: boolean): Promise<void> => {
    for (let tries = random(9); tries > 0; tries--) {
      await hear([await answerTo(state, attack, random)], isTold);
      const resolution = random(3) === 0 ? await resolutionFor(state, attack, random) : undefined;
      if (resolution === undefined) continue;
      attack = { ...attack, honest: [...attack.honest, resolution] };
      await hear([resolution], isTold);
      if (state.frozen === undefined) seen.resolved += 1;
    }
  };
  const hostileFirst = random(2) === 0 ? attack.hostile : some();
  await hear([...hostileFirst, ...some()], false);
  await aim(false);
  await hear(attack.honest, false); // as a page of an honest edge, once
  expect(lacking(attack, state)).toEqual([]);
  expect(faults(attack, state)).toEqual([]);
  if (state.frozen === undefined) expect(chainAt(state.chain, attack.end.chain.n)?.hash).toBe(attack.end.chain.hash);
  await aim(true);
  await hear([...some(), ...attack.hostile, ...some()], true);
  await aim(true);
  return state;
}

describe("random attacks by whoever was revoked", () => {
  it(`freeze a host at most (${ATTACKS} from seed ${SEED})`, { timeout: 3_600_000 }, async () => {
    const seen: Seen = { attacks: 0, accomplices: 0, obeying: 0, resolved: 0, frozen: 0, aside: 0, disowned: 0 };
    for (let i = 0; i < ATTACKS; i++) {
      const attack = await randomAttack(SEED + i);
      if (attack === undefined) continue;
      seen.attacks += 1;
      seen.accomplices += attack.attackers.length - 1;
      const random = randomOf(SEED + i);
      for (let order = 0; order < ORDERS; order++) {
        try {
          const state = await follow(attack, random, seen);
          if (state.frozen !== undefined) seen.frozen += 1;
          seen.aside += state.aside?.size ?? 0;
          seen.disowned += state.disowned?.size ?? 0;
        } catch (error) {
          throw new Error(`attack ${SEED + i}, order ${order}`, { cause: error });
        }
      }
    }
    console.log(seen);
    // Otherwise the attacks are too tame to say anything.
    expect(seen.attacks).toBeGreaterThan(ATTACKS / 2);
    expect(Math.min(seen.frozen, seen.obeying, seen.resolved, seen.aside, seen.disowned)).toBeGreaterThan(ATTACKS / 10);
  });
});
