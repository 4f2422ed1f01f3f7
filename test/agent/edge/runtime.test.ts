import { spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dashboardsOf } from "../../../agent/cli/running-edge.ts";
import { makeAuthority, makeServerCertificate } from "../../../agent/edge/certificates.ts";
import { Workerd } from "../../../agent/edge/workerd.ts";
import type { Answer, Ask, TestEdge } from "./fixtures/harness.ts";
import { STAND_IN_WORKER, ask, eventually, makeDirectory, startTestEdge, writeWebBundle } from "./fixtures/harness.ts";

const closers: (() => unknown)[] = [];
let directory: ReturnType<typeof makeDirectory>;
beforeEach(() => {
  directory = makeDirectory();
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  directory.remove();
});

async function start(...parameters: Parameters<typeof startTestEdge>): Promise<TestEdge> {
  const running = await startTestEdge(...parameters);
  closers.push(() => running.stop());
  return running;
}

async function squat(host: string, port = 0): Promise<number> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen({ host, port, ipv6Only: host !== "::" }, resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A door of this machine that anybody here can open. */
async function answering(): Promise<number> {
  const server = createHttpServer((_request, response) => response.end("open"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("open");
  return port;
}

/** A zombie has ended; only its parent has not looked yet. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("the local edge", () => {
  it("gives the Worker its bindings, and no way out but to public addresses, and for looks from outside", async () => {
    const { edge } = await start();
    expect(await edge.admin("/api/environment")).toMatchObject({
      names: [
        "AGENT_CA_CERT",
        "AGENT_CA_KEY",
        "AGENT_ENDPOINT",
        "ALERTS",
        "ALERTS_OUT",
        "DB",
        "DISPATCH_KEY",
        "DISPATCH_KEY_NEXT",
        "EDGE_CA_CERT",
        "EXPORTS",
        "HOST",
        "LEDGER",
        "LEDGER_KEY",
        "LEDGER_KEY_NEXT",
        "LIMITS",
        "LOOK_OUT",
        "RATE_FACTOR",
        "SEGMENT",
        "SESSIONS",
        "SETTINGS_KEY",
        "SIGNER_ORIGIN",
        "STREAMS",
      ],
      origin: edge.signerOrigin,
      endpoint: edge.agentEndpoint,
      dispatch: 43,
      next: 0,
      certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
      key: true,
    });
    const port = await answering();
    for (const url of [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`, `https://127.0.0.1:${port}/`])
      expect(await edge.admin("/api/egress", url)).toEqual({ plain: false, alerts: false });
  });

  it("takes a key that waits while it runs, and says its public half only", async () => {
    const { edge, events, dataDir } = await start();
    const { workerd } = edge.pids;
    const publicKey = await edge.addKey("dispatch");
    expect(publicKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await edge.admin("/api/environment")).toMatchObject({ dispatch: 43, next: 43 });
    expect(edge.pids.workerd).not.toBe(workerd);
    const { nextDispatchSeed } = JSON.parse(readFileSync(join(dataDir, "keys", "edge.json"), "utf8")) as {
      nextDispatchSeed: string;
    };
    expect(JSON.stringify(events)).toContain(publicKey);
    expect(JSON.stringify(events)).not.toContain(nextDispatchSeed);
    expect(events.filter(({ code }) => code === "workerd_exited")).toEqual([]);
    await expect(edge.addKey("dispatch")).rejects.toMatchObject({ code: "key_waiting" });
  });

  it("marks the admin door, and turns its refusals into errors with their code", async () => {
    const { edge } = await start();
    expect(await edge.admin("/api/echo", { a: 1 })).toMatchObject({ via: "admin", body: '{"a":1}' });
    await expect(edge.admin("/nowhere")).rejects.toMatchObject({
      code: "admin_failed",
      message: "The local edge answered /nowhere with 404 (unknown).",
    });
  });

  it("shows no secret in arguments, configuration or log", async () => {
    const { edge, dataDir } = await start();
    const { dispatchSeed } = JSON.parse(readFileSync(join(dataDir, "keys", "edge.json"), "utf8"));
    const shown = [
      readFileSync(`/proc/${edge.pids.workerd}/cmdline`, "utf8"),
      readFileSync(join(edge.dataDirectory.runDirectory, "workerd.capnp"), "utf8"),
      readFileSync(join(dataDir, "log", "edge.log"), "utf8"),
    ].join("\n");
    expect(shown).not.toContain(dispatchSeed);
    expect(shown).not.toContain("PRIVATE KEY");
    expect(readFileSync(`/proc/${edge.pids.workerd}/environ`, "utf8")).not.toContain("PATH=");
  });

  it("keeps what it stored over a stop and a start, and starts over the remains of a killed one", async () => {
    const dataDir = join(directory.path, "data");
    const migrations = [{ name: "0001.sql", sql: "CREATE TABLE t (id INTEGER);" }];
    const first = await startTestEdge({ dataDir, migrations });
    await first.edge.admin("/api/sql", [{ sql: "INSERT INTO t VALUES (42)" }]);
    await first.stop();
    for (const name of ["web", "agent", "admin", "d1"]) writeFileSync(join(dataDir, "run", `${name}.sock`), "stale");
    const second = await start({ dataDir, migrations });
    expect(await second.edge.admin("/api/sql", [{ sql: "SELECT id FROM t" }])).toMatchObject([
      { results: [{ id: 42 }] },
    ]);
  });

  it("lives in a directory with quotes, spaces and a long name", async () => {
    const running = await start({ dataDir: join(directory.path, `it's "a" b${"x".repeat(90)}`) });
    expect((await ask({ port: running.port, path: "/api/echo" })).status).toBe(200);
  });

  it("lets workerd hold the data directory's lock, so that a left-over one keeps others out", async () => {
    const { edge, dataDir } = await start();
    expect(readlinkSync(`/proc/${edge.pids.workerd}/fd/3`)).toBe(join(realpathSync(dataDir), "lock"));
  });

  it("stops without leaving a process, a socket or a port", async () => {
    const dataDir = join(directory.path, "data");
    const running = await startTestEdge({ dataDir });
    const pid = running.edge.pids.workerd ?? 0;
    expect(isAlive(pid)).toBe(true);
    await running.stop();
    expect(isAlive(pid)).toBe(false);
    expect(readdirSync(join(dataDir, "run")).filter((name) => name.endsWith(".sock"))).toEqual([]);
    await squat("127.0.0.1", running.port);
    await squat("::1", running.port);
    await squat("127.0.0.1", running.agentPort);
  });
});

describe("a start that cannot succeed", () => {
  it.each(["127.0.0.1", "::1", "0.0.0.0", "::"])("names the port that another program holds on %s", async (address) => {
    const port = await squat(address);
    await expect(startTestEdge({ port })).rejects.toMatchObject({
      code: "port_taken",
      message: expect.stringMatching(new RegExp(`:${port} is taken by another program.*sport = :${port}.*--port`)),
    });
  });

  it("names the agents' port, and gives back what it had taken", async () => {
    const agentPort = await squat("127.0.0.1");
    const port = await squat("127.0.0.1");
    await closers.pop()?.();
    const dataDir = join(directory.path, "data");
    await expect(startTestEdge({ port, agentPort, dataDir })).rejects.toMatchObject({
      code: "port_taken",
      message: expect.stringContaining("--agent-port"),
    });
    const running = await start({ port, dataDir });
    expect(running.port).toBe(port);
  });

  it("waits for an address that this machine does not have yet, and says so", async () => {
    const said: unknown[] = [];
    const { edge } = await start({ bind: { target: "10.255.255.254", news: (news) => said.push(news) } });
    expect(said).toMatchObject([{ state: "waiting", target: "10.255.255.254" }]);
    expect(edge.bound?.addresses).toEqual([]);
  });

  it.each([
    ["the Worker's bundle", { workerBundlePath: "/nonexistent/worker.js" }],
    ["the dashboard", { webDir: "/nonexistent/web" }],
  ])("says so when %s is missing", async (_what, options) => {
    await expect(startTestEdge(options)).rejects.toMatchObject({
      code: "bundle_missing",
      message: expect.stringContaining("/nonexistent/"),
    });
  });

  it("says so when the dashboard has no index", async () => {
    const webDir = join(directory.path, "empty");
    mkdirSync(webDir);
    await expect(startTestEdge({ webDir })).rejects.toMatchObject({ code: "bundle_missing" });
  });

  it("quotes workerd when the bundle does not run, and leaves no process", async () => {
    const workerBundlePath = join(directory.path, "broken.js");
    writeFileSync(workerBundlePath, "export default { fetch( }");
    const dataDir = join(directory.path, "data");
    await expect(startTestEdge({ workerBundlePath, dataDir })).rejects.toMatchObject({
      code: "runtime_failed",
      message: expect.stringContaining("SyntaxError"),
    });
    await (await start({ dataDir })).edge.admin("/health");
  });

  it("says what to type when the runtime is not installed", async () => {
    await expect(
      Workerd.start({
        configPath: "",
        environment: {},
        sockets: [],
        readySocket: "",
        lockFd: 0,
        log: () => undefined,
        binary: "/nonexistent/workerd",
      }),
    ).rejects.toMatchObject({ code: "runtime_missing", message: expect.stringContaining("npm ci") });
  });

  it("refuses a data directory in use", async () => {
    const { dataDir } = await start();
    await expect(startTestEdge({ dataDir })).rejects.toMatchObject({ code: "locked" });
  });
});

describe("an additional address", () => {
  const NAME = "edge.example.ts.net";
  const at = (running: TestEdge, host: string, more: Partial<Ask> = {}): Promise<Answer> =>
    ask({
      port: running.port,
      path: "/",
      address: "127.0.0.2",
      headers: { host: `${host}:${running.port}` },
      tls: {},
      ...more,
    });

  it("without a name is for agents only, and says where they dial", async () => {
    const running = await start({ bind: { target: "127.0.0.2" } });
    await expect(at(running, "127.0.0.2")).rejects.toThrow();
    await expect(at(running, "127.0.0.2", { tls: undefined })).rejects.toThrow();
    const agents = await at(running, "127.0.0.2", { port: running.agentPort });
    expect(agents.status).toBe(403);
    expect(running.edge.agentEndpoint).toBe(`wss://127.0.0.2:${running.agentPort}`);
    expect(running.edge.localEndpoint).toBe(`wss://127.0.0.1:${running.agentPort}`);
    expect(readFileSync(join(running.dataDir, "run", "agent-endpoint"), "utf8")).toBe(
      `${running.edge.agentEndpoint}\n`,
    );
    expect(dashboardsOf(running.dataDir)).toEqual({ dashboard: running.edge.signerOrigin });
  });

  it("with one serves the dashboard to it over https, to browsers with a certificate, never in the signer's name", async () => {
    const running = await start({ bind: { target: "127.0.0.2", name: NAME } });
    expect(running.edge.bound).toMatchObject({
      dashboardOrigin: `https://${NAME}:${running.port}`,
      addresses: ["127.0.0.2"],
      browserCertificates: true,
    });
    expect(dashboardsOf(running.dataDir)).toEqual({
      dashboard: running.edge.signerOrigin,
      dailyDashboard: `https://${NAME}:${running.port}`,
    });
    expect((await at(running, NAME)).text).toContain("browser_certificate_missing");
    await expect(at(running, NAME, { tls: undefined })).rejects.toThrow();
    expect((await ask({ port: running.port, path: "/", headers: { host: `${NAME}:${running.port}` } })).status).toBe(
      421,
    );
  });

  it("opens for any browser when that was said", async () => {
    const running = await start({ bind: { target: "127.0.0.2", name: NAME, browserCertificates: false } });
    expect((await at(running, NAME)).status).toBe(200);
    expect((await at(running, "clawhold.localhost")).status).toBe(421);
  });

  it("takes a person's certificate, and its next one when the files change, and keeps it when they do not fit", async () => {
    const files = { certificate: join(directory.path, "cert.pem"), key: join(directory.path, "key.pem") };
    const authority = await makeAuthority("public", new Date());
    const write = async (name = NAME) => {
      const made = await makeServerCertificate(authority, [name], new Date());
      writeFileSync(files.certificate, made.certificate);
      writeFileSync(files.key, made.key, { mode: 0o600 });
      return new X509Certificate(made.certificate).fingerprint256;
    };
    const first = await write();
    const bind = { target: "127.0.0.2", name: NAME, tlsFiles: files, browserCertificates: false };
    const running = await start({ bind });
    const shown = async (): Promise<string> => {
      const socket = connectTls({ host: "127.0.0.2", port: running.port, servername: NAME, rejectUnauthorized: false });
      await once(socket, "secureConnect");
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    expect(await shown()).toBe(first);
    const second = await write();
    await running.edge.reload();
    expect(await shown()).toBe(second);
    await write("other.example");
    await running.edge.reload();
    expect(await shown()).toBe(second);
    expect(running.events).toContainEqual(expect.objectContaining({ code: "certificate_not_renewed" }));
  });

  it("may come later than the edge", async () => {
    const interfaces: Record<string, { address: string }[]> = { lo: [{ address: "127.0.0.1" }] };
    const running = await start({ bind: { target: "wg0", interfaces: () => interfaces } });
    expect(running.edge.agentEndpoint).toBe(running.edge.localEndpoint);
    interfaces["wg0"] = [{ address: "127.0.0.2" }];
    await eventually(() => running.edge.agentEndpoint.startsWith("wss://127.0.0.2:"));
    expect((await at(running, "x", { port: running.agentPort })).status).toBe(403);
    expect(readFileSync(join(running.dataDir, "run", "agent-endpoint"), "utf8")).toBe(
      `${running.edge.agentEndpoint}\n`,
    );
  });

  it.each([
    [{ target: "0.0.0.0" }, "bind_public"],
    [{ target: "203.0.113.5" }, "bind_public"],
    [{ target: "a b" }, "bind_refused"],
    [{ target: "127.0.0.2", name: "10.0.0.1" }, "bind_refused"],
    [{ target: "127.0.0.2", tlsFiles: { certificate: "/none", key: "/none" } }, "bind_refused"],
    [{ target: "127.0.0.2", name: NAME, tlsFiles: { certificate: "/none", key: "/none" } }, "tls_files"],
  ])("is refused before a port is taken: %j", async (bind, code) => {
    await expect(startTestEdge({ bind })).rejects.toMatchObject({ code });
  });
});

describe("sudden death", () => {
  it("of workerd is followed by a new one that has everything", async () => {
    const { edge, port, events } = await start({
      migrations: [{ name: "0001.sql", sql: "CREATE TABLE t (id INTEGER);" }],
    });
    for (let round = 1; round <= 3; round += 1) {
      await edge.admin("/api/sql", [{ sql: `INSERT INTO t VALUES (${round})` }]);
      process.kill(edge.pids.workerd ?? 0, "SIGKILL");
      await eventually(async () => edge.restarts === round && (await ask({ port, path: "/api/echo" })).status === 200);
    }
    expect(await edge.admin("/api/sql", [{ sql: "SELECT count(*) AS n FROM t" }])).toMatchObject([
      { results: [{ n: 3 }] },
    ]);
    expect(events).toContainEqual(expect.objectContaining({ code: "workerd_exited" }));
    expect(events).toContainEqual(expect.objectContaining({ code: "workerd_restarted" }));
  });

  it("of workerd during a stop is not followed by anything", async () => {
    const running = await startTestEdge();
    process.kill(running.edge.pids.workerd ?? 0, "SIGKILL");
    await running.stop();
    expect(isAlive(running.edge.pids.workerd ?? 0)).toBe(false);
  });

  it("of the whole program leaves no workerd, and the next start succeeds", async () => {
    const dataDir = join(directory.path, "data");
    const script = fileURLToPath(new URL("fixtures/run-edge.ts", import.meta.url));
    const child = spawn(process.execPath, [script, dataDir, writeWebBundle(directory.path), STAND_IN_WORKER], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    closers.push(() => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const pid = Number((await lines.next()).value);
    expect(isAlive(pid)).toBe(true);
    child.kill("SIGKILL");
    await eventually(() => !isAlive(pid));
    const running = await start({ dataDir });
    expect(existsSync(join(dataDir, "run", "admin.sock"))).toBe(true);
    await running.edge.admin("/health");
  });
});
