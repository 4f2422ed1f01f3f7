import { once } from "node:events";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { makeServerCertificate } from "../../../agent/edge/certificates.ts";
import { issueClient } from "./fixtures/client-certificates.ts";
import { startTestEdge, type TestEdge } from "./fixtures/harness.ts";

let running: TestEdge | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const DAY = 86_400_000;

function keysOf({ dataDir }: TestEdge): { agentAuthority: never; edgeAuthority: never } {
  return JSON.parse(readFileSync(join(dataDir, "keys", "edge.json"), "utf8"));
}

/** A tunnel as an agent's: our authority pinned, a client certificate, TLS 1.3. */
async function openTunnel(edge: TestEdge): Promise<WebSocket> {
  const { key, cert } = await issueClient(keysOf(edge).agentAuthority, {
    notBefore: new Date(Date.now() - 70 * DAY),
  });
  const socket = new WebSocket(`${edge.edge.agentEndpoint}/tunnel`, {
    key,
    cert,
    ca: edge.edge.edgeCaCertificate,
    perMessageDeflate: false,
  });
  await once(socket, "open");
  return socket;
}

async function shownCertificate({ agentPort, edge }: TestEdge): Promise<string> {
  const socket: TLSSocket = connect({ port: agentPort, host: "127.0.0.1", ca: edge.edgeCaCertificate });
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

async function echo(socket: WebSocket, text: string): Promise<string> {
  const heard = once(socket, "message");
  socket.send(text);
  return String((await heard)[0]);
}

describe("a reload", () => {
  it("gives new connections a renewed certificate from two thirds of its life on, and keeps every tunnel", async () => {
    // It began 61 days ago, so that what is made today is good today.
    let now = Date.now() - 61 * DAY;
    running = await startTestEdge({ now: () => new Date(now) });
    const first = await shownCertificate(running);
    const tunnel = await openTunnel(running);
    expect(await echo(tunnel, "one")).toBe("one");
    now += 59 * DAY;
    await running.edge.reload();
    expect(await shownCertificate(running)).toBe(first);
    now += 2 * DAY;
    await running.edge.reload();
    const second = await shownCertificate(running);
    expect(second).not.toBe(first);
    expect(await echo(tunnel, "two")).toBe("two");
    tunnel.close();
  });

  it("takes a certificate that somebody put on the disk, if it is of our authority", async () => {
    running = await startTestEdge();
    const first = await shownCertificate(running);
    const tunnel = await openTunnel(running);
    const file = join(running.dataDir, "keys", "server.json");
    const names = ["127.0.0.1", "::1", "localhost"];
    const made = await makeServerCertificate(keysOf(running).edgeAuthority, names, new Date());
    writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
    await running.edge.reload();
    const second = await shownCertificate(running);
    expect(second).not.toBe(first);
    // One that agents would not believe is replaced, not shown.
    const foreign = await makeServerCertificate(keysOf(running).agentAuthority, names, new Date());
    writeFileSync(file, JSON.stringify(foreign), { mode: 0o600 });
    await running.edge.reload();
    expect(await shownCertificate(running)).not.toBe(second);
    expect(await echo(tunnel, "still here")).toBe("still here");
    tunnel.close();
  });

  it("goes on in a new log", async () => {
    running = await startTestEdge();
    const path = join(running.dataDir, "log", "edge.log");
    renameSync(path, `${path}.moved`);
    await running.edge.reload();
    expect(readFileSync(path, "utf8")).toMatch(/^\S+ info reloaded [^\n]*\n$/);
  });
});
