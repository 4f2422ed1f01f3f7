import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drain } from "../../../agent/edge/drain.ts";
import type { EdgeEvent } from "../../../agent/edge/edge-log.ts";
import { trackConnections } from "../../../agent/edge/loopback.ts";
import { Traffic } from "../../../agent/edge/traffic.ts";
import { makeDirectory } from "./fixtures/harness.ts";

let directory: ReturnType<typeof makeDirectory>;
let server: Server;
let close: () => Promise<void>;
let traffic: Traffic;
let events: EdgeEvent[];
let arrived: Promise<ServerResponse>;
beforeEach(async () => {
  directory = makeDirectory();
  events = [];
  traffic = new Traffic({ maxConnections: 10, onFull: () => undefined });
  server = createServer();
  arrived = once(server, "request").then(([, response]) => response as ServerResponse);
  close = trackConnections(server);
  traffic.watch(server, "dashboard");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await close();
  directory.remove();
});

const deps = (seconds: number) => ({
  traffic,
  adminSocket: join(directory.path, "admin.sock"),
  log: (event: EdgeEvent) => events.push(event),
  seconds,
});

function ask(): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", agent: false }, resolve).on("error", reject).end();
  });
}

describe("the end of serving", () => {
  it("waits for what is under way", async () => {
    const asked = ask();
    const response = await arrived;
    let isOver = false;
    const drained = drain(deps(30)).then(() => (isOver = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isOver).toBe(false);
    response.end("done");
    const answer = await asked;
    answer.resume();
    expect(answer.statusCode).toBe(200);
    await drained;
    expect(events).toEqual([]);
  });

  it("does not wait for ever, and says that it cut something", async () => {
    const asked = ask();
    await arrived;
    await drain(deps(0.05));
    expect(events.map(({ code }) => code)).toEqual(["requests_cut"]);
    const refused = expect(asked).rejects.toThrow();
    await close();
    await refused;
  });

  it("goes on when the runtime does not tell the hosts", async () => {
    traffic.upgraded("agents", 101, new PassThrough());
    await drain(deps(1));
    expect(events.map(({ code }) => code)).toEqual(["drain_untold"]);
  });

  it("bothers nobody where no host is connected", async () => {
    await drain(deps(1));
    expect(events).toEqual([]);
  });
});
