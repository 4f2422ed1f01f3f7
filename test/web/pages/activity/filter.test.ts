import { describe, expect, it } from "vitest";
import { ledgerActions } from "../../../../protocol/ledger.ts";
import { wantedBy, wasRefused, type Known } from "../../../../web/pages/activity/filter.ts";
import type { ActivityFilter, ActivityRoute } from "../../../../web/router.ts";
import type { LogQuery, PatternsView } from "../../../../web/state/ledger.ts";
import { entries } from "../../fixtures/ledger.ts";

const parties = [
  { kind: "person", id: "p-7f3a91c0", name: "owner" },
  { kind: "host", id: "h-vps-1", name: "vps-1" },
  { kind: "host", id: "h-vps-10", name: "vps-10" },
  { kind: "automation", id: "k-ci", name: "ci" },
] as const;
const known: Known = { parties, unusual: () => undefined };

function route(more: Partial<ActivityRoute> = {}): ActivityRoute {
  return { page: "activity", show: "all", text: "", ...more };
}

function queryOf(more: Partial<ActivityRoute>, about: Known = known): LogQuery {
  const wanted = wantedBy(route(more), about);
  if (wanted.kind !== "found") throw new TypeError("the whole log");
  return wanted.query;
}

/** Indices of the fixture log that a query keeps, as the edge and this page would find them together. */
function foundBy({ actions, keeps = () => true }: LogQuery): readonly string[] {
  return entries
    .filter((entry) => actions?.includes(entry.action) !== false && keeps(entry))
    .map(({ action }) => action);
}

describe("what the activity page asks for", () => {
  it("is the whole log, unless something narrows it", () => {
    expect(wantedBy(route(), known)).toEqual({ kind: "whole" });
    expect(wantedBy(route({ entry: 5 }), known)).toEqual({ kind: "whole" }); // an open proof narrows nothing
    expect(wantedBy(route({ text: " #17 " }), known)).toEqual({ kind: "whole", entry: 17 });
    expect(wantedBy(route({ text: "17" }), known)).toEqual({ kind: "whole", entry: 17 });
  });

  it("is asked of the edge by time, actor, action and host", () => {
    const narrowing = { since: 5, until: 9, actor: "p-7f3a91c0", host: "h-vps-1" };
    expect(queryOf({ ...narrowing, action: "command.receipt" })).toEqual({
      ...narrowing,
      actions: ["command.receipt"],
    });
  });

  it("is nothing that the log has no name for", () => {
    expect(wantedBy(route({ action: "constructor" }), known)).toEqual({ kind: "whole" });
    expect(queryOf({ show: "trust", action: "command.receipt" }).actions).toEqual([]);
  });

  it.each<readonly [ActivityFilter, number]>([
    ["commands", 6],
    ["sign-ins", 3],
    ["trust", 5],
  ])("for %s is a few actions", (show, count) => {
    const found = foundBy(queryOf({ show }));
    expect(found).toHaveLength(count);
  });

  it("for refused is what the edge, a host or a sign-in refused", () => {
    expect(foundBy(queryOf({ show: "refused" }))).toEqual(["command.receipt", "command.refused", "session.refused"]);
    expect(entries.filter(wasRefused)).toHaveLength(3);
  });

  it("for unusual is what stands out, since rules were applied", () => {
    const view: PatternsView = { indices: [11], since: 1_000 };
    const query = queryOf({ show: "unusual", since: 5 }, { ...known, unusual: () => view });
    expect(query).toMatchObject({ since: 1_000 });
    expect(entries.filter((entry) => query.keeps?.(entry)).map(({ index }) => index)).toEqual([11]);
  });

  it("knows every action of every tab", () => {
    const tabs = (["commands", "sign-ins", "trust", "refused", "signatures"] as const).flatMap(
      (show) => queryOf({ show }).actions ?? [],
    );
    expect(tabs.every((action) => ledgerActions.includes(action))).toBe(true);
  });
});

describe("a text", () => {
  it("that names one person, host or key is asked of the edge", () => {
    expect(queryOf({ text: "Owner" })).toEqual({ actor: "p-7f3a91c0" });
    expect(queryOf({ text: "vps-10" })).toEqual({ host: "h-vps-10" });
    expect(queryOf({ text: "ci" })).toEqual({ actor: "k-ci" });
  });

  it("that names several, or none, is looked for in each entry", () => {
    const query = queryOf({ text: "VPS-1" });
    expect(query.host).toBeUndefined();
    expect(foundBy(query).length).toBeGreaterThan(2);
    expect(foundBy(queryOf({ text: "198.51.100.7" }))).toEqual(["session.refused"]);
    expect(foundBy(queryOf({ text: "nobody" }))).toEqual([]);
  });

  it("narrows a tab further", () => {
    expect(foundBy(queryOf({ show: "refused", text: "vps-7" }))).toEqual(["command.receipt"]);
  });
});
