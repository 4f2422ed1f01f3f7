import { createServer, request, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { connectionBudget, filesNeeded, sayTooFew } from "../../../agent/edge/open-files.ts";
import { trackConnections } from "../../../agent/edge/loopback.ts";
import { Traffic } from "../../../agent/edge/traffic.ts";
import { eventually } from "./fixtures/harness.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serve(traffic: Traffic, server: Server): Promise<number> {
  closers.push(trackConnections(server));
  traffic.watch(server, "dashboard");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  closers.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

const unlimited = { maxConnections: 1_000, onFull: () => undefined };

describe("connections", () => {
  it("are refused beyond the bound, on all listeners together, and said once", async () => {
    let said = 0;
    const traffic = new Traffic({ maxConnections: 2, onFull: () => (said += 1) });
    const one = await serve(traffic, createServer());
    const other = await serve(traffic, createServer());
    await dial(one);
    const second = await dial(other);
    await eventually(() => traffic.connections === 2);
    for (const port of [one, other, one]) await once(await dial(port), "close");
    expect([traffic.connections, traffic.refusedConnections, said]).toEqual([2, 3, 1]);
    second.destroy();
    await eventually(() => traffic.connections === 1);
    await dial(one);
    await eventually(() => traffic.connections === 2);
  });

  it("fit into the files that may be open, with room for the rest", () => {
    for (const limit of [1_024, 4_096, 65_536]) {
      const connections = connectionBudget(limit);
      expect(connections * 6 + 500).toBeLessThanOrEqual(limit);
    }
    expect(connectionBudget(300)).toBe(16);
    expect(connectionBudget(undefined)).toBeGreaterThanOrEqual(16);
  });

  it("of so many hosts need so many files, which is said when there are fewer", () => {
    const said: string[] = [];
    const log = ({ detail }: { readonly detail: string }): number => said.push(detail);
    expect(filesNeeded(1_000)).toBe(7_000);
    sayTooFew(7_000, 1_000, log);
    sayTooFew(undefined, 1_000, log);
    expect(said).toEqual([]);
    sayTooFew(6_999, 1_000, log);
    expect(said).toEqual([expect.stringContaining("may open 6999 files, and its 1000 hosts need 7000")]);
  });
});

describe("draining", () => {
  it("takes nothing new, answers what is under way, and keeps no connection after its answer", async () => {
    const traffic = new Traffic(unlimited);
    let answer: () => void = () => undefined;
    const server = createServer((_request, response) => {
      answer = () => response.end("late");
    });
    const port = await serve(traffic, server);
    const outgoing = request({ port, host: "127.0.0.1", agent: false, headers: { connection: "keep-alive" } }).end();
    const answered = once(outgoing, "response");
    await eventually(async () => !(await traffic.settled("requests", 0)));
    traffic.stopAccepting();
    expect(traffic.isDraining).toBe(true);
    // Not by dialling: the port is free now, and another test may have it.
    expect(server.listening).toBe(false);
    expect(await traffic.settled("requests", 20)).toBe(false);
    answer();
    const [response] = await answered;
    expect(response.statusCode).toBe(200);
    response.resume();
    expect(await traffic.settled("requests", 5_000)).toBe(true);
    await eventually(() => traffic.connections === 0);
  });

  it("ends a kept connection with its next answer", async () => {
    const traffic = new Traffic(unlimited);
    const port = await serve(
      traffic,
      createServer((_request, response) => response.end("ok")),
    );
    const socket = await dial(port);
    let heard = "";
    socket.setEncoding("utf8").on("data", (text: string) => (heard += text));
    // The request is on its way when the listener closes: its connection is not idle any more, or not there yet.
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n");
    await eventually(() => traffic.connections === 1);
    traffic.stopAccepting();
    socket.write("\r\n");
    await once(socket, "close");
    expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*connection: close\r\n/i);
  });

  it("counts answers by class, and who left before one", async () => {
    const traffic = new Traffic(unlimited);
    const port = await serve(
      traffic,
      createServer((incoming, response) => {
        if (incoming.url !== "/never") response.writeHead(Number(incoming.url?.slice(1))).end();
      }),
    );
    for (const status of [200, 204, 302, 404, 503]) {
      const outgoing = request({ port, host: "127.0.0.1", path: `/${status}`, agent: false }).end();
      const [response] = await once(outgoing, "response");
      response.resume();
    }
    const leaving = request({ port, host: "127.0.0.1", path: "/never", agent: false }).end();
    leaving.on("error", () => undefined);
    await eventually(async () => !(await traffic.settled("requests", 0)));
    leaving.destroy();
    await eventually(() => traffic.requests.of("dashboard aborted") === 1);
    const counts = (["2xx", "3xx", "4xx", "5xx"] as const).map((status) => traffic.requests.of(`dashboard ${status}`));
    expect(counts).toEqual([2, 1, 1, 1]);
  });
});
