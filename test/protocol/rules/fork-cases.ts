/** What a host makes of two histories: freezing, thawing, and who may say which one is right. */
import { hashOf, said, type Said } from "../../fixtures/team.ts";
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { harmless, revoke, type Admin } from "../trust/courses.ts";
import type { RuleCase } from "./cases.ts";
import { heldCourses } from "./held-cases.ts";
import { courseReason, courseVerdict, resolve, roles, two, type Course, type Scene } from "./fork-scenes.ts";

const forks: readonly (readonly [string, string, Course])[] = [
  ["two statements for one place", "ok 1, fork at 1", async (s) => pair(await two(s))],
  ["a statement that is held already", "ok 1", again],
  [
    "a second statement that is not even valid there",
    "place",
    async (s) => {
      const { mine } = await two(s);
      const { puppet } = await s.adding("ada", s.base);
      return [mine, await s.tell(puppet, s.base, harmless())];
    },
  ],
  [
    "a second statement for an older place",
    "ok 2, fork at 1",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      return [mine, await s.tell("ada", here, harmless()), theirs];
    },
  ],
  [
    "more of the first history",
    "ok 2, fork at 1",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      return [mine, theirs, await s.tell("ada", here, harmless())];
    },
  ],
  [
    "more of the second history",
    "ok 1, fork at 1",
    async (s) => {
      const { mine, theirs, there } = await two(s);
      return [mine, theirs, await s.tell("bea", there, harmless())];
    },
  ],
  [
    "more of the second history, twice",
    "ok 1, fork at 1",
    async (s) => {
      const { mine, theirs, there } = await two(s);
      const more = await s.tell("bea", there, harmless());
      return [mine, theirs, more, theirs, more];
    },
  ],
  [
    "more of the second history that is not valid there",
    "role, fork at 1",
    async (s) => {
      const theirs = await s.tell("bea", s.base, roles("eve", []));
      return [(await two(s)).mine, theirs, await s.tell("eve", await s.after(theirs), harmless())];
    },
  ],
  [
    "a second statement within the second history",
    "ok 1, fork at 1",
    async (s) => {
      const { mine, theirs, there } = await two(s);
      return [mine, theirs, await s.tell("bea", there, harmless()), await s.tell("cyd", there, harmless())];
    },
  ],
  [
    "a third statement for the place",
    "ok 1, fork at 1",
    async (s) => [...pair(await two(s)), await s.tell("cyd", s.base, harmless())],
  ],
  [
    "a statement of neither history",
    "place, fork at 1",
    async (s) => {
      const stray = await s.tell("cyd", s.base, harmless());
      return [...pair(await two(s)), await s.tell("cyd", await s.after(stray), harmless())];
    },
  ],
  [
    "a revocation of the second history",
    "ok 1, fork at 1",
    async (s) => {
      const { mine, theirs, there } = await two(s);
      return [mine, theirs, await s.tell("cyd", there, revoke("eve"))];
    },
  ],
  ["kept: the first", "ok 2", (s) => ending(s, { by: "cyd", on: "mine" })],
  ["kept: the second", "ok 2", (s) => ending(s, { by: "cyd", on: "theirs" })],
  [
    "kept: the first, and the second again",
    "ok 2",
    async (s) => {
      const list = await ending(s, { by: "cyd", on: "mine" });
      return [...list, ...list.slice(1, 2)];
    },
  ],
  [
    "kept: the second, and the first again",
    "ok 2",
    async (s) => {
      const list = await ending(s, { by: "cyd", on: "theirs" });
      return [...list, ...list.slice(0, 1)];
    },
  ],
  [
    "kept by a host that never saw the second, which then comes",
    "ok 2",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      return [mine, await s.tell("cyd", here, resolve(mine, theirs)), theirs];
    },
  ],
  [
    "dropped unseen by somebody whose power it took, and then it comes",
    "ok 1, fork at 1",
    async (s) => {
      const theirs = await s.tell("ada", s.base, roles("bea", []));
      return [await s.tell("bea", s.base, resolve(s.base.head.hash, theirs)), theirs];
    },
  ],
  [
    "dropped unseen by somebody whose power it takes later",
    "ok 1, fork at 1",
    async (s) => {
      const theirs = await s.tell("cyd", s.base, harmless());
      const later = await s.tell("ada", await s.after(theirs), roles("bea", []));
      return [await s.tell("bea", s.base, resolve(s.base.head.hash, theirs)), theirs, later];
    },
  ],
  [
    "dropped unseen by somebody whom it revoked",
    "ok 1, fork at 1",
    async (s) => {
      const theirs = await s.tell("cyd", s.base, harmless());
      const revocation = await s.tell("ada", await s.after(theirs), revoke("bea"));
      return [await s.tell("bea", s.base, resolve(s.base.head.hash, theirs)), theirs, revocation];
    },
  ],
  [
    "dropped by somebody whom it had revoked, which is heard afterwards",
    "ok 2, fork at 1",
    async (s) => {
      const { mine, theirs, here, there } = await two(s);
      const revocation = await s.tell("ada", there, revoke("cyd"));
      return [mine, theirs, await s.tell("cyd", here, resolve(mine, theirs)), revocation];
    },
  ],
  [
    "dropped unseen where a rule that it sets asks for more people",
    "ok 1, fork at 1",
    async (s) => {
      const rule = said("policy.set", { id: "two", operations: ["all"], hosts: ["all"], people: 2 });
      const theirs = await s.tell("ada", s.base, rule);
      return [await s.tell("bea", s.base, resolve(s.base.head.hash, theirs)), theirs];
    },
  ],
  [
    "dropped by somebody who is revoked on the history that they kept, later",
    "ok 2",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      const resolution = await s.tell("cyd", here, resolve(mine, theirs));
      const after = await s.after(mine, resolution);
      return [mine, theirs, resolution, await s.tell("ada", after, revoke("cyd"))];
    },
  ],
  [
    "more of a dropped history, twice",
    "ok 2",
    async (s) => {
      const { mine, theirs, here, there } = await two(s);
      const more = await s.tell("bea", there, harmless());
      return [mine, theirs, await s.tell("cyd", here, resolve(mine, theirs)), more, more];
    },
  ],
  [
    "more of a dropped history that is not valid there",
    "place",
    async (s) => {
      const { mine, theirs, here, there } = await two(s);
      const { puppet } = await s.adding("ada", s.base);
      const invalid = await s.tell(puppet, there, harmless());
      return [mine, theirs, await s.tell("cyd", here, resolve(mine, theirs)), invalid];
    },
  ],
  [
    "dropped unseen by a passkey that it revokes",
    "ok 1, fork at 1",
    (s) => unseen(s, said("credential.revoke", { credential: passkeyOf(s, "bea") })),
  ],
  [
    "dropped unseen at an address that it revokes",
    "ok 1, fork at 1",
    (s) => unseen(s, said("origin.revoke", { origin: s.base.origins[0]?.origin ?? "" })),
  ],
  ["dropped unseen, and it revokes somebody else", "ok 1", (s) => unseen(s, revoke("eve"))],
  [
    "dropped unseen by somebody whom a revocation names that stands before both",
    "ok 1, fork at 1",
    async (s) => [...(await unseen(s, harmless())).slice(0, 2), await s.tell("ada", s.base, revoke("bea"))],
  ],
  [
    "two statements for one place of a dropped history",
    "ok 2",
    async (s) => {
      const { mine, theirs, here, there } = await two(s);
      const [more, another] = [await s.tell("bea", there, harmless()), await s.tell("cyd", there, harmless())];
      return [mine, theirs, await s.tell("cyd", here, resolve(mine, theirs)), more, another, more];
    },
  ],
  [
    "dropped unseen, and what speaks against it stands beside a statement of those who dropped it",
    "ok 1, fork at 1",
    async (s) => {
      const theirs = await s.tell("cyd", s.base, harmless());
      const there = await s.after(theirs);
      const [hiding, more] = [await s.tell("bea", there, harmless()), await s.tell("cyd", there, harmless())];
      const revocation = await s.tell("ada", await s.after(theirs, more), revoke("bea"));
      return [await s.tell("bea", s.base, resolve(s.base.head.hash, theirs)), theirs, hiding, more, revocation];
    },
  ],
  [
    "a resolution within a dropped history, which is then kept",
    "ok 4",
    async (s) => {
      const theirs = await s.tell("cyd", s.base, harmless());
      const there = await s.after(theirs);
      const beside = await s.tell("eve", there, harmless());
      const within = await s.tell("bea", there, resolve(theirs, beside));
      const dropping = await s.tell("bea", s.base, resolve(s.base.head.hash, theirs));
      const taking = await s.tell("ada", await s.after(theirs, within), roles("bea", []));
      const keeping = await s.tell("cyd", await s.after(theirs, within, taking), resolve(theirs, dropping));
      return [dropping, theirs, within, taking, keeping, beside];
    },
  ],
  [
    "of two dropped histories the earlier place counts",
    "ok 2, fork at 1",
    async (s) => {
      const first = await s.tell("cyd", s.base, harmless());
      const drop = await s.tell("bea", s.base, resolve(s.base.head.hash, first));
      const here = await s.after(drop);
      let second = await s.tell("cyd", here, harmless());
      // The later place has the smaller digest, so that only the place can decide.
      while (hashOf(second) > hashOf(first)) second = await s.tell("cyd", here, harmless());
      const dropToo = await s.tell("bea", here, resolve(drop, second));
      return [drop, dropToo, first, second, await s.tell("ada", await s.after(first), revoke("bea"))];
    },
  ],
  [
    "ours, with what it had dropped, left for the second",
    "ok 2",
    async (s) => {
      const { mine, theirs, here, there } = await two(s);
      const stray = await s.tell("eve", here, harmless());
      const drop = await s.tell("cyd", here, resolve(mine, stray));
      return [mine, drop, stray, theirs, await s.tell("ada", there, resolve(theirs, mine)), stray];
    },
  ],
  [
    "frozen by a dropped history, and resolved by others",
    "ok 2",
    async (s) => {
      const theirs = await s.tell("ada", s.base, roles("bea", []));
      const dropping = await s.tell("bea", s.base, resolve(s.base.head.hash, theirs));
      return [dropping, theirs, await s.tell("cyd", await s.after(dropping), resolve(dropping, theirs))];
    },
  ],
  [
    "kept early, with nothing dropped: the second history then comes, and more of the first",
    "ok 3, fork at 1",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      const early = await s.tell("cyd", here, resolve(mine));
      return [mine, early, theirs, await s.tell("cyd", await s.after(mine, early), harmless())];
    },
  ],
  ["kept: the first, another dropped", "ok 2, fork at 1", (s) => ending(s, { by: "cyd", on: "mine", drop: "another" })],
  [
    "kept: something else on the first",
    "ok 2, fork at 1",
    (s) => ending(s, { by: "cyd", on: "mine", keep: "another" }),
  ],
  [
    "kept: the second, another dropped",
    "ok 1, fork at 1",
    (s) => ending(s, { by: "cyd", on: "theirs", drop: "another" }),
  ],
  [
    "kept: something else on the second",
    "ok 1, fork at 1",
    (s) => ending(s, { by: "cyd", on: "theirs", keep: "another" }),
  ],
  [
    "a third statement that would drop the first and keep what was before both",
    "ok 1, fork at 1",
    async (s) => {
      const { mine, theirs } = await two(s);
      return [mine, theirs, await s.tell("cyd", s.base, resolve(s.base.head.hash, mine))];
    },
  ],
  ["kept: the first, by somebody whom it added", "ok 2, fork at 1", (s) => acquitted(s, "mine")],
  ["kept: the second, by somebody whom it added", "ok 1, fork at 1", (s) => acquitted(s, "theirs")],
  ["kept: the first, by somebody whom the second took the power", "ok 2, fork at 1", (s) => rewound(s, "mine")],
  ["kept: the second, by somebody whom the first took the power", "ok 1, fork at 1", (s) => rewound(s, "theirs")],
  [
    "kept: the first, by somebody revoked who does not know it",
    "ok 2, fork at 1",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      const revocation = await s.tell("ada", here, revoke("cyd"));
      return [mine, theirs, revocation, await s.tell("cyd", here, resolve(mine, theirs))];
    },
  ],
];

/** Bea drops a history that her host has not heard; then it comes, and what Ada says in it. */
async function unseen(s: Scene, saying: Said): Promise<readonly SignedStatement[]> {
  const theirs = await s.tell("cyd", s.base, harmless());
  const drop = await s.tell("bea", s.base, resolve(s.base.head.hash, theirs));
  return [drop, theirs, await s.tell("ada", await s.after(theirs), saying)];
}

function passkeyOf({ base }: Scene, person: Admin): string {
  return [...base.credentials.values()].find((one) => one.person === `p-${person}`)?.credentialId ?? "";
}

async function again(s: Scene): Promise<readonly SignedStatement[]> {
  const { mine } = await two(s);
  return [mine, mine];
}

function pair({ mine, theirs }: { readonly mine: SignedStatement; readonly theirs: SignedStatement }) {
  return [mine, theirs];
}

interface Ending {
  readonly by: Admin;
  readonly on: "mine" | "theirs";
  readonly keep?: "another";
  readonly drop?: "another";
}

async function ending(s: Scene, { by, on, keep, drop }: Ending): Promise<readonly SignedStatement[]> {
  const { mine, theirs, here, there } = await two(s);
  const [kept, dropped, state] = on === "mine" ? [mine, theirs, here] : [theirs, mine, there];
  const another = await s.tell("cyd", s.base, harmless());
  const what = resolve(keep === undefined ? kept : another, drop === undefined ? dropped : another);
  return [mine, theirs, await s.tell(by, state, what)];
}

/** One history adds somebody, who then says that it is the right one. */
async function acquitted(s: Scene, which: "mine" | "theirs"): Promise<readonly SignedStatement[]> {
  const { signed, puppet } = await s.adding("bea", s.base);
  const honest = await s.tell("ada", s.base, harmless());
  const [mine, theirs] = which === "mine" ? [signed, honest] : [honest, signed];
  return [mine, theirs, await s.tell(puppet, await s.after(signed), resolve(signed, honest))];
}

/** One history takes somebody's power, who prefers the other one. */
async function rewound(s: Scene, which: "mine" | "theirs"): Promise<readonly SignedStatement[]> {
  const honest = await s.tell("ada", s.base, roles("eve", []));
  const old = await s.tell("eve", s.base, harmless());
  const [mine, theirs] = which === "mine" ? [old, honest] : [honest, old];
  return [mine, theirs, await s.tell("eve", await s.after(old), resolve(old, honest))];
}

/** Everybody freezes for the same reason, whatever came first. */
const sameReason: RuleCase = {
  name: "fork: of two dropped histories of one place, the same one for everybody",
  expected: "the same",
  run: async (modules) => {
    const reasons = new Set<string | undefined>();
    for (const way of [0, 1])
      reasons.add(
        await courseReason(modules, async (s) => {
          const both = [await s.tell("cyd", s.base, NEWCOMERS[0]), await s.tell("cyd", s.base, NEWCOMERS[1])] as const;
          const drop = await s.tell("bea", s.base, resolve(s.base.head.hash, both[0]));
          const dropToo = await s.tell("bea", await s.after(drop), resolve(s.base.head.hash, both[1]));
          const revocation = await s.tell("ada", await s.after(both[0]), revoke("bea"));
          return [drop, dropToo, ...(way === 0 ? both : both.toReversed()), revocation];
        }),
      );
    return reasons.size === 1 && !reasons.has(undefined) ? "the same" : "different ones";
  },
};
const NEWCOMERS = [harmless(), harmless()] as const;

export const forkCases: readonly RuleCase[] = [
  ...[...forks, ...heldCourses].map(([name, expected, course]): RuleCase => ({
    name: `fork: ${name}`,
    expected,
    run: (modules) => courseVerdict(modules, course),
  })),
  sameReason,
];
