/** What a host makes of somebody who goes on after they were revoked: freezing, thawing, and who may acquit. */
import { nonceOf } from "../../fixtures/keys.ts";
import { hashOf, type Said } from "../../fixtures/team.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { harmless, revoke, type Admin } from "../trust/courses.ts";
import type { RuleCase } from "./cases.ts";
import { bothKnown } from "./held-cases.ts";
import { courseReason, courseVerdict, resolve, roles, type Course, type Scene } from "./fork-scenes.ts";

/** Ada revokes Bea, who goes on. */
async function goingOn(s: Scene, what: Said = harmless()) {
  const revocation = await s.tell("ada", s.base, revoke("bea"));
  const signed = await s.tell("bea", s.base, what);
  return { revocation, signed, there: await s.after(signed) };
}

const accused: readonly (readonly [string, string, Course])[] = [
  [
    "the revocation first",
    "ok 1, revoked_author at 1",
    async (s) => {
      const { revocation, signed } = await goingOn(s);
      return [revocation, signed];
    },
  ],
  [
    "the statement first",
    "ok 1, revoked_author at 1",
    async (s) => {
      const { revocation, signed } = await goingOn(s);
      return [signed, revocation];
    },
  ],
  [
    "a revocation that names the statement",
    "ok 1",
    async (s) => {
      const { signed, there } = await goingOn(s);
      return [signed, await s.tell("ada", there, revoke("bea"))];
    },
  ],
  [
    "a statement of somebody else",
    "ok 1",
    async (s) => {
      const { revocation } = await goingOn(s);
      return [await s.tell("cyd", s.base, harmless()), revocation];
    },
  ],
  [
    "the second statement of two",
    "ok 2, revoked_author at 2",
    async (s) => {
      const { revocation } = await goingOn(s);
      const first = await s.tell("cyd", s.base, harmless());
      return [first, await s.tell("bea", await s.after(first), harmless()), revocation];
    },
  ],
  ["dropped by another", "ok 1", (s) => dropping(s, "cyd")],
  ["dropped by the accused", "ok 1, fork at 1", (s) => dropping(s, "bea", { knows: false })],
  ["dropped without knowing the revocation", "ok 1", (s) => dropping(s, "cyd", { knows: false })],
  ["dropped, another kept", "ok 1, fork at 1", (s) => dropping(s, "cyd", { keep: nonceOf("another") })],
  ["dropped by somebody whose power it took", "ok 1, fork at 1", (s) => dropping(s, "eve", { what: roles("eve", []) })],
  [
    "dropped, and said again",
    "ok 1",
    async (s) => {
      const list = await dropping(s, "cyd");
      return [...list, ...list.slice(1, 2)];
    },
  ],
  [
    "a second statement in its place that is no resolution",
    "ok 1, fork at 1",
    async (s) => {
      const { revocation, signed } = await goingOn(s);
      return [revocation, signed, await s.tell("cyd", s.base, { said: harmless(), knew: [revocation] })];
    },
  ],
  [
    "an innocent statement before it, dropped",
    "ok 2, fork at 1",
    async (s) => {
      const { revocation } = await goingOn(s);
      const first = await s.tell("cyd", s.base, harmless());
      const second = await s.tell("bea", await s.after(first), harmless());
      const drop = { said: resolve(s.base.head.hash, first), knew: [revocation] };
      return [first, second, revocation, await s.tell("cyd", s.base, drop)];
    },
  ],
  ["kept by another", "ok 2", (s) => keeping(s, "cyd")],
  ["kept by the accused", "ok 2, revoked_author at 1", (s) => keeping(s, "bea", { knows: false })],
  ["kept by the accused, knowing", "assertion, revoked_author at 1", (s) => keeping(s, "bea")],
  ["kept without knowing the revocation", "ok 2, revoked_author at 1", (s) => keeping(s, "cyd", { knows: false })],
  [
    "kept by somebody whom it added",
    "ok 2, revoked_author at 1",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const { signed, puppet } = await s.adding("bea", s.base);
      return [
        revocation,
        signed,
        await s.tell(puppet, await s.after(signed), { said: resolve(signed), knew: [revocation] }),
      ];
    },
  ],
  [
    "kept with everything, by somebody whom it added",
    "ok 2, revoked_author at 1",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const { signed, puppet } = await s.adding("bea", s.base);
      const all = { said: resolve(s.base.workspace), knew: [revocation] };
      return [revocation, signed, await s.tell(puppet, await s.after(signed), all)];
    },
  ],
  [
    "kept with what was before it, by somebody whom it added",
    "ok 2, revoked_author at 1",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const { signed, puppet } = await s.adding("bea", s.base);
      const more = { said: resolve(s.base.head.hash), knew: [revocation] };
      return [revocation, signed, await s.tell(puppet, await s.after(signed), more)];
    },
  ],
  [
    "kept with a time of their own power, by somebody to whom it gave it back",
    "ok 4, revoked_author at 3",
    async (s) => {
      const first = await s.tell("cyd", s.base, harmless());
      const taken = await s.tell("cyd", await s.after(first), roles("eve", []));
      const there = await s.after(first, taken);
      const revocation = await s.tell("ada", there, revoke("bea"));
      const given = await s.tell("bea", there, roles("eve", ["admin"]));
      const old = { said: resolve(first), knew: [revocation] };
      return [first, taken, revocation, given, await s.tell("eve", await s.after(first, taken, given), old)];
    },
  ],
  [
    "kept by somebody whom another revokes since",
    "ok 2, revoked_author at 1",
    async (s) => {
      const { revocation, signed, there } = await goingOn(s);
      const late = await s.tell("ada", there, revoke("cyd"));
      const keep = await s.tell("cyd", there, { said: resolve(signed), knew: [revocation] });
      return [revocation, signed, keep, late];
    },
  ],
  [
    "kept by somebody whom another revokes afterwards",
    "ok 2",
    async (s) => {
      const list = await keeping(s, "cyd");
      return [...list, await s.tell("ada", await s.after(...list), revoke("cyd"))];
    },
  ],
  [
    "kept, and a late revocation of somebody who has nothing to do with it",
    "ok 2",
    async (s) => [...(await keeping(s, "cyd")), await s.tell("ada", s.base, revoke("eve"))],
  ],
  [
    "kept by somebody revoked, whose word a third keeps",
    "ok 3",
    async (s) => {
      const { revocation, signed, there } = await goingOn(s);
      const late = await s.tell("ada", there, revoke("cyd"));
      const keep = await s.tell("cyd", there, { said: resolve(signed), knew: [revocation] });
      const list = [revocation, signed, keep, late];
      const third = { said: resolve(keep), knew: [late] };
      return [...list, await s.tell("eve", await s.after(revocation, signed, keep), third)];
    },
  ],
  [
    "kept early, by somebody whom it added",
    "ok 2, revoked_author at 1",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const { signed, puppet } = await s.adding("bea", s.base);
      return [signed, await s.tell(puppet, await s.after(signed), resolve(signed)), revocation];
    },
  ],
  [
    "kept by another, after somebody whom it added tried to",
    "ok 3",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const { signed, puppet } = await s.adding("bea", s.base);
      const knew = [revocation];
      const there = await s.after(signed);
      const tried = await s.tell(puppet, there, { said: resolve(signed), knew });
      const list = [revocation, signed, tried];
      return [...list, await s.tell("cyd", await s.after(...list), resolve(signed))];
    },
  ],
  [
    "kept with what followed it",
    "ok 3",
    async (s) => {
      const { revocation, signed, there } = await goingOn(s);
      const more = await s.tell("bea", there, harmless());
      const both = await s.after(signed, more);
      return [signed, more, revocation, await s.tell("cyd", both, { said: resolve(signed), knew: [revocation] })];
    },
  ],
  [
    "kept, and what the accused says afterwards",
    "assertion",
    async (s) => {
      const list = await keeping(s, "cyd");
      return [...list, await s.tell("bea", await s.after(...list), harmless())];
    },
  ],
  [
    "a counter-revocation that the statement knew",
    "ok 1, revoked_author at 1",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const counter = await s.tell("bea", s.base, revoke("ada"));
      return [revocation, counter, await s.tell("bea", s.base, { said: harmless(), knew: [counter] })];
    },
  ],
  [
    "a counter-revocation that the statement knew, before the revocation",
    "ok 1, revoked_author at 1",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const counter = await s.tell("bea", s.base, revoke("ada"));
      return [counter, await s.tell("bea", s.base, { said: harmless(), knew: [counter] }), revocation];
    },
  ],
  [
    "the same, settled by a third who names both",
    "ok 2",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const counter = await s.tell("bea", s.base, revoke("ada"));
      const signed = await s.tell("bea", s.base, { said: harmless(), knew: [counter] });
      const list = [revocation, counter, signed];
      return [...list, await s.tell("cyd", await s.after(...list), { said: resolve(signed), knew: [revocation] })];
    },
  ],
  [
    "a third's statement knew the counter-revocation first",
    "ok 1",
    async (s) => {
      const counter = await s.tell("bea", s.base, revoke("ada"));
      const signed = await s.tell("cyd", s.base, { said: harmless(), knew: [counter] });
      return [counter, signed, await s.tell("ada", s.base, revoke("bea"))];
    },
  ],
  [
    "the same, and the statement of the one whom it would name",
    "ok 2",
    async (s) => {
      const revocation = await s.tell("ada", s.base, revoke("bea"));
      const counter = await s.tell("bea", s.base, revoke("ada"));
      const signed = await s.tell("cyd", s.base, { said: harmless(), knew: [counter] });
      const list = [revocation, counter, signed];
      return [...list, await s.tell("bea", await s.after(...list), harmless())];
    },
  ],
];

interface Dropping {
  readonly knows?: boolean;
  readonly keep?: string;
  readonly what?: Said;
}

async function dropping(s: Scene, by: Admin, { knows = true, keep, what }: Dropping = {}) {
  const { revocation, signed } = await goingOn(s, what);
  const end = resolve(keep ?? s.base.head.hash, signed);
  return [revocation, signed, await s.tell(by, s.base, { said: end, knew: knows ? [revocation] : [] })];
}

async function keeping(s: Scene, by: Admin, { knows = true }: { readonly knows?: boolean } = {}) {
  const { revocation, signed, there } = await goingOn(s);
  return [revocation, signed, await s.tell(by, there, { said: resolve(signed), knew: knows ? [revocation] : [] })];
}

const settled: readonly (readonly [string, string, Course])[] = [
  [
    "two who revoked each other, both known to a third",
    "ok 2",
    async (s) => {
      const both = [await s.tell("ada", s.base, revoke("bea")), await s.tell("bea", s.base, revoke("ada"))];
      const third = await s.tell("cyd", s.base, { said: harmless(), knew: both });
      const list = [...both, third];
      return [...list, await s.tell("cyd", await s.after(...list), harmless())];
    },
  ],
  [
    "somebody goes on after a third knew their accuser revoked, and the accusation comes late",
    "ok 2",
    async (s) => {
      const late = await s.tell("ada", s.base, revoke("bea"));
      const counter = await s.tell("bea", s.base, revoke("ada"));
      const third = await s.tell("cyd", s.base, { said: harmless(), knew: [counter] });
      const more = await s.tell("bea", await s.after(counter, third), harmless());
      return [counter, third, more, late];
    },
  ],
  ["of two accusations the earlier place counts", "ok 2, revoked_author at 1", (s) => twoPlaces(s, "bea", "eve")],
  [
    "of two accusations the earlier place counts, the other way round",
    "ok 2, revoked_author at 1",
    (s) => twoPlaces(s, "eve", "bea"),
  ],
];

/** One goes on after another, both revoked before. One of the two ways round has the digests in the other order. */
async function twoPlaces(s: Scene, first: Admin, second: Admin): Promise<readonly SignedStatement[]> {
  const one = await s.tell(first, s.base, harmless());
  const two = await s.tell(second, await s.after(one), harmless());
  const earlier = await s.tell("ada", s.base, revoke(first));
  let later = await s.tell("ada", s.base, revoke(second));
  // The later place has the smaller digest, so that only the place can decide.
  for (let at = 1; hashOf(later) > hashOf(earlier); at++)
    later = await s.tell("ada", s.base, { said: revoke(second), knew: [], at: s.base.chain.at + at });
  return [later, earlier, one, two];
}

/** Everybody freezes for the same reason, whatever came first. */
const sameReason: RuleCase = {
  name: "accused: of two accusations of one place, the same one for everybody",
  expected: "the same",
  run: async (modules) => {
    const reasons = new Set<string | undefined>();
    for (const way of [0, 1])
      reasons.add(
        await courseReason(modules, async (s) => {
          const again = { said: revoke("bea"), knew: [], at: s.base.chain.at + 1 };
          const both = [await s.tell("ada", s.base, revoke("bea")), await s.tell("cyd", s.base, again)];
          return [...(way === 0 ? both : both.toReversed()), await s.tell("bea", s.base, HARMLESS)];
        }),
      );
    return reasons.size === 1 ? "the same" : "different ones";
  },
};
const HARMLESS = harmless();

export const accusedCases: readonly RuleCase[] = [
  ...[...accused, ...settled].map(([name, expected, course]): RuleCase => ({
    name: `accused: ${name}`,
    expected,
    run: (modules) => courseVerdict(modules, course),
  })),
  sameReason,
  bothKnown,
];
