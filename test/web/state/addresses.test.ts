import { describe, expect, it } from "vitest";
import { unusedDays, UNUSED_DAYS } from "../../../web/state/addresses.ts";
import type { AppliedStatement } from "../../../web/state/people.ts";

const DAY = 86_400;
const now = 1_800_000_000;
const ago = (days: number): number => now - days * DAY;
const signer = "http://clawhold.localhost:4470";
const daily = "https://hold.example.net";

const added = (origin: string, at: number): AppliedStatement =>
  ({ hash: "h", statement: { kind: "origin.add", body: { origin }, at } }) as AppliedStatement;

const view = (applied: readonly AppliedStatement[] = []) => ({
  state: {
    origins: [
      { origin: signer, rpId: "clawhold.localhost", class: "signer" as const },
      { origin: daily, rpId: "hold.example.net", class: "daily" as const },
    ],
  },
  applied,
  rootAt: ago(200),
});

describe("an address that nobody uses", () => {
  it("is named from its thirtieth day without a sign-in on, and not before", () => {
    const used = [
      { origin: signer, at: ago(UNUSED_DAYS) },
      { origin: daily, at: ago(UNUSED_DAYS) + 1 },
    ];
    expect([...unusedDays(view(), { since: ago(100), used }, now)]).toEqual([[signer, UNUSED_DAYS]]);
  });

  it("that was never used is counted from its listing, or from when the edge began to look", () => {
    const used = [{ origin: signer, at: ago(1) }];
    expect([...unusedDays(view([added(daily, ago(40))]), { since: ago(100), used }, now)]).toEqual([[daily, 40]]);
    expect([...unusedDays(view([added(daily, ago(40))]), { since: ago(35), used }, now)]).toEqual([[daily, 35]]);
    expect([...unusedDays(view([added(daily, ago(40))]), { since: ago(29), used }, now)]).toEqual([]);
    expect([...unusedDays(view(), { since: ago(300), used }, now)]).toEqual([[daily, 200]]);
  });
});
