/** Networks with roles: what comes in beyond a role fails, what the filter was not understood about does not. */
import { expect, it } from "vitest";
import { nothingPasses } from "../../../../../agent/host/posture/checks/network/firewall.ts";

const opening = (from: number, to: number, answer: "open" | "unknown") =>
  ({ family: 4, protocol: "tcp", from, to, answer, chain: "input", comment: undefined }) as const;

it("a network fails for each port beyond its role", () => {
  const zones = [
    { interface: "eth0", role: "dmz", beyond: [opening(22, 22, "open"), opening(8_000, 8_010, "open")] },
    { interface: "eth1", role: "internal", beyond: [opening(5_432, 5_432, "unknown")] },
  ];
  expect(nothingPasses({ networks: ["eth0", "eth1"], passes: [], zones })).toEqual([
    "eth0 (dmz) lets in tcp 22 by IPv4",
    "eth0 (dmz) lets in tcp 8000 to 8010 by IPv4",
  ]);
});

it("a machine whose networks were given no roles is judged by what it passes on", () => {
  const passes = [{ from: "eth0", to: "eth1", family: 6, answer: "open" } as const];
  expect(nothingPasses({ networks: ["eth0", "eth1"], passes })).toEqual(["IPv6 is passed on from eth0 to eth1"]);
});
