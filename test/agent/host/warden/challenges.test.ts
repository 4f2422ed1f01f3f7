import { beforeEach, describe, expect, it } from "vitest";
import { ChallengeTable } from "../../../../agent/host/warden/challenges.ts";
import {
  CHALLENGE_SECONDS,
  CLOCK_JUMP_SECONDS,
  MAX_CHALLENGES_PER_ACTOR,
  MAX_CHALLENGES_PER_HOST,
} from "../../../../protocol/limits.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { FakeClock } from "./fakes.ts";

let clock: FakeClock;
let table: ChallengeTable;
let made = 0;
const draft = (person: string) => ({
  actor: nonceOf(person),
  operation: "gateway.restart@1",
  holder: `person:${person}`,
  prepare: nonceOf(`prepare ${String((made += 1))}`),
});

beforeEach(() => {
  clock = new FakeClock();
  table = new ChallengeTable({ clock, nonce: () => nonceOf(`challenge ${String((made += 1))}`) });
});

describe("limits", () => {
  it(`gives one person ${String(MAX_CHALLENGES_PER_ACTOR)} and refuses the next`, () => {
    for (let i = 0; i < MAX_CHALLENGES_PER_ACTOR; i += 1) expect(table.mint(draft("p-ada"))).toBeDefined();
    expect(table.mint(draft("p-ada"))).toBeUndefined();
    expect(table.mint(draft("p-bob"))).toBeDefined();
  });

  it(`holds ${String(MAX_CHALLENGES_PER_HOST)} and never evicts for a newcomer`, () => {
    const all = Array.from({ length: MAX_CHALLENGES_PER_HOST }, (_, i) =>
      table.mint(draft(`p-${String(Math.floor(i / MAX_CHALLENGES_PER_ACTOR))}`)),
    );
    expect(table.mint(draft("p-new"))).toBeUndefined();
    for (const challenge of all) expect(table.find(challenge ?? "")).toBeDefined();
  });

  it("has room again when one is spent or has expired", () => {
    const first = table.mint(draft("p-ada")) ?? "";
    for (let i = 1; i < MAX_CHALLENGES_PER_ACTOR; i += 1) table.mint(draft("p-ada"));
    expect(table.consume(first)).toBe(true);
    expect(table.mint(draft("p-ada"))).toBeDefined();
    clock.advance(CHALLENGE_SECONDS + 1);
    for (let i = 0; i < MAX_CHALLENGES_PER_ACTOR; i += 1) expect(table.mint(draft("p-ada"))).toBeDefined();
  });
});

describe("life", () => {
  it("is spent once", () => {
    const challenge = table.mint(draft("p-ada")) ?? "";
    expect(table.find(challenge)).toEqual({ actor: nonceOf("p-ada"), operation: "gateway.restart@1" });
    expect(table.consume(challenge)).toBe(true);
    expect(table.consume(challenge)).toBe(false);
    expect(table.find(challenge)).toBeUndefined();
  });

  it("lasts five minutes of the monotonic clock and no longer", () => {
    const challenge = table.mint(draft("p-ada")) ?? "";
    clock.advance(CHALLENGE_SECONDS);
    expect(table.find(challenge)).toBeDefined();
    clock.advance(1);
    expect(table.find(challenge)).toBeUndefined();
    expect(table.consume(challenge)).toBe(false);
  });

  it.each([1, -1])("dies when the wall clock jumps (%i)", (direction) => {
    const challenge = table.mint(draft("p-ada")) ?? "";
    clock.wallMilliseconds += direction * CLOCK_JUMP_SECONDS * 1_000;
    expect(table.find(challenge)).toBeDefined();
    clock.wallMilliseconds += direction;
    expect(table.find(challenge)).toBeUndefined();
  });

  it("dies with all others: a jump befell every one of them", () => {
    const early = table.mint(draft("p-ada")) ?? "";
    clock.wallMilliseconds += 4_000;
    const late = table.mint(draft("p-bob")) ?? "";
    clock.wallMilliseconds += 2_000;
    expect(table.find(late)).toBeUndefined();
    expect(table.find(early)).toBeUndefined();
  });

  it("survives a small step of the clock, and time that passes", () => {
    const challenge = table.mint(draft("p-ada")) ?? "";
    clock.wallMilliseconds += 1_000;
    clock.advance(120);
    expect(table.consume(challenge)).toBe(true);
  });
});
