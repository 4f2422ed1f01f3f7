/** Each failure that `clawhold doctor` explains, made to happen: real listeners, a real proxy, the real front of the edge. */
import "reflect-metadata";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createPlainServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgentFront } from "../../../agent/edge/agent-front.ts";
import { makeAuthority, makeServerCertificate, type KeyPair } from "../../../agent/edge/certificates.ts";
import { openHostState, type HostState } from "../../../agent/host/state.ts";
import { writeStatus } from "../../../agent/host/status-file.ts";
import { openHostKeys } from "../../../agent/host/warden/keys.ts";
import { acquireLock } from "../../../agent/shared/lock.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { issueClient, type ClientRequest } from "../edge/fixtures/client-certificates.ts";
import { startConnectProxy, type ConnectProxy } from "../host/link/connect-proxy.ts";
import { startScriptedEdge, type ScriptedEdge } from "../host/link/scripted-edge.ts";
import { run } from "./terminal.ts";

const DAY = 86_400_000;
const YEAR = 365 * DAY;
const workspace = nonceOf("workspace");

let data: string;
let state: HostState;
let edge: ScriptedEdge;
let host: string;
const closing: (() => unknown)[] = [];

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "clawhold-doctor-"));
  state = openHostState(join(data, "host"));
  edge = await startScriptedEdge(["127.0.0.1", "edge.test"]);
  ({ host } = openHostKeys(state.files.keys));
  at(edge.url);
  state.saveTls(edge.tls);
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await edge.stop();
  rmSync(data, { recursive: true, force: true });
});

function at(address: string): void {
  const own = { workspace, host, label: "vps-1", colocated: false, gateway: { kind: "none" } } as const;
  state.saveHost({ v: 1, edge: address, ...own });
}

interface Line {
  readonly name: string;
  readonly state: string;
  readonly code: string;
  readonly sentence: string;
}

interface Diagnosis {
  readonly exit: number;
  readonly lines: readonly Line[];
  /** Names and codes of what fails. */
  readonly failing: readonly string[];
  readonly notReached: readonly string[];
  readonly text: string;
}

async function diagnose(environment: Readonly<Record<string, string>> = {}): Promise<Diagnosis> {
  const { exit, out } = await run(["doctor", "--data", data, "--json"], { environment });
  const { checks: lines } = JSON.parse(out[0] ?? "") as { checks: readonly Line[] };
  return {
    exit,
    lines,
    failing: lines.filter((line) => line.state === "fails").map(({ name, code }) => `${name}: ${code}`),
    notReached: lines.filter((line) => line.state === "not reached").map(({ name }) => name),
    text: out.join("\n"),
  };
}

/** What fails on the way to the edge; the agent of these tests does not run, which is said too. */
async function failure(environment: Readonly<Record<string, string>> = {}): Promise<Diagnosis & { first: string }> {
  const diagnosis = await diagnose(environment);
  const [first = "nothing"] = diagnosis.failing;
  const sentence = diagnosis.lines.find((line) => line.state === "fails")?.sentence ?? "";
  expect(sentence, "one sentence, and what to do").toMatch(/^[A-Z].*\..*\S$/s);
  return { ...diagnosis, first };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}

describe("beside an edge that runs and has no workspace", () => {
  it("asks for the setup link and not for a join file", async () => {
    rmSync(state.files.host);
    const lock = acquireLock(join(data, "lock"), () => new Date());
    const { exit, err } = await run(["doctor", "--data", data]);
    lock.release();
    expect(exit).toBe(3);
    expect(err[0]).toContain("clawhold up link");
  });
});

describe("the way to the edge", () => {
  it("a name that does not resolve: DNS", async () => {
    at("wss://nowhere.invalid:4471");
    const { first, exit, notReached } = await failure();
    expect(first).toMatch(/^name: (ENOTFOUND|EAI_AGAIN)$/);
    expect(exit).toBe(3);
    expect(notReached.slice(0, 4)).toEqual(["connection", "edge", "access", "clock"]);
  });

  it("a port that nothing listens on: TCP", async () => {
    at("wss://127.0.0.1:1");
    const { first, notReached, exit } = await failure();
    expect([first, exit]).toEqual(["connection: ECONNREFUSED", 3]);
    expect(notReached).not.toContain("name");
  });

  it("something that is not TLS", async () => {
    at(`wss://127.0.0.1:${String(await listening(createPlainServer()))}`);
    const { first, exit } = await failure();
    expect(first).toMatch(/^edge: (ERR_SSL_WRONG_VERSION_NUMBER|EPROTO|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/);
    expect(exit).toBe(3);
  });

  const serving = async (names: readonly string[], now: Date, versions: object = {}): Promise<KeyPair> => {
    const authority = await makeAuthority("edge authority", now);
    const leaf = await makeServerCertificate(authority, names, now);
    const server = createTlsServer({ key: leaf.key, cert: leaf.certificate + authority.certificate, ...versions });
    at(`wss://127.0.0.1:${String(await listening(server))}`);
    state.saveTls({ ...edge.tls, edgeCa: authority.certificate });
    return authority;
  };

  it("an older TLS", async () => {
    await serving(["127.0.0.1"], new Date(), { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" });
    expect((await failure()).first).toBe("edge: ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });

  it("an edge of another authority", async () => {
    await serving(["127.0.0.1"], new Date());
    state.saveTls(edge.tls);
    const { first, text } = await failure();
    expect(first).toMatch(/^edge: (SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/);
    expect(text).toContain("not the edge this host joined");
  });

  it("an edge under another name", async () => {
    await serving(["elsewhere.example"], new Date());
    expect((await failure()).first).toBe("edge: ERR_TLS_CERT_ALTNAME_INVALID");
  });

  it("an edge whose certificate has ended, or begins in the future: then a clock is wrong", async () => {
    await serving(["127.0.0.1"], new Date(Date.now() - YEAR));
    expect((await failure()).first).toBe("edge: CERT_HAS_EXPIRED");
    await serving(["127.0.0.1"], new Date(Date.now() + YEAR));
    expect((await failure()).first).toBe("edge: CERT_NOT_YET_VALID");
  });
});

describe("a proxy", () => {
  let proxy: ConnectProxy;
  beforeEach(async () => {
    const { port } = new URL(edge.url);
    proxy = await startConnectProxy({ names: { "edge.test": Number(port) } });
    closing.push(() => proxy.stop());
    at(`wss://edge.test:${port}`);
  });

  it("that works is a step of its own", async () => {
    const { lines, failing } = await diagnose({ HTTPS_PROXY: proxy.url });
    expect(failing).toEqual(["agent: agent_stopped"]);
    expect(lines.slice(0, 5).map(({ name }) => name)).toEqual(["name", "connection", "proxy", "edge", "access"]);
  });

  it("that is not there", async () => {
    const { first, exit } = await failure({ HTTPS_PROXY: "http://127.0.0.1:1" });
    expect([first, exit]).toEqual(["connection: proxy_unreachable", 3]);
    expect((await failure({ HTTPS_PROXY: "http://nowhere.invalid:1" })).first).toBe("name: proxy_unreachable");
  });

  it("that refuses, or wants other credentials, which are in no line", async () => {
    const { port } = proxy;
    proxy.refusal = 407;
    const wrong = await failure({ HTTPS_PROXY: `http://claw:hunter2@127.0.0.1:${String(port)}` });
    expect([wrong.first, wrong.exit]).toEqual(["proxy: proxy_credentials", 3]);
    expect(wrong.text).not.toMatch(/hunter2|claw:/);
    proxy.refusal = 403;
    expect((await failure({ HTTPS_PROXY: proxy.url })).first).toBe("proxy: proxy_refused");
  });

  it("that is no address", async () => {
    const { first, text } = await failure({ HTTPS_PROXY: "socks5://claw:hunter2@127.0.0.1:1" });
    expect(first).toBe("proxy: proxy_invalid");
    expect(text).not.toContain("hunter2");
  });
});

describe("this host's certificate", () => {
  let agents: KeyPair;
  /** The edge's own front, with nothing behind it. */
  beforeEach(async () => {
    agents = await makeAuthority("agents", new Date());
    const authority = await makeAuthority("edge", new Date());
    const certificate = await makeServerCertificate(authority, ["127.0.0.1"], new Date());
    const front = createAgentFront({
      certificate: { ...certificate, certificate: certificate.certificate + authority.certificate },
      clientAuthority: agents.certificate,
      upstream: () => undefined,
      now: () => new Date(),
    });
    at(`wss://127.0.0.1:${String(await listening(front))}`);
    state.saveTls({ ...edge.tls, edgeCa: authority.certificate });
  });

  async function carry(authority: KeyPair, request: ClientRequest = {}): Promise<void> {
    const { key, cert } = await issueClient(authority, { name: `CN=${host}`, ...request });
    const tls = state.tls();
    if (tls === undefined) throw new TypeError("no tls");
    state.saveTls({ ...tls, key: `${key}\n`, certificate: `${cert}\n` });
  }

  it("that the edge accepts gets as far as the edge behind the front", async () => {
    await carry(agents);
    expect((await failure()).first).toBe("access: edge_restarting");
  });

  it("of a foreign authority", async () => {
    await carry(await makeAuthority("somebody else", new Date()));
    const { first, exit } = await failure();
    expect([first, exit]).toEqual(["access: certificate_untrusted", 4]);
  });

  it("that has ended, or begins in the future: here and at the edge", async () => {
    await carry(agents, { notBefore: new Date(Date.now() - 2 * DAY), notAfter: new Date(Date.now() - DAY) });
    const ended = await failure();
    expect(ended.failing.slice(0, 2)).toEqual(["access: certificate_expired", "certificate: certificate_expired"]);
    await carry(agents, { notBefore: new Date(Date.now() + DAY), notAfter: new Date(Date.now() + 2 * DAY) });
    const early = await failure();
    expect(early.failing.slice(0, 2)).toEqual(["access: certificate_early", "certificate: certificate_early"]);
    expect(early.exit).toBe(4);
  });

  it("of another host", async () => {
    await carry(agents, { name: `CN=h-${"0".repeat(26)}` });
    const { failing } = await failure();
    expect(failing).toContain("certificate: certificate_other_host");
  });

  it("with a key that is not its own", async () => {
    await carry(agents);
    const { key } = await issueClient(agents);
    const tls = state.tls();
    if (tls === undefined) throw new TypeError("no tls");
    state.saveTls({ ...tls, key: `${key}\n` });
    const { failing } = await failure();
    expect(failing).toContain("certificate: certificate_key");
  });
});

describe("what the edge says", () => {
  it.each([
    "certificate_missing",
    "certificate_revoked",
    "certificate_replaced",
    "certificate_unavailable",
    "certificate_unknown",
    "host_removed",
  ])("%s", async (code) => {
    edge.problem = { status: 403, code };
    const { first, exit, text } = await failure();
    expect([first, exit]).toEqual([`access: ${code}`, 4]);
    expect(text).not.toContain(`(403 ${code})`);
  });

  it("that this certificate is another host's", async () => {
    const authority = await makeAuthority("edge", new Date());
    const leaf = await makeServerCertificate(authority, ["127.0.0.1"], new Date());
    const server = createTlsServer({ key: leaf.key, cert: leaf.certificate }, (_request, response) =>
      response.end(JSON.stringify({ ok: true, host: "h-another" })),
    );
    at(`wss://127.0.0.1:${String(await listening(server))}`);
    state.saveTls({ ...edge.tls, edgeCa: authority.certificate });
    const { first, exit } = await failure();
    expect([first, exit]).toEqual(["access: certificate_other_host", 4]);
  });

  it("by its clock", async () => {
    edge.date = new Date(Date.now() - 600_000);
    expect((await failure()).first).toBe("clock: clock_ahead");
    edge.date = new Date(Date.now() + 600_000);
    const { first, exit } = await failure();
    expect([first, exit]).toEqual(["clock: clock_behind", 1]);
  });
});

describe("the agent", () => {
  const said = (change: object): void =>
    writeStatus(state.files.status, {
      v: 1,
      pid: process.pid,
      host,
      workspace,
      edge: edge.url,
      started: 1,
      written: 2,
      tunnel: "connected",
      admitted: true,
      lastReceipt: 0,
      unsignedRefusals: 0,
      certificateEnds: 1_900_000_000,
      ...change,
    });

  it("that does not run: its tunnel and its trust are not reached", async () => {
    const { first, notReached, exit } = await failure();
    expect([first, exit]).toEqual(["agent: agent_stopped", 3]);
    expect(notReached).toEqual(["tunnel", "admission", "trust", "witness"]);
  });

  it("whose tunnel is up, and nothing is wrong", async () => {
    const lock = state.lock(() => new Date());
    said({});
    const { exit, failing, lines } = await diagnose();
    expect([exit, failing]).toEqual([0, []]);
    expect(lines.map(({ code }) => code)).toEqual(lines.map(() => "ok"));
    lock.release();
  });

  it("whose tunnel is not up, by the tunnel's own code", async () => {
    const lock = state.lock(() => new Date());
    said({ tunnel: "waiting", problem: { code: "closed_4002", sentence: "Another connection is open. Look for it." } });
    const { first, exit } = await failure();
    expect([first, exit]).toEqual(["tunnel: closed_4002", 3]);
    lock.release();
  });

  it("in quarantine", async () => {
    const lock = state.lock(() => new Date());
    said({ admitted: false });
    const { first, exit } = await failure();
    expect([first, exit]).toEqual(["admission: host_quarantined", 4]);
    lock.release();
  });

  it("each line begins with how it stands, in words that a terminal shows", async () => {
    at("wss://127.0.0.1:1");
    const { out } = await run(["doctor", "--data", data]);
    expect(out.slice(0, 4).map((line) => line.slice(0, 18).trimEnd())).toEqual([
      "ok    name",
      "FAIL  connection",
      "-     edge",
      "-     access",
    ]);
    expect(out[2]).toContain('not reached: look at "connection" first');
  });
});
