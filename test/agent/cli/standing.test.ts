/** status, host words and doctor over a state directory that a join would have left. */
import "reflect-metadata";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority } from "../../../agent/edge/certificates.ts";
import { openHostState, type HostState } from "../../../agent/host/state.ts";
import { writeStatus, type AgentStatus } from "../../../agent/host/status-file.ts";
import { openHostKeys } from "../../../agent/host/warden/keys.ts";
import { acquireLock } from "../../../agent/shared/lock.ts";
import { certificateRefusals } from "../../../protocol/tunnel.ts";
import { hostWords } from "../../../protocol/words.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { issueClient } from "../edge/fixtures/client-certificates.ts";
import { startScriptedEdge, type ScriptedEdge } from "../host/link/scripted-edge.ts";
import { run } from "./terminal.ts";

let data: string;
let state: HostState;
let edge: ScriptedEdge;
const workspace = nonceOf("workspace");

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "clawhold-standing-"));
  state = openHostState(join(data, "host"));
  edge = await startScriptedEdge();
  const { host } = openHostKeys(state.files.keys);
  state.saveHost({
    v: 1,
    edge: edge.url,
    workspace,
    host,
    label: "vps-1",
    colocated: false,
    gateway: { kind: "none" },
  });
  state.saveTls(edge.tls);
});
afterEach(async () => {
  await edge.stop();
  rmSync(data, { recursive: true, force: true });
});

function said(change: Partial<AgentStatus> = {}): void {
  const host = state.host();
  if (host === undefined) throw new TypeError("not joined");
  writeStatus(state.files.status, {
    v: 1,
    pid: process.pid,
    host: host.host,
    workspace,
    edge: host.edge,
    started: 1,
    written: 2,
    tunnel: "connected",
    admitted: true,
    trust: { n: 3, hash: nonceOf("head") },
    lastReceipt: 0,
    unsignedRefusals: 0,
    gateway: "running",
    certificateEnds: 1_900_000_000,
    ...change,
  });
}
const running = (): { release(): void } => state.lock(() => new Date());

describe("host words", () => {
  it("are those of the key and workspace", async () => {
    const words = hostWords({ hostKey: openHostKeys(state.files.keys).hostKey.publicKey, workspace });
    expect(await run(["host", "words", "--data", data])).toEqual({ exit: 0, out: [words.join(" ")], err: [] });
    expect(JSON.parse((await run(["host", "words", "--data", data, "--json"])).out[0] ?? "")).toMatchObject({
      words: [...words],
    });
  });

  it("are not shown from keys that others can read", async () => {
    const { chmodSync } = await import("node:fs");
    chmodSync(state.files.keys, 0o640);
    const { exit, err } = await run(["host", "words", "--data", data]);
    expect(exit).toBe(1);
    expect(err[0]).toContain("chmod 600");
  });
});

describe("status", () => {
  it("exit 3 while nothing runs, 0 while the agent does", async () => {
    const down = await run(["status", "--data", data]);
    expect(down.exit).toBe(3);
    expect(down.out.join("\n")).toContain("does not run; start it with");
    const lock = running();
    said();
    const up = await run(["status", "--data", data]);
    expect(up.exit).toBe(0);
    expect(up.out.join("\n")).toMatch(
      /Edge +none runs over this data directory[\s\S]*Agent +runs, connected to the edge[\s\S]*admitted[\s\S]*Gateway +running[\s\S]*statement 3[\s\S]*UTC/,
    );
    lock.release();
  });

  it("says until when the certificate lasts, when it is renewed, and why it was not", async () => {
    const lock = running();
    const shown = async (change: Partial<AgentStatus>): Promise<string> => {
      said(change);
      const { out } = await run(["status", "--data", data]);
      return out.find((line) => line.startsWith("Certificate"))?.slice(12) ?? "";
    };
    expect(await shown({})).toBe("until 2030-03-17 17:46 UTC");
    const due = { certificateRenews: 1_897_000_000 };
    expect(await shown(due)).toBe("until 2030-03-17 17:46 UTC, renewed from 2030-02-11 00:26 UTC on");
    for (const certificateRefusal of certificateRefusals)
      expect(await shown({ ...due, certificateRefusal })).toMatch(/UTC\. It was to be renewed, and was not: [^.]+\. /);
    lock.release();
  });

  it("says why there is no tunnel, and what waits", async () => {
    const lock = running();
    said({ tunnel: "waiting", problem: { code: "x", sentence: "Nothing answers there." }, admitted: false });
    const { out } = await run(["status", "--data", data]);
    expect(out.join("\n")).toContain("runs, Nothing answers there.");
    expect(out.join("\n")).toContain("waits to be admitted");
    lock.release();
  });

  it("does not wait for the admission of a host that was removed", async () => {
    const lock = running();
    said({ tunnel: "waiting", problem: { code: "host_removed", sentence: "It was removed." }, admitted: false });
    const { out } = await run(["status", "--data", data]);
    expect(out.join("\n")).toContain(", removed");
    expect(out.join("\n")).not.toContain("waits to be admitted");
    lock.release();
  });

  it("says that the trust log names this host with a key that is not its own", async () => {
    const lock = running();
    said({ admitted: false, foreignKey: true });
    for (const command of ["status", "doctor"]) {
      const { out } = await run([command, "--data", data]);
      expect(out.join("\n")).toContain("names this host with a witness key that is not its own, so it obeys nobody");
      expect(out.join("\n")).not.toContain("waits to be admitted");
    }
    lock.release();
  });

  it("says that two histories are claimed, and doctor fails over it", async () => {
    const lock = running();
    said({ frozen: true });
    for (const command of ["status", "doctor"]) {
      const { exit, out } = await run([command, "--data", data]);
      expect(out.join("\n")).toContain("Two histories of the workspace are claimed, so this host obeys neither");
      expect(exit).toBe(command === "doctor" ? 4 : 0);
    }
    lock.release();
  });

  it("says that this host was reset", async () => {
    rmSync(state.files.host);
    state.saveReset({ v: 1, workspace, at: 1, isTold: true, isDone: true });
    const { exit, out } = await run(["status", "--data", data]);
    expect(exit).toBe(3);
    expect(out.join("\n")).toMatch(/Agent +was reset, and has not joined again/);
    for (const command of [["doctor"], ["host", "words"], ["host", "run"], ["trust", "show"]]) {
      const refused = await run([...command, "--data", data]);
      expect(refused.exit).toBe(3);
      expect(refused.err[0]).toContain("This host was reset and obeys nobody");
    }
  });

  it("is not led astray by a damaged status file", async () => {
    const lock = running();
    writeFileSync(state.files.status, '{"v":1,"tunnel":"\\u001b[2J"}', { mode: 0o600 });
    const { exit, out } = await run(["status", "--data", data]);
    expect(exit).toBe(0);
    expect(out.join("")).not.toContain("\u001b");
    lock.release();
  });

  it("gives the same as an object", async () => {
    const lock = running();
    said();
    const parsed: unknown = JSON.parse((await run(["status", "--data", data, "--json"])).out[0] ?? "");
    expect(parsed).not.toHaveProperty("edge");
    expect(parsed).not.toHaveProperty("lastStatus");
    expect(parsed).toMatchObject({
      agent: true,
      joined: true,
      status: { workspace, tunnel: "connected", gateway: "running" },
    });
    lock.release();
  });

  it("shows where an edge here serves its dashboard, as long as it answers", async () => {
    const door = join(data, "run", "admin.sock");
    mkdirSync(join(data, "run"));
    writeFileSync(join(data, "run", "dashboard"), "http://clawhold.localhost:4470\nhttps://edge.example:4470\n");
    const standing = async (): Promise<string> => (await run(["status", "--data", data])).out.join("\n");
    expect(await standing()).not.toContain("Dashboard");
    const lock = acquireLock(join(data, "lock"), () => new Date());
    const worker = createServer((_request, response) => response.end('{"hosts":[]}')).listen(door);
    expect(await standing()).toMatch(
      /Dashboard +http:\/\/clawhold\.localhost:4470\n +https:\/\/edge\.example:4470 \(daily operations\)/,
    );
    const asObject: unknown = JSON.parse((await run(["status", "--data", data, "--json"])).out[0] ?? "");
    expect(asObject).toMatchObject({
      edge: { hosts: 0, dashboard: "http://clawhold.localhost:4470", dailyDashboard: "https://edge.example:4470" },
    });
    worker.close();
    lock.release();
  });

  it("says how hard this host is to break into, and the others of an edge here, and how old that is", async () => {
    const lock = running();
    said();
    const now = Math.floor(Date.now() / 1_000);
    const report = join(data, "host", "posture", "report.json");
    mkdirSync(join(data, "host", "posture"));
    writeFileSync(report, JSON.stringify({ grade: "B", score: 84, at: now - 7_300 }));
    const shown = async (): Promise<string> => (await run(["status", "--data", data])).out.join("\n");
    expect(await shown()).toMatch(/Posture +B, 84 of 100, looked 2 hours ago/);
    mkdirSync(join(data, "run"));
    const edgeLock = acquireLock(join(data, "lock"), () => new Date());
    const own = { host: state.host()?.host, label: "vps-1", posture: { grade: "F", score: 1, at: 0 } };
    const other = { host: "h-two", label: "vps-\u001b2", posture: { grade: "C", score: 71, at: now - 90 } };
    const hosts = [own, other, { host: "h-three", label: "vps-3" }].map((one) => ({
      connected: true,
      status: "admitted",
      ...one,
    }));
    const worker = createServer((_request, response) => response.end(JSON.stringify({ hosts })));
    worker.listen(join(data, "run", "admin.sock"));
    // Its own report before what it said to the edge; one that said nothing has no line.
    expect(await shown()).toMatch(/Posture +B, 84 of 100.*\n +vps- 2: C, 71 of 100, looked 1 minute ago/);
    expect(await shown()).not.toContain("vps-3:");
    const asObject: unknown = JSON.parse((await run(["status", "--data", data, "--json"])).out[0] ?? "");
    expect(asObject).toMatchObject({
      posture: { grade: "B", score: 84, at: now - 7_300 },
      edge: { postures: [{ grade: "F" }, { host: "h-two", grade: "C", score: 71, at: now - 90 }] },
    });
    writeFileSync(report, "{}");
    expect(await shown()).toMatch(/Posture +vps-1: F, 1 of 100/);
    worker.close();
    edgeLock.release();
    lock.release();
  });

  it("does not give the last word of an agent that has ended as if it held now", async () => {
    said({ written: 1_900_000_000 });
    const parsed: unknown = JSON.parse((await run(["status", "--data", data, "--json"])).out[0] ?? "");
    expect(parsed).not.toHaveProperty("status");
    expect(parsed).toMatchObject({ agent: false, lastStatus: { workspace, asOf: 1_900_000_000, admitted: true } });
    for (const name of ["tunnel", "gateway", "problem", "pid"]) expect(parsed).not.toHaveProperty(["lastStatus", name]);
    const { out } = await run(["status", "--data", data]);
    expect(out.join("\n")).toContain("does not run (last word 2030-03-17 17:46 UTC); start it");
    expect(out.join("\n")).not.toMatch(/running|connected to/);
  });
});

describe("doctor", () => {
  const line = (out: readonly string[], name: string): string =>
    out.find((text) => text.slice(6).startsWith(name)) ?? "";

  it("walks to the edge and back", async () => {
    const lock = running();
    said();
    const { exit, out } = await run(["doctor", "--data", data]);
    expect(out.filter((text) => text.startsWith("FAIL"))).toEqual([]);
    expect(exit).toBe(0);
    for (const name of [
      "name",
      "connection",
      "edge",
      "access",
      "clock",
      "certificate",
      "agent",
      "admission",
      "trust",
      "deny list",
      "gateway",
    ])
      expect(line(out, name), name).toMatch(/^ok/);
    lock.release();
  });

  it("says that the edge is not there", async () => {
    await edge.stop();
    const { exit, out } = await run(["doctor", "--data", data]);
    expect(exit).toBe(3);
    expect(line(out, "connection")).toMatch(/^FAIL.*Nothing answers/);
  });

  it("says that somebody else answers", async () => {
    const other = await makeAuthority("other", new Date());
    state.saveTls({ ...edge.tls, edgeCa: other.certificate });
    const { exit, out } = await run(["doctor", "--data", data]);
    expect(exit).toBe(3);
    expect(line(out, "edge")).toMatch(/^FAIL.*not the edge this host joined/);
  });

  it("says what the edge refuses", async () => {
    edge.problem = { status: 403, code: "certificate_revoked" };
    const { exit, out } = await run(["doctor", "--data", data]);
    expect(exit).toBe(4);
    expect(line(out, "access")).toMatch(/^FAIL.*revoked/);
  });

  it("measures the clock", async () => {
    edge.date = new Date(Date.now() - 600_000);
    const { out } = await run(["doctor", "--data", data]);
    expect(line(out, "clock")).toMatch(/^FAIL.*(600|599|601) s ahead of/);
  });

  it("says that nobody has admitted this host, and that the certificate has ended", async () => {
    const lock = running();
    said({ admitted: false });
    const agents = await makeAuthority("agents", new Date());
    const ended = await issueClient(agents, {
      notBefore: new Date(Date.now() - 2 * 86_400_000),
      notAfter: new Date(Date.now() - 86_400_000),
    });
    state.saveTls({ ...edge.tls, key: `${ended.key}\n`, certificate: `${ended.cert}\n` });
    const { exit, out } = await run(["doctor", "--data", data]);
    expect(exit).not.toBe(0);
    expect(line(out, "admission")).toMatch(/^FAIL.*clawhold host words/);
    expect(line(out, "certificate")).toMatch(/^FAIL.*ended on/);
    lock.release();
  });

  it("says what is wrong with the deny list and the gateway", async () => {
    writeFileSync(state.files.denyList, "what is this\n");
    const host = state.host();
    if (host === undefined) throw new TypeError("not joined");
    state.saveHost({ ...host, gateway: { kind: "local", url: "ws://127.0.0.1:1" } });
    const { out } = await run(["doctor", "--data", data]);
    expect(line(out, "deny list")).toMatch(/^FAIL.*line 1/);
    expect(line(out, "gateway")).toMatch(/^FAIL.*Nothing answers.*openclaw gateway run/);
    state.saveHost({ ...host, gateway: { kind: "demo", url: "ws://127.0.0.1:1", tokenFile: "/nowhere" } });
    expect(line((await run(["doctor", "--data", data])).out, "gateway")).toMatch(/^FAIL.*runs while clawhold up does/);
  });
});
