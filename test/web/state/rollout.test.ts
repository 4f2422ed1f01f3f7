/** Which hosts an update of the agent is offered for, and when the others may follow the first. */
import { describe, expect, it } from "vitest";
import { CANARY_SECONDS } from "../../../protocol/limits.ts";
import { canaryStanding, isBehind, rolloutOf } from "../../../web/state/rollout.ts";
import type { HostView } from "../../../web/state/backend.ts";
import { host, NOW, waiting } from "../fixtures/hosts.ts";

const release = { version: "1.2.0", sha256: "a".repeat(64), key: "k" };

function running(label: string, agentVersion: string, shape: Parameters<typeof host>[1] = {}): HostView {
  const made = host(label, shape);
  if (made.telemetry === undefined) throw new TypeError("fixture without telemetry");
  return { ...made, telemetry: { ...made.telemetry, host: { ...made.telemetry.host, agentVersion } } };
}

describe("an update of the agent is offered", () => {
  it("for hosts that run an older release and can be told now", () => {
    const hosts = [
      running("old", "1.1.9"),
      running("there", "1.2.0"),
      running("newer", "1.10.0"),
      running("built", "1.2.0-dev"),
      running("silent", "1.0.0", { seen: 4_000 }),
      waiting,
    ];
    const { behind, there } = rolloutOf(hosts, release, NOW);
    expect(behind.map(({ label }) => label)).toEqual(["old"]);
    expect(there.map(({ label }) => label)).toEqual(["there"]);
  });

  it("by the order of versions, not of letters", () => {
    expect(isBehind(running("a", "1.9.0"), "1.10.0")).toBe(true);
    expect(isBehind(running("a", "1.10.0"), "1.9.0")).toBe(false);
    expect(isBehind(host("a"), "0.1.0")).toBe(false);
  });

  it("for 64 hosts at most: one touch binds no more", () => {
    const hosts = Array.from({ length: 70 }, (_, index) => running(`vps-${String(index)}`, "1.0.0"));
    expect(rolloutOf(hosts, release, NOW).behind).toHaveLength(64);
  });
});

describe("the others follow", () => {
  const answer = { version: "1.2.0", now: NOW, proof: { canary: "", canarySignature: "" } };

  it("once the first was well for ten minutes", () => {
    expect(canaryStanding({ ...answer, since: NOW - CANARY_SECONDS }, release)).toEqual({ kind: "ready" });
    expect(canaryStanding({ ...answer, since: NOW - CANARY_SECONDS + 5 }, release)).toEqual({
      kind: "wait",
      seconds: 5,
    });
  });

  it("nobody whose release came by hand, or is another one", () => {
    expect(canaryStanding({ ...answer, since: undefined }, release).kind).toBe("unproven");
    expect(canaryStanding({ ...answer, version: "1.1.0", since: 0 }, release).kind).toBe("unproven");
  });
});
