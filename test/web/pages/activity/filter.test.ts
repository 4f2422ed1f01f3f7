import { describe, expect, it } from "vitest";
import { filterEntries, groupByDay, wasRefused } from "../../../../web/pages/activity/filter.ts";
import { entries } from "../../fixtures/ledger.ts";

const indices = (found: readonly { readonly index: number }[]) => found.map(({ index }) => index);

describe("what the activity page shows", () => {
  it("keeps the order and everything, unless asked", () => {
    expect(filterEntries(entries, { show: "all", text: "" })).toEqual(entries);
  });

  it("knows commands, sign-ins and changes of trust", () => {
    expect(
      filterEntries(entries, { show: "commands", text: "" }).every(({ action }) => action.startsWith("command.")),
    ).toBe(true);
    expect(filterEntries(entries, { show: "sign-ins", text: "" })).toHaveLength(3);
    expect(indices(filterEntries(entries, { show: "trust", text: "" }))).toContain(1);
  });

  it("calls refused what the edge, a host or a sign-in refused", () => {
    const refused = filterEntries(entries, { show: "refused", text: "" });
    expect(refused.every(wasRefused)).toBe(true);
    expect(refused.map(({ action }) => action)).toEqual(["command.receipt", "command.refused", "session.refused"]);
  });

  it("finds by person, host, source and entry number", () => {
    expect(indices(filterEntries(entries, { show: "all", text: "#17" }))).toEqual([17]);
    expect(filterEntries(entries, { show: "all", text: "198.51.100.7" })).toHaveLength(1);
    expect(filterEntries(entries, { show: "commands", text: "VPS-7" })).toHaveLength(1);
    expect(filterEntries(entries, { show: "all", text: "nobody" })).toEqual([]);
  });

  it("groups by day without losing or moving an entry", () => {
    const days = groupByDay(entries, { timeZone: "UTC" });
    expect(days).toHaveLength(2);
    expect(days.flatMap((day) => day.entries)).toEqual(entries);
  });
});
