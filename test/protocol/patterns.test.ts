import { describe, expect, it } from "vitest";
import {
  BURST_COMMANDS,
  BURST_SECONDS,
  explainPattern,
  FAMILIAR_HOURS_SIGN_INS,
  FAMILIAR_SIGN_INS,
  HOUR_TOLERANCE,
  MAX_ACTORS,
  NO_PAST,
  observe,
  patternRules,
  REFUSALS_BEFORE,
  REFUSALS_SECONDS,
  type Pattern,
  type PatternEvent,
  type PatternRule,
  type PatternState,
} from "../../protocol/patterns.ts";

const DAY = 86_400;
/** Nine in the morning, UTC. */
const MORNING = 20_000 * DAY + 9 * 3_600;
const ada = { kind: "person", id: "p-ada" } as const;
const otto = { kind: "person", id: "p-otto" } as const;
const nobody = { kind: "unknown" } as const;

type Draft = Omit<PatternEvent, "index">;

function fold(drafts: readonly Draft[]): { readonly found: readonly Pattern[]; readonly state: PatternState } {
  let state = NO_PAST;
  const found: Pattern[] = [];
  for (const [place, draft] of drafts.entries()) {
    const next = observe(state, { ...draft, index: place + 1 });
    found.push(...next.found);
    ({ state } = next);
  }
  return { found, state };
}

const rulesOf = (drafts: readonly Draft[]): readonly PatternRule[] => fold(drafts).found.map(({ rule }) => rule);

const signIn = (day: number, more: Partial<Draft> = {}): Draft => ({
  at: MORNING + day * DAY,
  action: "session.started",
  actor: ada,
  country: "DE",
  device: "Firefox on Linux",
  source: "203.0.113.24",
  ...more,
});
const signIns = (count: number): readonly Draft[] => Array.from({ length: count }, (_, day) => signIn(day));
const command = (seconds: number, more: Partial<Draft> = {}): Draft => ({
  at: MORNING + seconds,
  action: "command.accepted",
  actor: ada,
  intent: `intent ${String(seconds)}`,
  ...more,
});
const commands = (count: number, apart: number): readonly Draft[] =>
  Array.from({ length: count }, (_, place) => command(place * apart));
const refused = (seconds: number, more: Partial<Draft> = {}): Draft => ({
  at: MORNING + seconds,
  action: "command.refused",
  actor: ada,
  ...more,
});

/** For each rule one history that triggers it and its quiet twins: the same, but for one thing. */
const fixtures: Record<
  PatternRule,
  { readonly loud: readonly Draft[]; readonly quiet: readonly (readonly Draft[])[] }
> = {
  "new-country": {
    loud: [...signIns(FAMILIAR_SIGN_INS), signIn(9, { country: "KP" })],
    quiet: [
      [...signIns(FAMILIAR_SIGN_INS), signIn(9)],
      [...signIns(FAMILIAR_SIGN_INS - 1), signIn(9, { country: "KP" })],
      [...signIns(FAMILIAR_SIGN_INS), { at: MORNING, action: "session.started", actor: ada }],
      // Another person's first days say nothing.
      [...signIns(FAMILIAR_SIGN_INS), signIn(9, { country: "KP", actor: otto })],
      // The log told no countries before.
      [...signIns(3).map(({ country: _country, ...rest }) => rest), signIn(9, { country: "KP" })],
    ],
  },
  "new-device": {
    loud: [...signIns(FAMILIAR_SIGN_INS), signIn(9, { device: "Safari on iOS" })],
    quiet: [
      [...signIns(FAMILIAR_SIGN_INS), signIn(9)],
      [...signIns(FAMILIAR_SIGN_INS - 1), signIn(9, { device: "Safari on iOS" })],
    ],
  },
  "odd-hour": {
    loud: [...signIns(FAMILIAR_HOURS_SIGN_INS), signIn(30, { at: MORNING + 30 * DAY - 6 * 3_600 })],
    quiet: [
      [...signIns(FAMILIAR_HOURS_SIGN_INS), signIn(30, { at: MORNING + 30 * DAY - HOUR_TOLERANCE * 3_600 })],
      [...signIns(FAMILIAR_HOURS_SIGN_INS - 1), signIn(30, { at: MORNING + 30 * DAY - 6 * 3_600 })],
    ],
  },
  burst: {
    loud: commands(BURST_COMMANDS, 1),
    quiet: [
      commands(BURST_COMMANDS - 1, 1),
      commands(BURST_COMMANDS + 3, BURST_SECONDS / (BURST_COMMANDS - 1) + 1),
      // One order to a fleet has one intent, and an entry for each host.
      commands(64, 0).map((one) => ({ ...one, intent: "one order" })),
      commands(64, 0.1).map((one) => ({ ...one, actor: { kind: "automation", id: "k-ci" } as const })),
    ],
  },
  "refused-then-accepted": {
    loud: [...Array.from({ length: REFUSALS_BEFORE }, (_, place) => refused(place)), command(60)],
    quiet: [
      [...Array.from({ length: REFUSALS_BEFORE - 1 }, (_, place) => refused(place)), command(60)],
      [
        ...Array.from({ length: REFUSALS_BEFORE }, (_, place) => refused(place)),
        command(REFUSALS_SECONDS + REFUSALS_BEFORE),
      ],
      [...Array.from({ length: REFUSALS_BEFORE }, (_, place) => refused(place, { actor: otto })), command(60)],
      Array.from({ length: 9 }, (_, place) => refused(place)),
    ],
  },
};

describe.each(patternRules)("%s", (rule) => {
  it("is said once, at the entry, with a sentence", () => {
    const { found } = fold(fixtures[rule].loud);
    expect(found.map((one) => one.rule)).toEqual([rule]);
    expect(found[0]?.index).toBe(fixtures[rule].loud.length);
    expect(found.map(explainPattern).join("")).toMatch(/^[A-Z0-9].*\.$/);
  });

  it.each(fixtures[rule].quiet.map((quiet, place) => [place, quiet] as const))("is quiet, case %d", (_, quiet) => {
    expect(rulesOf(quiet)).toEqual([]);
  });
});

describe("refused sign-ins", () => {
  const guess = (seconds: number): Draft => ({
    at: MORNING + seconds,
    action: "session.refused",
    actor: nobody,
    source: "198.51.100.7",
  });

  it("are counted by address, because nobody proved who they are", () => {
    const guesses = [guess(0), guess(5), guess(9)];
    expect(rulesOf([...guesses, signIn(0, { at: MORNING + 20, source: "198.51.100.7" })])).toEqual([
      "refused-then-accepted",
    ]);
    expect(rulesOf([...guesses, signIn(0, { at: MORNING + 20 })])).toEqual([]);
  });
});

describe("refused approvals", () => {
  it("stand before the same person's command like its own refusals", () => {
    const refused = (actor: Draft["actor"]): readonly Draft[] =>
      [0, 5, 9].map((seconds) => ({ at: MORNING + seconds, action: "approval.refused", actor }));
    const [command] = commands(1, 1).map((one) => ({ ...one, at: MORNING + 20 }));
    if (command === undefined) throw new TypeError("no command");
    expect(rulesOf([...refused(command.actor), command])).toEqual(["refused-then-accepted"]);
    expect(rulesOf([...refused(nobody), command])).toEqual([]);
    expect(rulesOf([...refused({ kind: "person", id: "p-other" }), command])).toEqual([]);
  });
});

describe("a burst", () => {
  it("is marked once while it lasts, and again when another begins", () => {
    const again = commands(BURST_COMMANDS, 1).map((one) => ({
      ...one,
      at: one.at + 3_600,
      intent: `later ${one.intent ?? ""}`,
    }));
    expect(rulesOf(commands(BURST_COMMANDS * 3, 1))).toEqual(["burst"]);
    expect(rulesOf([...commands(BURST_COMMANDS, 1), ...again])).toEqual(["burst", "burst"]);
  });
});

describe("the state", () => {
  it("is left alone by the next entry: the same history can be continued twice", () => {
    const { state } = fold(signIns(FAMILIAR_SIGN_INS));
    const next = { ...signIn(9, { country: "KP" }), index: 9 };
    expect(observe(state, next)).toEqual(observe(state, next));
  });

  it("does not grow with made-up actors", () => {
    const many = Array.from({ length: MAX_ACTORS + 10 }, (_, place) =>
      refused(0, { actor: { kind: "person", id: `p-${String(place)}` } }),
    );
    expect(fold(many).state.refusals.size).toBe(MAX_ACTORS);
  });

  it("is not touched by actions that no rule looks at", () => {
    expect(observe(NO_PAST, { index: 1, at: MORNING, action: "host.connected", actor: nobody }).state).toBe(NO_PAST);
  });
});
