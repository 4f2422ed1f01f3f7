/**
 * A look from outside, for real: an edge and a host on two machines with one cable, a gateway's port that is open, and a packet filter
 * that closes it. workerd's own sockets knock. Needs root.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeAll, type Closers } from "../../agent/edge/closers.ts";
import type { Finding } from "../../protocol/posture/report.ts";
import type { OutsideLook } from "../../protocol/posture/outside.ts";
import { receiptOf } from "../e2e/operator.ts";
import { ensure, namespaces, NFT } from "../tasks/debian.ts";
import { Program } from "./chaos/program.ts";
import { inNamespace, makeMachines, namespaceOf, UNDERLAY } from "./machines.ts";
import { RunningEdge, type RunningHost } from "./product.ts";

const missing = namespaces() ?? ensure(NFT);
const GATEWAY_PORT = 18_789;

/** Listens on every address, says nothing. */
const LISTEN = `import { createServer } from "node:net";
createServer().listen(${String(GATEWAY_PORT)}, "0.0.0.0", () => console.log(JSON.stringify({ event: "listening" })));`;

describe.skipIf(missing !== undefined)("an edge that is asked to look", () => {
  const closers: Closers = [];
  const hostSpace = namespaceOf("host");
  let edge: RunningEdge;
  let other: RunningHost;
  /** A second agent on the same machine: the edge looks once a minute for each. */
  let second: RunningHost;

  beforeAll(async () => {
    const machines = makeMachines();
    closers.push(() => machines.remove());
    const directory = mkdtempSync(path.join(tmpdir(), "clawhold-outside-"));
    closers.push(() => rmSync(directory, { recursive: true, force: true }));
    const installed = { namespace: namespaceOf("edge"), directory: path.join(directory, "edge") };
    edge = await RunningEdge.start(installed, ["--bind", UNDERLAY.edge, "--public"], closers);
    const there = { namespace: hostSpace, directory: path.join(directory, "host") };
    other = await edge.admit(there, await edge.invite(), closers);
    const beside = { namespace: hostSpace, directory: path.join(directory, "second") };
    second = await edge.admit(beside, await edge.invite(), closers);
    const open = new Program({
      namespace: hostSpace,
      program: process.execPath,
      parameters: ["--input-type=module", "-e", LISTEN],
    });
    closers.push(() => open.end("SIGKILL"));
    await open.mustSay((said) => said["event"] === "listening");
  });
  afterAll(() => closeAll(closers));

  async function look(host: string): Promise<string> {
    const sent = await edge.operator.build("posture.look@1", host);
    await edge.operator.submit(sent);
    const receipt = receiptOf(await edge.operator.ended(sent, host));
    return [receipt?.verdict, receipt?.observed.reason].filter(Boolean).join(" ");
  }
  const seen = async ({ host }: RunningHost): Promise<OutsideLook | undefined> =>
    (await edge.operator.read(host, "posture.outside@1", {})).look;
  const stateAt = (found: OutsideLook | undefined, port: number): string | undefined =>
    found?.ports.find((one) => one.port === port)?.state;
  const findingOf = async ({ host }: RunningHost, check: string): Promise<Finding | undefined> =>
    (await edge.operator.read(host, "posture.report@1", {})).report.findings.find((one) => one.check === check);

  it("finds the gateway's port open and the others closed, and the host's report says so", async () => {
    expect(await look(other.host)).toBe("executed");
    const found = await seen(other);
    expect(found).toMatchObject({ by: "edge", vantage: "internet", address: UNDERLAY.host });
    expect(stateAt(found, GATEWAY_PORT)).toBe("open");
    expect(stateAt(found, 443)).toBe("closed");
    const listeners = await findingOf(other, "net.listeners");
    expect(listeners?.state).toBe("fail");
    expect(listeners?.shortfalls.join("\n")).toContain(
      `${UNDERLAY.host} port ${String(GATEWAY_PORT)} answered from outside`,
    );
    expect(listeners?.evidence.map(({ source }) => source)).toContain(
      `tcp ${UNDERLAY.host}, probed from outside by the edge`,
    );
  });

  it("does not look again within the minute, and what was seen before stays", async () => {
    expect(await look(other.host)).toBe("failed look_too_often");
    expect(stateAt(await seen(other), GATEWAY_PORT)).toBe("open");
  });

  it("hears nothing from behind a packet filter that drops", async () => {
    inNamespace(hostSpace, "/usr/sbin/nft", "add", "table", "inet", "shut");
    const chain = "{ type filter hook input priority 0; }";
    inNamespace(hostSpace, "/usr/sbin/nft", "add", "chain", "inet", "shut", "in", chain);
    const rule = ["inet", "shut", "in", "tcp", "dport", String(GATEWAY_PORT), "drop"];
    inNamespace(hostSpace, "/usr/sbin/nft", "add", "rule", ...rule);
    expect(await look(second.host)).toBe("executed");
    const found = await seen(second);
    expect(stateAt(found, GATEWAY_PORT)).toBe("filtered");
    expect(stateAt(found, 443)).toBe("closed");
    const listeners = await findingOf(second, "net.listeners");
    expect(listeners?.shortfalls.join("\n")).not.toContain("answered from outside");
  });

  it("does not look at its own machine", async () => {
    const own = [...(edge.operator.state?.hosts.values() ?? [])].find(({ colocated }) => colocated);
    expect(await look(own?.host ?? "")).toBe("failed look_same_machine");
  });
});
