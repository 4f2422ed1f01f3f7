import { describe, expect, it } from "vitest";
import { formatRoute, parseRoute, peoplePages } from "../../web/router.ts";
import type { Route } from "../../web/router.ts";

const parse = (path: string) => parseRoute(new URL(path, "http://clawhold.localhost:4470"));

describe("addresses", () => {
  const routes: readonly Route[] = [
    { page: "fleet", show: "all", sort: "needs-you", text: "" },
    { page: "fleet", show: "needs-you", sort: "cost", text: "vps 1&2" },
    { page: "host", id: "h-vps-1" },
    { page: "host", id: "h-vps-1", tab: "sessions", text: "main", sort: "-tokens", of: "s-0123456789abcdef" },
    { page: "host", id: "h-vps-1", of: "lockdown" },
    { page: "activity", show: "all", text: "" },
    { page: "activity", show: "refused", text: "#17", entry: 17 },
    {
      page: "activity",
      show: "all",
      text: "",
      since: 5,
      until: 9,
      actor: "p-ada",
      action: "command.receipt",
      host: "h-1",
    },
    { page: "streams" },
    { page: "networks" },
    { page: "keeping" },
    { page: "alerts", show: "open" },
    { page: "alerts", show: "resolved" },
    ...peoplePages.map((page) => ({ page })),
    { page: "invitation" },
    { page: "proposals" },
    { page: "setup" },
    { page: "sign-in" },
  ];

  it.each(routes.map((route) => [formatRoute(route), route] as const))("%s comes back", (address, route) => {
    expect(parse(address)).toEqual(route);
  });

  it("says only what is not usual", () => {
    expect(routes.map(formatRoute).slice(0, 3)).toEqual([
      "/",
      "/?show=needs-you&sort=cost&q=vps+1%262",
      "/hosts/h-vps-1",
    ]);
  });

  it("takes the usual for what it does not know", () => {
    expect(parse("/?show=everything&sort=__proto__")).toEqual(routes[0]);
    expect(parse("/alerts?show=closed")).toEqual({ page: "alerts", show: "open" });
    expect(parse("/activity?show=constructor")).toEqual({ page: "activity", show: "all", text: "" });
  });

  it.each(["-1", "1.5", "01", "1e3", "", "9999999999999999"])("does not open entry %j", (entry) => {
    expect(parse(`/activity?entry=${entry}`)).toEqual({ page: "activity", show: "all", text: "" });
  });

  it("knows the tabs of a host and nothing else below it", () => {
    expect(parse("/hosts/h-1/agents")).toEqual({ page: "host", id: "h-1", tab: "agents" });
    expect(parse("/hosts/h-1/toString")).toMatchObject({ page: "not-found" });
    expect(parse("/hosts/h-1/overview")).toMatchObject({ page: "not-found" });
    expect(parse("/hosts/h-1/log?sort=a.b&of=../x")).toEqual({ page: "host", id: "h-1", tab: "log" });
  });

  it("bounds what was searched for", () => {
    const route = parse(`/?q=${"a".repeat(500)}`);
    expect(route.page === "fleet" && route.text.length).toBe(80);
  });

  it.each(["/hosts/", "/hosts/a/b", "/hosts/%2f", "/nowhere", "/hosts/<b>"])("finds nothing at %s", (path) => {
    expect(parse(path).page).toBe("not-found");
  });
});
