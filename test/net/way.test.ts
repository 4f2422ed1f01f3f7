/**
 * The way of a host to its edge, between machines of our own: IPv6 alone, a name of which one address is dead, a proxy as
 * the only way out, and a network that swallows everything without a word. Needs root.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { namespaces } from "../tasks/debian.ts";
import { Program, type Said } from "./chaos/program.ts";
import { inNamespace, ip, makeMachines, namespaceOf, UNDERLAY } from "./machines.ts";

const missing = namespaces();
const PORT = 4471;
const PROXY_PORT = 3128;
/** RFC 4193: of no network. */
const SIXTH = { edge: "fd00:c1a3::1", host: "fd00:c1a3::2" };
/** On the edge's machine, and reachable from there alone. */
const INSIDE = "10.99.0.1";
const NAME = "edge.clawhold.test";

describe.skipIf(missing !== undefined)("a host's way to its edge", () => {
  const host = namespaceOf("host");
  const edge = namespaceOf("edge");
  const names = path.join("/etc/netns", host);
  const running: Program[] = [];
  let machines: { remove(): void };

  beforeAll(() => {
    machines = makeMachines();
    for (const [namespace, address] of [
      [edge, SIXTH.edge],
      [host, SIXTH.host],
    ] as const)
      ip("-n", namespace, "address", "add", `${address}/64`, "dev", "net0", "nodad");
    ip("-n", edge, "address", "add", `${INSIDE}/32`, "dev", "lo");
    mkdirSync(names, { recursive: true });
  });
  afterEach(async () => {
    for (const program of running.splice(0)) await program.end("SIGKILL");
    inNamespace(host, "/usr/sbin/nft", "flush", "ruleset");
  });
  afterAll(() => {
    rmSync(names, { recursive: true, force: true });
    machines.remove();
  });

  function run(namespace: string, file: string, ...parameters: readonly string[]): Program {
    const script = path.join(import.meta.dirname, file);
    // Unlike nsenter this gives the machine name lists of its own.
    const program = new Program({
      program: "/usr/sbin/ip",
      parameters: ["netns", "exec", namespace, process.execPath, "--no-warnings", script, ...parameters],
    });
    running.push(program);
    return program;
  }

  async function farEnd(listenAt: string): Promise<{ readonly far: Program; readonly tls: unknown }> {
    const far = run(edge, "way/far-end.ts", listenAt, String(PORT), NAME, UNDERLAY.edge, SIXTH.edge, INSIDE);
    const ready = await far.mustSay((said) => said["event"] === "ready");
    return { far, tls: ready["tls"] };
  }

  function nearEnd(address: string, tls: unknown, environment: object = {}): Program {
    const near = run(host, "way/near-end.ts");
    near.give(
      JSON.stringify({ edge: `wss://${address}:${String(PORT)}`, tls, environment, keepAliveMilliseconds: 400 }),
    );
    return near;
  }

  const nameIs = (...addresses: readonly string[]): void =>
    writeFileSync(path.join(names, "hosts"), addresses.map((address) => `${address} ${NAME}\n`).join(""));
  const connection = (said: Said): boolean => said["event"] === "connection";

  it("over IPv6 alone, by address and by name", async () => {
    ip("-n", host, "address", "flush", "dev", "net0", "scope", "global", "to", "0.0.0.0/0");
    try {
      const { far, tls } = await farEnd("::");
      nearEnd(`[${SIXTH.edge}]`, tls);
      expect((await far.mustSay(connection))["from"]).toBe(SIXTH.host);
      nameIs(SIXTH.edge);
      const from = far.said.length;
      nearEnd(NAME, tls);
      expect((await far.mustSay(connection, from))["from"]).toBe(SIXTH.host);
    } finally {
      ip("-n", host, "address", "add", `${UNDERLAY.host}/30`, "dev", "net0");
    }
  });

  it.each([
    ["IPv6", `::ffff:${UNDERLAY.host}`, "ip6"],
    ["IPv4", SIXTH.host, "ip"],
  ])("by a name whose %s address swallows everything", async (_which, from, family) => {
    const { far, tls } = await farEnd("::");
    nameIs(SIXTH.edge, UNDERLAY.edge);
    inNamespace(host, "/usr/sbin/nft", "add", "table", family, "hole");
    inNamespace(
      host,
      "/usr/sbin/nft",
      "add",
      "chain",
      family,
      "hole",
      "out",
      "{ type filter hook output priority 0; }",
    );
    inNamespace(host, "/usr/sbin/nft", "add", "rule", family, "hole", "out", "tcp", "dport", String(PORT), "drop");
    nearEnd(NAME, tls);
    expect((await far.mustSay(connection))["from"]).toBe(from);
  });

  it("through a proxy, where there is no other", async () => {
    const { far, tls } = await farEnd(INSIDE);
    const straight = nearEnd(INSIDE, tls);
    await straight.mustSay((said) => said["code"] === "ENETUNREACH");
    await straight.end("SIGKILL");
    const proxy = run(edge, "chaos/connect-proxy.ts", UNDERLAY.edge, String(PROXY_PORT));
    await proxy.mustSay((said) => said["event"] === "ready");
    nearEnd(INSIDE, tls, { HTTPS_PROXY: `http://${UNDERLAY.edge}:${String(PROXY_PORT)}` });
    expect((await far.mustSay(connection))["from"]).toBe(INSIDE);
  });

  it("that goes silent without a word is given up, and found again when it is there", async () => {
    const { far, tls } = await farEnd(UNDERLAY.edge);
    const near = nearEnd(UNDERLAY.edge, tls);
    await far.mustSay(connection);
    // Neither side hears of it: no reset, no end, nothing.
    inNamespace(host, "/usr/sbin/nft", "add", "table", "inet", "hole");
    for (const hook of ["input", "output"])
      inNamespace(
        host,
        "/usr/sbin/nft",
        "add",
        "chain",
        "inet",
        "hole",
        hook,
        `{ type filter hook ${hook} priority 0; policy drop; }`,
      );
    await near.mustSay((said) => said["code"] === "closed_1006");
    const before = far.said.length;
    inNamespace(host, "/usr/sbin/nft", "flush", "ruleset");
    await far.mustSay(connection, before);
  });
});
