/**
 * Checks of gateways against the real OpenClaw gateway from npm: its safest settings pass with the evidence that each check needs, and
 * then each is driven to fail by changing what the gateway reads. Only this gateway of the machine is shown to the collectors.
 */
import { mkdtemp } from "node:fs/promises";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { listenerPids } from "../../../../agent/host/gateway/listener-pid.ts";
import { gatewayCollectors } from "../../../../agent/host/posture/collectors/gateway.ts";
import { nativeCollector } from "../../../../agent/host/posture/collectors/gateway/native.ts";
import { secretsCollectors } from "../../../../agent/host/posture/collectors/secrets.ts";
import type { FactSet } from "../../../../agent/host/posture/facts.ts";
import { linuxMachine } from "../../../../agent/host/posture/linux.ts";
import type { Machine } from "../../../../agent/host/posture/machine.ts";
import { scan, type Scan } from "../../../../agent/host/posture/scan.ts";
import type { CheckId } from "../../../../protocol/posture.ts";
import { isAtLeast } from "../../../../protocol/posture/words.ts";
import { checks } from "../../../../protocol/posture.ts";
import { startToolGateway, type ToolGateway } from "../gateway/fixtures/tool-gateway.ts";

const TOKEN = "f3b1c09d5a7e42688c1d90ab34ef5672d1c8b7a6958473625140fedcba987654";
const safest = {
  gateway: {
    mode: "local",
    bind: "loopback",
    auth: { mode: "token", token: TOKEN },
    terminal: { enabled: false },
    nodes: { pairing: { autoApproveLocal: false, sshVerify: false } },
  },
  tools: { exec: { mode: "ask" }, elevated: { enabled: false } },
};
const open = {
  gateway: {
    ...safest.gateway,
    bind: "lan",
    auth: {
      mode: "token",
      token: "open-sesame",
      rateLimit: { maxAttempts: 100_000, windowMs: 60_000, lockoutMs: 1_000 },
    },
    controlUi: { allowedOrigins: ["*"] },
    nodes: { pairing: { autoApproveLocal: true } },
  },
  tools: { exec: { security: "full", ask: "off" }, elevated: { enabled: true, allowFrom: { webchat: ["*"] } } },
  hooks: { enabled: true, token: "short" },
  discovery: { mdns: { mode: "full" } },
};

let gateway: ToolGateway | undefined;
const servers: Server[] = [];

afterAll(async () => {
  for (const server of servers) server.close();
  await gateway?.stop();
});

async function start(configuration: Readonly<Record<string, unknown>>): Promise<ToolGateway> {
  await gateway?.stop();
  gateway = await startToolGateway({ directory: await mkdtemp(join(tmpdir(), "posture-gateway-")), configuration });
  return gateway;
}

/** This machine, as if nothing ran on it but the gateway and what the test listens with. */
async function alone({ port }: ToolGateway, doors: readonly number[] = []): Promise<Machine> {
  const pids = new Set((await listenerPids(port)).map(String));
  const ports = [port, ...doors].map((one) => one.toString(16).toUpperCase().padStart(4, "0"));
  const real = linuxMachine({
    environment: {},
    homeDirectory: "/nonexistent",
    uid: process.getuid?.() ?? -1,
    self: [process.execPath, fileURLToPath(new URL("../../../../agent/posture-main.ts", import.meta.url))],
  });
  return {
    ...real,
    list: async (path) => (path === "/proc" ? [...pids] : real.list(path)),
    async read(path, maxBytes) {
      if (path === "/etc/passwd")
        return { kind: "text", text: "root:x:0:0::/nonexistent:/bin/sh\n", uid: 0, mode: 0o644 };
      const file = await real.read(path, maxBytes);
      if (!/^\/proc\/net\/(?:tcp|udp)6?$/.test(path) || file.kind !== "text") return file;
      const [head = "", ...lines] = file.text.split("\n");
      const isTcp = path.includes("tcp");
      const own = lines.filter(
        (line) => !isTcp || ports.includes(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /.exec(line)?.[1] ?? ""),
      );
      return { ...file, text: [head, ...own].join("\n") };
    },
  };
}

const collectors = [...gatewayCollectors, ...secretsCollectors];

async function look(of: ToolGateway, doors?: readonly number[]): Promise<Scan> {
  return scan({ machine: await alone(of, doors), lane: "slow", collectors });
}

function finding(found: Scan, check: CheckId) {
  const one = found.findings.find((each) => each.check === check);
  if (one === undefined) throw new Error(`no finding of ${check}`);
  return one;
}

/** Resolves with the port that others can reach. */
async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, "0.0.0.0", resolve));
  return (server.address() as AddressInfo).port;
}

describe("the safest settings of a real gateway", () => {
  let found: Scan;
  let kept: FactSet;

  it("pass, with the evidence that each check needs", async () => {
    const real = await start(safest);
    found = await look(real);
    kept = found.facts;
    const passed = [
      "gw.bind.loopback",
      "gw.port.external",
      "gw.proxy.public",
      "gw.auth.mode",
      "gw.auth.ratelimit",
      "gw.controlui.origins",
      "gw.pairing.manual",
      "gw.channels.closed",
      "gw.exec.asks",
      "gw.version.advisories",
      "gw.rootdir.exposed",
      "gw.mdns.off",
      "gw.plugins.pinned",
      "gw.state.perms",
    ] as const;
    for (const check of passed) {
      const { state, level, shortfalls } = finding(found, check);
      expect({ check, state, shortfalls }).toEqual({ check, state: "pass", shortfalls: [] });
      expect(level !== undefined && isAtLeast(level, checks[check].requires)).toBe(true);
    }
    expect(finding(found, "gw.hooks.signed")).toMatchObject({ state: "not_applicable", reason: "hooks_off" });
    expect(finding(found, "gw.audit.native")).toMatchObject({ state: "unverified", reason: "not_run" });
    expect(finding(found, "cfg.versioned").state).toBe("fail");
  });
  it("leave no secret in any fact", () => {
    expect(JSON.stringify(found)).not.toContain(TOKEN);
  });
  it("are not asked for again while nothing moved, and are when the file did", async () => {
    const machine = await alone(gateway as ToolGateway);
    const again = await scan({ machine, lane: "fast", collectors, kept });
    expect(again.facts["gateway.applied"]).toBe(kept["gateway.applied"]);
    expect(again.facts["gateway.doors"]).toBe(kept["gateway.doors"]);
  });
  it("are passed on by a proxy, and files handed out by a careless server: seen in the fast lane", async () => {
    const real = gateway as ToolGateway;
    const proxy = await listen(
      createServer((asked, answer) => {
        const { method, url: path } = asked;
        const passed = request({ host: "127.0.0.1", port: real.port, method, path }, (given) => {
          answer.writeHead(given.statusCode ?? 502, { "content-type": given.headers["content-type"] ?? "text/plain" });
          given.pipe(answer);
        });
        // Others on this machine may knock, also when the gateway is gone.
        passed.on("error", () => answer.destroy());
        asked.pipe(passed);
      }),
    );
    const careless = await listen(
      createServer(({ url }, answer) => {
        const files: Readonly<Record<string, string>> = {
          "/": "<html><head><title>Index of /</title></head></html>",
          "/.env": "OPENAI_API_KEY=not-a-key\n",
          "/.openclaw/openclaw.json": "{gateway: {port: 18789}, // mine\n}",
        };
        const text = files[url ?? ""];
        answer.writeHead(text === undefined ? 404 : 200).end(text ?? "no");
      }),
    );
    const seen = await scan({ machine: await alone(real, [proxy, careless]), lane: "fast", collectors, kept });
    expect(finding(seen, "gw.proxy.public").shortfalls).toEqual([
      `0.0.0.0 port ${String(proxy)} passes on to the gateway without asking who comes`,
    ]);
    expect(finding(seen, "gw.rootdir.exposed").shortfalls).toEqual([
      `the web server on 0.0.0.0 port ${String(careless)} hands out a list of the files in its root directory (/)`,
      `the web server on 0.0.0.0 port ${String(careless)} hands out /.env`,
      `the web server on 0.0.0.0 port ${String(careless)} hands out /.openclaw/openclaw.json`,
    ]);
    expect(JSON.stringify(seen)).not.toContain("not-a-key");
    for (const server of servers.splice(0)) server.close();
  });
  it.runIf(process.getuid?.() === 0)("hold before the gateway's own audit, which runs without a network", async () => {
    const machine = await alone(gateway as ToolGateway);
    const deep = await scan({ machine, lane: "slow", collectors: [...collectors, nativeCollector()] });
    const { state, level, shortfalls } = finding(deep, "gw.audit.native");
    expect({ state, shortfalls }).toEqual({ state: "pass", shortfalls: [] });
    expect(level).toBe("effective");
  });
});

describe("careless settings of a real gateway", () => {
  it("fail, each in its own words", async () => {
    const real = await start(open);
    const found = await look(real);
    const said = Object.fromEntries(
      found.findings.map(({ check, state, shortfalls }) => [check, `${state}: ${shortfalls.join("; ")}`]),
    );
    expect(said["gw.bind.loopback"]).toMatch(/^fail: .*listens on 0\.0\.0\.0 port.*gateway\.bind is lan/);
    expect(said["gw.port.external"]).toMatch(/^fail: .* answers/);
    expect(said["gw.auth.mode"]).toMatch(/^fail: .*is weak: 11 characters/);
    expect(said["gw.auth.ratelimit"]).toMatch(/^fail: .*maxAttempts is 100000/);
    expect(said["gw.controlui.origins"]).toMatch(/^fail: .*holds a \*/);
    expect(said["gw.pairing.manual"]).toMatch(/^fail: .*autoApproveLocal/);
    expect(said["gw.channels.closed"]).toMatch(/^fail: .*tools\.elevated\.allowFrom\.webchat/);
    expect(said["gw.exec.asks"]).toMatch(/^fail: .*neither limits commands/);
    expect(said["gw.mdns.off"]).toMatch(/^fail: .*mdns\.mode is full/);
    expect(said["gw.hooks.signed"]).toMatch(/^fail: hooks\.token has 5 characters/);
    // Its token was tried for, all the same: it refuses.
    expect(found.facts["gateway.hooks"]).toMatchObject({ value: [{ verdict: "refused" }] });
  });
  it("without any secret are let in, and that is seen", async () => {
    const real = await start({ ...safest, gateway: { ...safest.gateway, auth: { mode: "none" } } });
    const found = await look(real);
    expect(finding(found, "gw.auth.mode").shortfalls).toEqual([
      "gateway.auth.mode is none",
      "a WebSocket without a secret was let in",
      "an HTTP request without a secret was let in",
    ]);
  });
});
