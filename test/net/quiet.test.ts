/**
 * An edge and its agent on one machine make no connection that leaves it: on a machine whose every route leads into a
 * counter, the counter stays at nought, name servers included. Needs root.
 */
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensure, namespaces, NFT } from "../tasks/debian.ts";
import { inNamespace, ip, makeLonely } from "./machines.ts";
import { RunningEdge } from "./product.ts";

const missing = namespaces() ?? ensure(NFT);
/** The edge's and the agent's timers of a minute are in it only in part; what runs daily is not. */
const QUIET_MILLISECONDS = 3_000;
const RULES = [
  "add table inet watch",
  "add counter inet watch away",
  "add counter inet watch names",
  "add chain inet watch output { type filter hook output priority 0 ; }",
  'add rule inet watch output oifname != "lo" meta l4proto { tcp, udp, sctp } counter name away',
  // A name server of the machine itself answers on loopback.
  "add rule inet watch output meta l4proto { tcp, udp } th dport 53 counter name names",
];

describe.skipIf(missing !== undefined)("a local private deployment", () => {
  const closers: Closers = [];
  let namespace: string;
  let edge: RunningEdge;
  const counted = (name: string): number => {
    const text = inNamespace(namespace, "/usr/sbin/nft", "list", "counter", "inet", "watch", name);
    return Number(/packets (\d+)/.exec(text)?.[1]);
  };

  beforeAll(async () => {
    const lonely = makeLonely("quiet");
    closers.push(() => lonely.remove());
    ({ namespace } = lonely);
    ip("-n", namespace, "link", "add", "away", "type", "veth", "peer", "name", "nowhere");
    ip("-n", namespace, "link", "set", "nowhere", "up");
    ip("-n", namespace, "address", "add", "198.18.0.1/24", "dev", "away");
    ip("-n", namespace, "address", "add", "2001:2::1/64", "dev", "away", "nodad");
    ip("-n", namespace, "link", "set", "away", "up");
    ip("-n", namespace, "route", "add", "default", "via", "198.18.0.254");
    ip("-n", namespace, "-6", "route", "add", "default", "dev", "away");
    for (const rule of RULES) inNamespace(namespace, "/usr/sbin/nft", rule);
    const directory = mkdtempSync(path.join(tmpdir(), "clawhold-quiet-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    edge = await RunningEdge.start({ namespace, directory: path.join(directory, "edge") }, [], closers);
  });

  afterAll(() => closeAll(closers));

  it("sends nothing off the machine and asks for no name, from its first start over a command to its end", async () => {
    const host = await edge.operator.call("hosts");
    const [first] = (host as { readonly hosts: readonly { readonly host: string }[] }).hosts;
    expect(await edge.command(first?.host ?? "")).toBe("executed");
    await wait(QUIET_MILLISECONDS);
    await edge.up.end();
    expect([counted("away"), counted("names")]).toEqual([0, 0]);
  });

  it("on a machine that counts what does", () => {
    const script = `const { connect } = await import("node:net");
      const { createSocket } = await import("node:dgram");
      connect({ host: "203.0.113.1", port: 443, timeout: 100 }).on("error", () => {}).on("timeout", () => process.exit());
      createSocket("udp4").send("x", 53, "127.0.0.1");`;
    inNamespace(namespace, process.execPath, "--input-type=module", "-e", script);
    expect([counted("away") > 0, counted("names")]).toEqual([true, 1]);
  });
});
