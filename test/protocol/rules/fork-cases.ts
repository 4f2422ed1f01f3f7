/** What a host makes of two histories: freezing, thawing, and who may say which one is right. */
import type { SignedStatement } from "../../../protocol/trust/statements.ts";
import { harmless, revoke, type Admin } from "../trust/courses.ts";
import type { RuleCase } from "./cases.ts";
import { courseVerdict, resolve, roles, two, type Course, type Scene } from "./fork-scenes.ts";

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
    "frozen, fork at 1",
    async (s) => {
      const { mine, theirs, there } = await two(s);
      return [mine, theirs, await s.tell("bea", there, harmless()), await s.tell("cyd", there, harmless())];
    },
  ],
  [
    "a third statement for the place",
    "frozen, fork at 1",
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
    "place",
    async (s) => {
      const list = await ending(s, { by: "cyd", on: "mine" });
      return [...list, ...list.slice(1, 2)];
    },
  ],
  [
    "kept: the second, and the first again",
    "place",
    async (s) => {
      const list = await ending(s, { by: "cyd", on: "theirs" });
      return [...list, ...list.slice(0, 1)];
    },
  ],
  [
    "kept by a host that never saw the second, which then comes",
    "place",
    async (s) => {
      const { mine, theirs, here } = await two(s);
      return [mine, await s.tell("cyd", here, resolve(mine, theirs)), theirs];
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
    "frozen, fork at 1",
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

export const forkCases: readonly RuleCase[] = forks.map(([name, expected, course]) => ({
  name: `fork: ${name}`,
  expected,
  run: (modules) => courseVerdict(modules, course),
}));
