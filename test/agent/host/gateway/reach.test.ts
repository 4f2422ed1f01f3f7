import { spawn } from "node:child_process";
import { createServer as createPlain, request, type Server } from "node:http";
import { createServer as createStream, type AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Listener } from "../../../../agent/host/gateway/listening.ts";
import { probeDoor } from "../../../../agent/host/gateway/probe-door.ts";
import { Reach, REACH_MILLISECONDS, type ReachDeps } from "../../../../agent/host/gateway/reach.ts";
import { servedDoors } from "../../../../agent/host/gateway/tailscale-serve.ts";
import { startHostileGateway } from "./fixtures/hostile-gateway.ts";
import { targetOf } from "./fixtures/watching.ts";

const closers: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const UPTIME = 5_000;
const ready = { answers: true, ready: true, uptimeMilliseconds: UPTIME };

async function gatewayPort(): Promise<number> {
  const gateway = await startHostileGateway();
  closers.push(() => gateway.close());
  return gateway.port;
}

/** In a process of its own, so that what this one has open is not the gateway's. */
async function gatewayApart(): Promise<number> {
  const script = `require("node:http").createServer((_q, a) => a.end('{"ready":true,"uptimeMs":${String(UPTIME)}}'))
    .listen(0, "127.0.0.1", function () { process.stdout.write(this.address().port + "\\n"); });`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  closers.push(() => void child.kill("SIGKILL"));
  return new Promise((resolve) => child.stdout.once("data", (text) => resolve(Number(String(text)))));
}

/** What a machine's owner puts in front: everything is handed on. */
async function proxyTo(port: number, host = "0.0.0.0"): Promise<number> {
  const server = createPlain((asked, answer) => {
    const onward = request({ host: "127.0.0.1", port, path: asked.url, agent: false }, (got) => got.pipe(answer));
    onward.end();
  });
  return listen(server, host);
}

async function listen(server: Server | ReturnType<typeof createStream>, host: string): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** Other programs of this machine are none of the test's business. */
function reachOf(doors: readonly number[], more: Partial<ReachDeps> = {}) {
  const asked: number[] = [];
  let now = 0;
  const reach = new Reach({
    now: () => now,
    tailscale: () => Promise.resolve([]),
    probe: async (door) => {
      if (!doors.includes(door.port)) return { speaksHttp: true, uptimeMilliseconds: undefined };
      asked.push(door.port);
      return probeDoor(door);
    },
    ...more,
  });
  const later = (): number => (now += REACH_MILLISECONDS);
  return { reach, asked, later };
}

describe.runIf(process.platform === "linux")("reach", () => {
  it("finds another socket of the gateway's process that is open to others", async () => {
    const port = await gatewayPort();
    const other = await listen(createStream(), "0.0.0.0");
    await listen(createStream(), "127.0.0.1");
    const { reach } = reachOf([]);
    const found = await reach.look(targetOf(port), ready);
    expect(found).toContainEqual({ address: "0.0.0.0", port: other, loopback: false, uid: process.getuid?.() });
    expect(found.every(({ loopback }) => !loopback)).toBe(true);
  });

  it("finds a proxy by the uptime behind it, whatever is in front, and no other web server", async () => {
    const port = await gatewayApart();
    const proxy = await proxyTo(port);
    const other = await listen(
      createPlain((_asked, answer) => answer.end('{"ready":true,"uptimeMs":99000000}')),
      "0.0.0.0",
    );
    const { reach, asked } = reachOf([proxy, other]);
    const found = await reach.look(targetOf(port), ready);
    expect(new Set(asked)).toEqual(new Set([proxy, other]));
    expect(found.map((listener) => listener.port)).toEqual([proxy]);
    expect(REACH_MILLISECONDS).toBeLessThanOrEqual(30_000);
  });

  it("asks a door that does not speak HTTP once, and looks only now and then", async () => {
    const port = await gatewayPort();
    const asked: string[] = [];
    const { reach, later } = reachOf([], {
      probe: ({ address, port: door }) => {
        asked.push(`${address} ${String(door)}`);
        return Promise.resolve({ speaksHttp: false, uptimeMilliseconds: undefined });
      },
    });
    await reach.look(targetOf(port), ready);
    const first = asked.length;
    await reach.look(targetOf(port), ready);
    later();
    await reach.look(targetOf(port), ready);
    expect(asked).toHaveLength(first);
  });

  it("has nothing to say while the gateway does not answer, and looks at once when it is back", async () => {
    const port = await gatewayPort();
    await listen(createStream(), "0.0.0.0");
    const { reach } = reachOf([]);
    expect(await reach.look(targetOf(port), ready)).not.toEqual([]);
    const down = { answers: false, ready: false, uptimeMilliseconds: undefined };
    expect(await reach.look(targetOf(port), down)).toEqual([]);
    expect(await reach.look(targetOf(port), ready)).not.toEqual([]);
  });

  it("tells what Tailscale serves", async () => {
    const port = await gatewayPort();
    const door: Listener = { address: "100.64.0.9", port: 443, loopback: false, uid: 0 };
    const { reach } = reachOf([], { tailscale: () => Promise.resolve([door]) });
    expect(await reach.look(targetOf(port), ready)).toContainEqual(door);
  });
});

describe("a door", () => {
  it("that says nothing, closes, or sends without end is no gateway", async () => {
    const silent = await listen(
      createStream((socket) => socket.destroy()),
      "127.0.0.1",
    );
    const endless = await listen(
      createPlain((_asked, answer) => answer.end("x".repeat(100_000))),
      "127.0.0.1",
    );
    expect(await probeDoor({ address: "127.0.0.1", port: silent })).toEqual({
      speaksHttp: false,
      uptimeMilliseconds: undefined,
    });
    expect((await probeDoor({ address: "127.0.0.1", port: endless })).uptimeMilliseconds).toBeUndefined();
  });
});

describe("what Tailscale serves", () => {
  const web = (proxy: string, funnel: object = {}): string =>
    JSON.stringify({
      TCP: { "443": { HTTPS: true } },
      Web: { "host.example.ts.net:443": { Handlers: { "/": { Proxy: proxy } } } },
      AllowFunnel: funnel,
    });

  it.each([
    ["http://127.0.0.1:18789"],
    ["http://localhost:18789/"],
    ["https+insecure://localhost:18789"],
    ["127.0.0.1:18789"],
  ])("of the gateway at %s is open to the tailnet", (proxy) => {
    expect(servedDoors(web(proxy), 18_789, "100.64.0.7")).toEqual([
      { address: "100.64.0.7", port: 443, loopback: false, uid: 0 },
    ]);
  });

  it("by funnel is open to everybody", () => {
    const served = servedDoors(
      web("http://127.0.0.1:18789", { "host.example.ts.net:443": true }),
      18_789,
      "100.64.0.7",
    );
    expect(served).toEqual([{ address: "0.0.0.0", port: 443, loopback: false, uid: 0 }]);
  });

  it("by a plain stream is open to the tailnet", () => {
    const text = JSON.stringify({ TCP: { "8443": { TCPForward: "127.0.0.1:18789" } } });
    expect(servedDoors(text, 18_789, "100.64.0.7")).toMatchObject([{ port: 8_443 }]);
  });

  it.each([web("http://127.0.0.1:3000"), web("http://10.0.0.1:18789"), "", "null", "[1]", '{"TCP":{"x":{}}}'])(
    "%j is nothing of the gateway's",
    (text) => expect(servedDoors(text, 18_789, "100.64.0.7")).toEqual([]),
  );
});
