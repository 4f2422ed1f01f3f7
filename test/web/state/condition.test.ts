import { describe, expect, it } from "vitest";
import { gatewayStates } from "../../../protocol/telemetry.ts";
import { SILENT_SECONDS } from "../../../protocol/limits.ts";
import {
  conditionOf,
  DROPPED_SECONDS,
  isSilent,
  totalsOf,
  usageAge,
  watchesGateway,
} from "../../../web/state/condition.ts";
import type { HostView } from "../../../web/state/backend.ts";
import { filterHosts, sortHosts } from "../../../web/state/host-order.ts";
import { fleet, host, NOW, stopped, waiting } from "../fixtures/hosts.ts";

function telemetryOf({ telemetry }: HostView): NonNullable<HostView["telemetry"]> {
  if (telemetry === undefined) throw new TypeError("this host has reported");
  return telemetry;
}

describe("the condition of a host", () => {
  it("has a word for every state of a gateway, and a sentence for each that is not well", () => {
    for (const state of gatewayStates) {
      const condition = conditionOf(host("a", { state }), NOW);
      expect(condition.word).not.toBe("");
      if (condition.urgency > 0) expect(condition.sentence).toMatch(/\.$/);
    }
  });

  it("is not heard from after three missed beats, whatever it said last", () => {
    expect(isSilent(host("a", { seen: SILENT_SECONDS }), NOW)).toBe(false);
    const silent = host("a", { seen: SILENT_SECONDS + 1, state: "running" });
    expect(conditionOf(silent, NOW)).toMatchObject({ shape: "unknown", word: "Not heard from" });
    expect(conditionOf(silent, NOW).sentence).toContain("Its gateway may be fine");
  });

  it("never calls a host well that has not reported", () => {
    const { telemetry: _none, ...mute } = host("a");
    expect(conditionOf(mute, NOW).shape).toBe("pending");
    const { lastSeenAt: _never, ...unseen } = mute;
    expect(conditionOf(unseen, NOW).shape).toBe("unknown");
  });

  it("asks for nobody where no gateway is watched, and counts it as none that does not run", () => {
    const none = host("a", { state: "none" });
    expect(conditionOf(none, NOW)).toMatchObject({ word: "No gateway watched", urgency: 0 });
    expect(watchesGateway(none)).toBe(false);
    expect(watchesGateway(stopped("b"))).toBe(true);
    expect(filterHosts([none, stopped("b")], { show: "needs-you", text: "" }, NOW)).toHaveLength(1);
  });

  it("does not call a demo stopped that may be about to start", () => {
    const demo = host("a", { state: "stopped", gateway: { demo: true } });
    expect(conditionOf(demo, NOW).word).toBe("Starting or stopped");
    expect(conditionOf(demo, NOW).sentence).toContain("up to a minute");
    expect(conditionOf(stopped("a"), NOW).word).toBe("Stopped");
    expect(conditionOf(host("a", { gateway: { demo: true } }), NOW).word).toBe("Running");
    expect(conditionOf(host("a", { state: "stopped", gateway: { demo: true }, seen: 60 }), NOW).word).toBe(
      "Not heard from",
    );
  });

  it("puts the machine that waits for admission before all else", () => {
    expect(sortHosts([...fleet, waiting], { sort: "needs-you" }, NOW)[0]?.label).toBe("vps-13");
  });
});

describe("order and filters", () => {
  const labels = (hosts: readonly { readonly label: string }[]) => hosts.map(({ label }) => label);

  it("puts those that need a person first, the rest by name", () => {
    expect(labels(sortHosts(fleet, { sort: "needs-you" }, NOW))).toEqual([
      "vps-3",
      "vps-5",
      "vps-8",
      "vps-1",
      "vps-2",
      "vps-7",
      "vps-10",
    ]);
  });

  it("sorts names as people count", () => {
    expect(labels(sortHosts(fleet, { sort: "name" }, NOW)).slice(-2)).toEqual(["vps-8", "vps-10"]);
  });

  it("sorts by cost, and by the longest silence", () => {
    expect(sortHosts(fleet, { sort: "cost" }, NOW)[0]?.label).toBe("vps-5");
    expect(sortHosts(fleet, { sort: "seen" }, NOW)[0]?.label).toBe("vps-3");
  });

  it("finds by name, version and state", () => {
    const find = (text: string) => labels(filterHosts(fleet, { show: "all", text }, NOW));
    expect(find("VPS-10")).toEqual(["vps-10"]);
    expect(find("2026.6.33")).toEqual(["vps-7"]);
    expect(find("not heard")).toEqual(["vps-3"]);
    expect(labels(filterHosts(fleet, { show: "needs-you", text: "" }, NOW))).toEqual(["vps-3", "vps-5", "vps-8"]);
  });
});

describe("figures and their age", () => {
  it("adds the gateway's own delay to ours", () => {
    expect(usageAge(host("a", { seen: 10 }), NOW)).toBe(70);
    expect(usageAge(stopped("a"), NOW)).toBe(64);
  });

  it("leaves hosts out of totals after an hour, and says how many", () => {
    const totals = totalsOf(
      [host("a", { cost: 1_000_000 }), host("b", { cost: 2_000_000, seen: DROPPED_SECONDS + 1 })],
      NOW,
    );
    expect(totals).toMatchObject({ costMicros: 1_000_000, counted: 1, dropped: 1 });
  });

  it("counts no host for figures that it does not have, so that nothing reads as zero", () => {
    const { usage: _usage, sessions: _sessions, ...bare } = telemetryOf(host("a"));
    const silentOnFigures = { ...host("a"), telemetry: bare };
    expect(totalsOf([silentOnFigures], NOW)).toMatchObject({ counted: 0, heard: 0, dropped: 0 });
    expect(totalsOf([silentOnFigures, host("b")], NOW)).toMatchObject({ counted: 1, heard: 1 });
  });

  it("counts no host that is not admitted", () => {
    expect(totalsOf([{ ...host("a"), admission: "waiting" }], NOW)).toMatchObject({ counted: 0, costMicros: 0 });
  });
});
