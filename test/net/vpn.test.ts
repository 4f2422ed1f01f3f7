/**
 * An edge that is bound to a VPN, with the real VPN software between two machines: it waits for the interface, serves
 * there and on loopback and nowhere else, and gets its agent back after the VPN was away. Needs root.
 */
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ensure, namespaces, NFT, OPENVPN, WIREGUARD, WIREGUARD_TOOLS } from "../tasks/debian.ts";
import { answering, inNamespace, ip, listeners, makeMachines, namespaceOf, UNDERLAY } from "./machines.ts";
import { RunningEdge, type RunningHost } from "./product.ts";
import { openvpn, wireguard, type Vpn } from "./vpn-software.ts";

function portsOf(namespace: string): readonly number[] {
  return [...new Set(listeners(namespace).map((place) => Number(place.split(":").at(-1))))];
}

/** The lines of docs/DEPLOY.md, for this interface and these ports. */
function rulesOf(name: string, ports: readonly number[]): readonly string[] {
  const text = readFileSync(path.resolve(import.meta.dirname, "../../docs/DEPLOY.md"), "utf8");
  const lines = [...text.matchAll(/^nft '(.*)'$/gm)].map(([, line = ""]) => line);
  if (lines.length === 0) throw new Error("docs/DEPLOY.md gives no rule");
  return lines.map((line) => line.replace("wg0", name).replace("4470, 4471", ports.join(", ")));
}

const missing = namespaces() ?? [NFT, OPENVPN, WIREGUARD, WIREGUARD_TOOLS].map(ensure).find(Boolean);

describe.skipIf(missing !== undefined).each([
  ["WireGuard", wireguard],
  ["OpenVPN", openvpn],
])("an edge bound to %s", (name, make) => {
  const closers: Closers = [];
  const edgeSpace = namespaceOf("edge");
  const hostSpace = namespaceOf("host");
  let vpn: Vpn;
  let edge: RunningEdge;
  let other: RunningHost;
  const news = (state: string, from = 0) =>
    edge.up.mustSay((said) => said["event"] === "bind" && said["state"] === state, from);

  beforeAll(async () => {
    const machines = makeMachines();
    closers.push(() => machines.remove());
    const directory = mkdtempSync(path.join(tmpdir(), "clawhold-vpn-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    vpn = make(directory);
    closers.push(
      () => vpn.down("host"),
      () => vpn.down("edge"),
    );
    const installed = { namespace: edgeSpace, directory: path.join(directory, "edge") };
    edge = await RunningEdge.start(installed, ["--bind", vpn.interface], closers);
    await news("waiting");
    await Promise.all([vpn.up("edge"), vpn.up("host")]);
    await news("listening");
    const there = { namespace: hostSpace, directory: path.join(directory, "host") };
    other = await edge.admit(there, await edge.invite(), closers);
  });

  afterAll(() => closeAll(closers));

  it("carries a command to a host that is reached by the VPN alone", async () => {
    expect(await edge.command(other.host)).toBe("executed");
  });

  it("listens on loopback and on the VPN's address, and nothing answers on the underlay", () => {
    const { port, agentPort } = edge;
    const inside = [vpn.addresses.edge, ...(vpn.v6 === undefined ? [] : [`[${vpn.v6}]`])];
    const places = [
      `127.0.0.1:${port}`,
      `[::1]:${port}`,
      `127.0.0.1:${agentPort}`,
      ...inside.map((address) => `${address}:${agentPort}`),
    ];
    expect(listeners(edgeSpace)).toEqual(places.toSorted());
    const ports = portsOf(edgeSpace);
    for (const address of [vpn.addresses.edge, ...(vpn.v6 === undefined ? [] : [vpn.v6])])
      expect(answering(hostSpace, address, ports)).toEqual([agentPort]);
    expect(answering(hostSpace, UNDERLAY.edge, ports)).toEqual([]);
  });

  // The rule is about neither; the other's route of its own is in the way of the neighbour's.
  if (name === "WireGuard")
    it("keeps a neighbour out who addresses the VPN's address on the cable, by the rule that docs/DEPLOY.md gives", () => {
      const { agentPort } = edge;
      ip("-n", hostSpace, "route", "add", `${vpn.addresses.edge}/32`, "via", UNDERLAY.edge);
      try {
        // Linux takes a packet for any of its addresses from any interface. The certificate still has to be shown.
        expect(answering(hostSpace, vpn.addresses.edge, [agentPort])).toEqual([agentPort]);
        for (const line of rulesOf(vpn.interface, [edge.port, agentPort]))
          inNamespace(edgeSpace, "/usr/sbin/nft", line);
        expect(answering(hostSpace, vpn.addresses.edge, [agentPort])).toEqual([]);
      } finally {
        ip("-n", hostSpace, "route", "delete", `${vpn.addresses.edge}/32`, "via", UNDERLAY.edge);
      }
      expect(answering(hostSpace, vpn.addresses.edge, [agentPort])).toEqual([agentPort]);
    });

  it("is there again when the VPN is, and so is the agent", async () => {
    const from = edge.up.said.length;
    await vpn.down("edge");
    await news("lost", from);
    // The interface has two addresses, and each goes in its own moment.
    await vi.waitFor(() => expect(listeners(edgeSpace).filter((place) => !/^(127|\[::1)/.test(place))).toEqual([]), {
      timeout: 10_000,
    });
    await vpn.up("edge");
    await news("listening", from);
    const since = other.agent.said.length;
    await other.agent.mustSay((said) => said["event"] === "tunnel" && said["state"] === "connected", since);
    expect(await edge.command(other.host)).toBe("executed");
  });
});
