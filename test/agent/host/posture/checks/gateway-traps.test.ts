/** Gateways that look right and are not, and checks that do not apply. */
import { describe, expect, it } from "vitest";
import { unknown } from "../../../../../agent/host/posture/fact.ts";
import type { FactSet } from "../../../../../agent/host/posture/facts.ts";
import { ALICE, both, fact, good, judgements, row, runs, settings, verdict, type Check } from "./gateway-facts.ts";

describe("what looks right and is not", () => {
  it("a mended file that the gateway has not taken up fails", () => {
    const facts = {
      ...good(),
      "gateway.applied": fact("gateway.applied", [
        runs(settings((tree) => ({ ...tree, gateway: { ...tree.gateway, controlUi: { allowedOrigins: ["*"] } } }))),
      ]),
    };
    expect(verdict("gw.controlui.origins", facts)).toMatchObject({
      state: "fail",
      shortfalls: ["gateway.controlUi.allowedOrigins holds a * (as the gateway runs)"],
    });
  });
  it("a file that the gateway refuses fails, though what runs is right", () => {
    const facts = { ...good(), "gateway.applied": fact("gateway.applied", [runs(settings(), { isCurrent: false })]) };
    expect(verdict("gw.pairing.manual", facts).shortfalls).toEqual([
      "the gateway has not taken up its configuration file, or refuses it",
    ]);
  });
  it("a port that answers within and is dropped for strangers passes, on that family alone", () => {
    const reached = (address: string) =>
      fact("gateway.reached", [{ gateway: ALICE, address, port: 18_789, outcome: "open" }]);
    const opening = { protocol: "tcp", answer: "open", chain: "c", comment: undefined, reason: "" } as const;
    const inbound = fact("fw.inbound", {
      openings: [
        { ...opening, family: 4, from: 22, to: 22 },
        { ...opening, family: 6, from: 1, to: 65_535 },
      ],
      families: [4, 6],
    });
    const state = (address: string, more: FactSet) =>
      verdict("gw.port.external", { ...good(), "gateway.reached": reached(address), ...more }).state;
    expect(state("203.0.113.10", { "fw.inbound": inbound })).toBe("pass");
    expect(state("2001:db8::10", { "fw.inbound": inbound })).toBe("fail");
    expect(state("203.0.113.10", { "fw.inbound": unknown("not_root", "nft") })).toBe("fail");
    expect(state("203.0.113.10", {})).toBe("fail");
    const exactly = { ...opening, family: 4, from: 18_789, to: 18_789 } as const;
    expect(state("203.0.113.10", { "fw.inbound": fact("fw.inbound", { openings: [exactly], families: [4] }) })).toBe(
      "fail",
    );
    if (inbound.kind !== "known") throw new Error("not known");
    const half = { ...inbound, gap: { why: "failed", source: "a rule that is not understood" } } as const;
    expect(state("203.0.113.10", { "fw.inbound": half })).toBe("fail");
  });
  it("a door behind which nothing answers proves nothing while the gateway is down", () => {
    const facts = { ...good(), "gateway.listeners": unknown("gateway_down", "nobody listens") };
    expect(verdict("gw.proxy.public", facts)).toMatchObject({ state: "unverified", reason: "gateway_down" });
  });
  it("a file alone passes nothing that the gateway has to say", () => {
    const facts = { ...good(), "gateway.applied": unknown("gateway_down", "nobody listens") };
    for (const check of ["gw.controlui.origins", "gw.pairing.manual", "gw.channels.closed", "gw.exec.asks"] as const)
      expect(verdict(check, facts)).toMatchObject({ state: "unverified", reason: "gateway_down" });
  });
  it("a second gateway that could not be seen holds back a pass, and hides no failure", () => {
    const gap = { why: "contained", source: "a gateway in a container" } as const;
    const listeners = good()["gateway.listeners"];
    if (listeners?.kind !== "known") throw new Error("not known");
    expect(verdict("gw.bind.loopback", { ...good(), "gateway.listeners": { ...listeners, gap } })).toMatchObject({
      state: "unverified",
      reason: "contained",
    });
    const open = fact("gateway.listeners", [{ gateway: ALICE, address: "::", port: 18_789, loopback: false }]);
    expect(verdict("gw.bind.loopback", { ...good(), "gateway.listeners": { ...open, gap } as never }).state).toBe(
      "fail",
    );
  });
  it("names the gateway where there are two", () => {
    const bob = { ...row, gateway: "bob", user: "bob", port: 19_001 };
    const facts = {
      ...good(),
      "gateway.found": fact("gateway.found", [row, bob]),
      "gateway.listeners": fact("gateway.listeners", [
        { gateway: ALICE, address: "127.0.0.1", port: 18_789, loopback: true },
        { gateway: "bob", address: "::", port: 19_001, loopback: false },
      ]),
    };
    expect(verdict("gw.bind.loopback", facts).shortfalls).toEqual([
      "Gateway of bob: the gateway listens on :: port 19001",
    ]);
  });
  it("a tight list of the gateway's own makes up for a loose configuration", () => {
    const loose = settings((tree) => ({ ...tree, tools: {} }));
    const facts = { ...good(), "gateway.applied": fact("gateway.applied", [runs(loose, { execIsTight: true })]) };
    expect(verdict("gw.exec.asks", facts).state).toBe("pass");
  });
  it("names the worst faults first and counts the rest", () => {
    const affecting = ["low", "high", "critical", "medium", "high"].map((severity, at) => ({
      id: `CVE-${String(at)}`,
      severity: severity as "low",
      fixed: "2026.6.9",
      title: "t",
    }));
    const facts = {
      ...good(),
      "gateway.version": fact("gateway.version", [{ gateway: ALICE, version: "2026.6.1", path: "", affecting }]),
    };
    const { shortfalls } = verdict("gw.version.advisories", facts);
    expect(shortfalls[0]).toContain("CVE-2 (critical)");
    expect(shortfalls.at(-1)).toBe("and 1 more published faults");
  });
});

describe("what does not apply", () => {
  it("is every check of a gateway on a machine without one", () => {
    const none = { ...good(), "gateway.found": fact("gateway.found", []) };
    const states = (Object.keys(judgements) as Check[]).map((check) => [
      check,
      verdict(check, none).reason ?? verdict(check, none).state,
    ]);
    expect(states.filter(([, state]) => state !== "no_gateway")).toEqual([
      ["gw.rootdir.exposed", "pass"],
      ["key.plaintext", "pass"],
    ]);
  });
  it("is nothing on a machine where nobody may look for one", () => {
    const closed = Object.fromEntries(Object.keys(good()).map((name) => [name, unknown("not_root", name)])) as FactSet;
    for (const check of Object.keys(judgements) as Check[])
      expect(verdict(check, closed)).toMatchObject({ state: "unverified", reason: "not_root" });
  });
  it("is a hook that is off, and Tailscale that is not there", () => {
    const off = both((tree) => ({ ...tree, hooks: {} }));
    expect(verdict("gw.hooks.signed", { ...good(), ...off })).toMatchObject({
      state: "not_applicable",
      reason: "hooks_off",
    });
    const absent = { ...good(), "gateway.tailscale": unknown("missing_tool", "tailscale") };
    expect(verdict("gw.tailscale.mode", absent)).toMatchObject({ state: "not_applicable", reason: "tailscale_absent" });
    const funnel = both((tree) => ({ ...tree, gateway: { ...tree.gateway, tailscale: { mode: "funnel" } } }));
    expect(verdict("gw.tailscale.mode", { ...absent, ...funnel }).state).toBe("fail");
  });
});
