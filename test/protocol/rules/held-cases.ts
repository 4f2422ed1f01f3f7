/**
 * What a host that was held back makes of somebody who was revoked and revokes whoever was to revoke them: everything valid
 * is held, whatever disowns it, so that the history that knew better has its place there and freezes.
 */
import { said, type Said } from "../../fixtures/team.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { harmless, revoke, saidAgain, summaryOf, type Admin } from "../trust/courses.ts";
import type { RuleCase } from "./cases.ts";
import { courseState, resolve, roles, two, type Course, type Scene } from "./fork-scenes.ts";

/** Bea revokes Ada; Cyd's history goes on, and in it Ada revokes Bea. */
async function countered(s: Scene) {
  const counter = await s.tell("bea", s.base, revoke("ada"));
  const theirs = await s.tell("cyd", s.base, harmless());
  return { counter, theirs, revocation: await s.tell("ada", await s.after(theirs), revoke("bea")) };
}

/** The same, and Cyd's history knew a revocation by Ada that Bea's disowns. */
async function forgotten(s: Scene) {
  const counter = await s.tell("bea", s.base, revoke("ada"));
  const earlier = await s.tell("ada", s.base, revoke("eve"));
  const theirs = await s.tell("cyd", s.base, { said: harmless(), knew: [earlier] });
  const there = await s.after(earlier, theirs);
  return { counter, earlier, theirs, revocation: await s.tell("ada", there, revoke("bea")) };
}

const knowing = (what: Said, ...knew: readonly SignedStatement[]) => ({ said: what, knew });

export const heldCourses: readonly (readonly [string, string, Course])[] = [
  [
    "dropped unseen by somebody who had revoked whoever revokes them there",
    "ok 1, fork at 1",
    async (s) => {
      const { counter, theirs, revocation } = await countered(s);
      const drop = await s.tell("bea", s.base, knowing(resolve(s.base.head.hash, theirs), counter));
      return [counter, drop, theirs, revocation];
    },
  ],
  [
    "a second history that knew what ours disowns",
    "ok 1, fork at 1",
    async (s) => {
      const { counter, earlier, theirs } = await forgotten(s);
      const mine = await s.tell("bea", s.base, knowing(harmless(), counter));
      return [counter, mine, earlier, theirs];
    },
  ],
  [
    "dropped unseen, and it knew what ours disowns",
    "ok 1, fork at 1",
    async (s) => {
      const { counter, earlier, theirs, revocation } = await forgotten(s);
      const drop = await s.tell("bea", s.base, knowing(resolve(s.base.head.hash, theirs), counter));
      return [counter, drop, earlier, theirs, revocation];
    },
  ],
  [
    "the same, resolved by somebody whom nobody names",
    "ok 2",
    async (s) => {
      const { counter, theirs, revocation } = await countered(s);
      const drop = await s.tell("bea", s.base, knowing(resolve(s.base.head.hash, theirs), counter));
      const end = knowing(resolve(theirs, drop), revocation);
      return [counter, drop, theirs, revocation, await s.tell("eve", await s.after(theirs), end)];
    },
  ],
  [
    "kept: ours, by somebody whom a revocation names that ours disowns",
    "ok 2, fork at 1",
    async (s) => {
      const { counter, theirs, revocation } = await countered(s);
      const mine = await s.tell("eve", s.base, knowing(harmless(), counter));
      const keep = await s.tell("bea", await s.after(counter, mine), resolve(mine, theirs));
      return [counter, mine, theirs, revocation, keep];
    },
  ],
  [
    "kept: the second, by somebody whom a revocation names that ours disowns",
    "ok 1, fork at 1",
    async (s) => {
      const { counter, theirs } = await countered(s);
      const late = await s.tell("ada", s.base, revoke("cyd"));
      const mine = await s.tell("eve", s.base, knowing(harmless(), counter));
      return [counter, mine, late, theirs, await s.tell("cyd", await s.after(theirs), resolve(theirs, mine))];
    },
  ],
  [
    "dropped, and revoked late by somebody whom both histories knew revoked when they parted",
    "ok 3",
    (s) => lateAccuser(s, []),
  ],
  [
    "the same, and ours knew that revocation",
    "ok 4, fork at 2",
    async (s) => {
      const list = await lateAccuser(s, []);
      const [late] = list.slice(-1);
      if (late === undefined) throw new TypeError("no revocation");
      const there = await s.after(...list.filter((_, i) => i !== 3));
      return [...list, await s.tell("bea", there, knowing(harmless(), late))];
    },
  ],
  ["the same, and the second history knew that revocation", "ok 3, fork at 2", (s) => lateAccuser(s, ["theirs"])],
  [
    "their own second statement, which they drop, with a third one held",
    "ok 2, fork at 1",
    async (s) => {
      const [mine, own] = [await s.tell("bea", s.base, harmless()), await s.tell("bea", s.base, harmless())];
      const theirs = await s.tell("ada", s.base, roles("bea", []));
      return [mine, own, theirs, await s.tell("bea", await s.after(mine), resolve(mine, own))];
    },
  ],
  [
    "an accusation of their own, which another of theirs acquits of, with a second history held",
    "ok 2, fork at 1",
    async (s) => {
      const mine = await s.tell("eve", s.base, harmless());
      const own = await s.tell("bea", s.base, revoke("eve"));
      const theirs = await s.tell("ada", s.base, roles("bea", []));
      return [mine, own, theirs, await s.tell("bea", await s.after(mine), knowing(resolve(mine), own))];
    },
  ],
  [
    "their branch of the second history, which they drop, with the other branch held",
    "ok 2, fork at 1",
    async (s) => {
      const { mine, theirs, here, there } = await two(s);
      const [own, more] = [await s.tell("bea", there, harmless()), await s.tell("cyd", there, roles("bea", []))];
      return [mine, theirs, own, more, await s.tell("bea", here, resolve(mine, theirs))];
    },
  ],
  [
    "more after a resolution that took the place of what nobody accuses",
    "ok 1, fork at 1",
    async (s) => {
      const { mine } = await two(s);
      const drop = await s.tell("cyd", s.base, resolve(s.base.head.hash, mine));
      return [mine, drop, await s.tell("bea", await s.after(drop), harmless())];
    },
  ],
  [
    "dropped, and on it ours is dropped in turn",
    "ok 3",
    async (s) => {
      const { mine, theirs, here, there } = await two(s);
      const drop = await s.tell("cyd", here, resolve(mine, theirs));
      const more = await s.tell("ada", await s.after(mine, drop), harmless());
      return [mine, theirs, drop, more, await s.tell("eve", there, resolve(theirs, mine))];
    },
  ],
  [
    "a revocation by somebody whom the place that it names knew revoked",
    "ok 2",
    async (s) => {
      const [known, start, revocation] = await approvedTwice(s, "eve");
      if (known === undefined || start === undefined || revocation === undefined) throw new TypeError("too few");
      return [known, start, revocation, await s.tell("bea", await s.after(known, start), harmless())];
    },
  ],
  [
    "kept: the second, with a third one held",
    "ok 2, fork at 1",
    async (s) => {
      const { mine, theirs, there } = await two(s);
      const third = await s.tell("eve", s.base, harmless());
      return [mine, theirs, third, await s.tell("cyd", there, resolve(theirs, mine))];
    },
  ],
  [
    "the same, and the third one dropped",
    "ok 3",
    async (s) => {
      const { mine, theirs, there } = await two(s);
      const third = await s.tell("eve", s.base, harmless());
      const first = await s.tell("cyd", there, resolve(theirs, mine));
      const second = await s.tell("cyd", await s.after(theirs, first), resolve(theirs, third));
      return [mine, theirs, third, first, second];
    },
  ],
  [
    "two of three dropped, one after another",
    "ok 3",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      const third = await s.tell("eve", s.base, harmless());
      const first = await s.tell("cyd", here, resolve(mine, third));
      const second = await s.tell("cyd", await s.after(mine, first), resolve(mine, theirs));
      return [mine, theirs, third, first, second];
    },
  ],
  [
    "dropped, and dropped again by somebody whom it took the power",
    "ok 3",
    async (s) => {
      const theirs = await s.tell("ada", s.base, roles("bea", []));
      const mine = await s.tell("cyd", s.base, harmless());
      const drop = await s.tell("cyd", await s.after(mine), resolve(mine, theirs));
      const again = await s.tell("bea", await s.after(mine, drop), resolve(mine, theirs));
      return [mine, theirs, drop, again];
    },
  ],
  [
    "dropped by somebody without the power for a while since the two parted",
    "ok 4, fork at 1",
    async (s) => {
      const theirs = await s.tell("cyd", s.base, harmless());
      const taken = await s.tell("ada", s.base, roles("bea", []));
      const given = await s.tell("ada", await s.after(taken), roles("bea", ["admin"]));
      const there = await s.after(taken, given);
      const more = await s.tell("ada", there, harmless());
      const drop = await s.tell("bea", await s.after(taken, given, more), resolve(taken, theirs));
      return [taken, theirs, given, more, drop];
    },
  ],
  [
    "dropped unseen by somebody whose power it takes, and gives back",
    "ok 1, fork at 1",
    async (s) => {
      const theirs = await s.tell("ada", s.base, roles("bea", []));
      const back = await s.tell("cyd", await s.after(theirs), roles("bea", ["admin"]));
      return [await s.tell("bea", s.base, resolve(s.base.head.hash, theirs)), theirs, back];
    },
  ],
  [
    "a late revocation of somebody who kept, by somebody whom a place before that knew revoked",
    "ok 3",
    async (s) => {
      const counter = await s.tell("bea", s.base, revoke("ada"));
      const first = await s.tell("eve", s.base, knowing(harmless(), counter));
      const there = await s.after(counter, first);
      const signed = await s.tell("cyd", there, harmless());
      const revocation = await s.tell("eve", there, revoke("cyd"));
      const keep = knowing(resolve(signed), revocation);
      const list = [counter, first, signed, revocation];
      return [...list, await s.tell("bea", await s.after(...list), keep), await s.tell("ada", s.base, revoke("bea"))];
    },
  ],
  [
    "a revocation by somebody whose grant has ended, dated back before the place that it names",
    "role",
    (s) => ended(s, 1),
  ],
  [
    "a revocation by somebody whose grant ends later, dated back before the place that it names",
    "ok 2",
    (s) => ended(s, 3),
  ],
  ["dropped unseen by somebody whose grant has ended there, dated back", "ok 2, fork at 2", (s) => endedThere(s, 1)],
  ["dropped unseen by somebody whose grant ends there later", "ok 2", (s) => endedThere(s, 3)],
  [
    "dropped unseen by somebody whose grant has ended there, who revoked everybody else",
    "ok 2, fork at 2",
    async (s) => {
      const [grant, drop, theirs] = await endedThere(s, 1);
      if (grant === undefined || drop === undefined || theirs === undefined) throw new TypeError("too few");
      return [grant, ...(await alone(s, await s.after(grant))), drop, theirs];
    },
  ],
  [
    "kept by somebody whose grant has ended, who revoked everybody else",
    "ok 3, revoked_author at 2",
    async (s) => {
      const [grant, , theirs] = await endedThere(s, 1);
      if (grant === undefined || theirs === undefined) throw new TypeError("too few");
      const counters = await alone(s, await s.after(grant));
      const there = await s.after(grant, theirs);
      const keep = { ...knowing(resolve(theirs), ...counters), at: there.chain.at };
      return [grant, theirs, ...counters, await s.tell("bea", there, keep)];
    },
  ],
  ["a revocation, approved first by somebody revoked", "ok 2, revoked_author at 2", (s) => approvedTwice(s, "eve")],
  ["a revocation, approved again by somebody revoked", "ok 2, revoked_author at 2", (s) => approvedTwice(s, "ada")],
  [
    "a revocation, approved by a second one a second time",
    "exists",
    async (s) => {
      const signed = await s.tell("ada", s.base, revoke("bea"));
      const again = await saidAgain(signed, s.passkey("cyd"));
      return [signed, again, again];
    },
  ],
];

export const bothKnown: RuleCase = {
  name: "accused: of two who revoked each other, both known to a third, neither is left: others stay the same",
  expected: "the same",
  run: async (modules) => {
    const state = await courseState(modules, async (s) => {
      const both = [await s.tell("ada", s.base, revoke("bea")), await s.tell("bea", s.base, revoke("ada"))];
      return [...both, await s.tell("cyd", s.base, knowing(harmless(), ...both))];
    });
    const left = summaryOf(state).people.join(", ");
    return left === "p-cyd, p-eve" ? "the same" : left;
  },
};

/** Eve was revoked, and everybody knows; Bea's history is dropped by Cyd, and then Eve revokes Cyd at an older head. */
async function lateAccuser(s: Scene, knowers: readonly "theirs"[]): Promise<readonly SignedStatement[]> {
  const known = await s.tell("ada", s.base, revoke("eve"));
  const first = await s.tell("ada", s.base, knowing(harmless(), known));
  const late = await s.tell("eve", s.base, revoke("cyd"));
  const parting = await s.after(known, first);
  const theirs = await s.tell("bea", parting, knowers.length === 0 ? harmless() : knowing(harmless(), late));
  const mine = await s.tell("ada", parting, harmless());
  const drop = await s.tell("cyd", await s.after(known, first, mine), resolve(mine, theirs));
  return knowers.length === 0 ? [known, first, mine, theirs, drop, late] : [known, first, mine, late, theirs, drop];
}

/** Bea's grant ends after so many hours; somebody speaks in the second one; then she revokes Ada as if in the first. */
async function ended(s: Scene, hours: number): Promise<readonly SignedStatement[]> {
  const { at } = s.base.chain;
  const until = at + hours * 3_600;
  const grant = await s.tell("ada", s.base, said("role.assign", { person: "p-bea", roles: ["admin"], until }));
  const more = await s.tell("cyd", await s.after(grant), { said: harmless(), knew: [], at: at + 7_200 });
  const there = await s.after(grant, more);
  return [grant, more, await s.tell("bea", there, { said: revoke("ada"), knew: [], at: at + 60 })];
}

/** Bea's grant ends after so many hours; somebody speaks in the second one; she drops that unseen, as if in the first. */
async function endedThere(s: Scene, hours: number): Promise<readonly SignedStatement[]> {
  const { at } = s.base.chain;
  const until = at + hours * 3_600;
  const grant = await s.tell("ada", s.base, said("role.assign", { person: "p-bea", roles: ["admin"], until }));
  const there = await s.after(grant);
  const theirs = await s.tell("cyd", there, { said: harmless(), knew: [], at: at + 7_200 });
  return [grant, await s.tell("bea", there, { said: resolve(grant, theirs), knew: [], at: at + 60 }), theirs];
}

/** Bea revokes every other administrator, as long as she may. */
async function alone(s: Scene, after: TrustState): Promise<readonly SignedStatement[]> {
  const others: readonly Admin[] = ["ada", "cyd", "eve"];
  return Promise.all(
    others.map((one) => s.tell("bea", after, { said: revoke(one), knew: [], at: after.chain.at + 60 })),
  );
}

/** Ada revokes Bea. Eve, whom the chain knows revoked, approves the same words; Bea goes on. */
async function approvedTwice(s: Scene, first: Admin): Promise<readonly SignedStatement[]> {
  const known = await s.tell("ada", s.base, revoke("eve"));
  const start = await s.tell("cyd", s.base, knowing(harmless(), known));
  const there = await s.after(known, start);
  const revocation = await s.tell("ada", there, revoke("bea"));
  const again = await saidAgain(revocation, s.passkey("eve"));
  const both = first === "eve" ? [again, revocation] : [revocation, again];
  return [known, start, ...both, await s.tell("bea", there, harmless())];
}
