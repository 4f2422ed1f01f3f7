import { describe, expect, it } from "vitest";
import { fleetSorts, formatRoute, parseRoute, type FleetRoute } from "../../../web/router.ts";
import { alertCounts, choicesOf, filterHosts, sortHosts } from "../../../web/state/host-order.ts";
import { fleet, NOW, waiting } from "../fixtures/hosts.ts";

const labels = (hosts: readonly { readonly label: string }[]): readonly string[] => hosts.map(({ label }) => label);
const alerts = alertCounts([
  { host: "h-vps-7", state: "open" },
  { host: "h-vps-7", state: "acknowledged" },
  { host: "h-vps-2", state: "open" },
  { host: "h-vps-1", state: "resolved" },
  { state: "open" },
]);

describe("the fleet's order", () => {
  it("is one of every column, and turned round the other way", () => {
    for (const sort of fleetSorts) {
      const forth = sortHosts(fleet, { sort, alerts }, NOW);
      const back = sortHosts(fleet, { sort, reversed: true, alerts }, NOW);
      expect(forth.length).toBe(fleet.length);
      expect(new Set(labels(back))).toEqual(new Set(labels(forth)));
      expect(labels(back), sort).not.toEqual(labels(forth));
    }
  });

  it("begins with the oldest version, the most tokens, the most alerts", () => {
    const first = (sort: FleetRoute["sort"]) => sortHosts(fleet, { sort, alerts }, NOW)[0]?.label;
    expect(first("version")).toBe("vps-10");
    expect(first("tokens")).toBe("vps-5");
    expect(first("alerts")).toBe("vps-7");
    expect(sortHosts(fleet, { sort: "version" }, NOW).at(-1)?.label).toBe("vps-8"); // says none
  });
});

describe("the fleet's filters", () => {
  const find = (query: Partial<FleetRoute>) =>
    labels(filterHosts([...fleet, waiting], { show: "all", text: "", ...query, alerts }, NOW));

  it("choose by alert, state and version", () => {
    expect(find({ show: "alerts" })).toEqual(["vps-2", "vps-7"]);
    expect(find({ state: "degraded" })).toEqual(["vps-5"]);
    expect(find({ version: "2026.6.33" })).toEqual(["vps-7"]);
    expect(find({ version: "2026.6.33", state: "degraded" })).toEqual([]);
  });

  it("offer what there is, with how many have it", () => {
    const { states, versions } = choicesOf(fleet, NOW);
    expect(states).toContainEqual(["Degraded", 1]);
    expect(states.reduce((sum, [, hosts]) => sum + hosts, 0)).toBe(fleet.length);
    expect(versions.map(([version]) => version)).toEqual(["2026.9.6", "2026.6.33", "2026.1.24"]);
  });

  it("are in the address, and what does not belong there is not read", () => {
    const route: FleetRoute = {
      page: "fleet",
      show: "alerts",
      sort: "tokens",
      text: "vps",
      reversed: true,
      state: "not heard from",
      version: "2026.9.6",
    };
    expect(parseRoute(new URL(formatRoute(route), "https://edge.test"))).toEqual(route);
    const odd = parseRoute(new URL("/?state=%3Cb%3E&version=a%20b&order=no", "https://edge.test"));
    expect(odd).toEqual({ page: "fleet", show: "all", sort: "needs-you", text: "" });
  });
});
