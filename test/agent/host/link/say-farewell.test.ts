import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sayFarewell } from "../../../../agent/host/link/say-farewell.ts";
import type { LastWords } from "../../../../agent/host/reset.ts";
import { readHostKeys } from "../../../../agent/host/warden/keys.ts";
import { makeFarewell, makeReceipt, NO_RECEIPTS, positionOf } from "../../../../agent/host/warden/receipts.ts";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { nonceOf, signerOf } from "../../../fixtures/keys.ts";
import { NOW } from "../../../fixtures/workspace.ts";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { temporary, theWorld, writeKeys } from "../warden/rig.ts";
import { startConnectProxy } from "./connect-proxy.ts";
import { greet, startScriptedEdge, type Connection, type ScriptedEdge } from "./scripted-edge.ts";

let edge: ScriptedEdge;
let words: LastWords;
beforeEach(async () => {
  edge = await startScriptedEdge(["127.0.0.1", "edge.test"]);
  const world = await theWorld();
  const { workspace, host } = world;
  const signer = await signerOf("host");
  const draft = { intent: nonceOf("i"), verdict: "executed", started: NOW, ended: NOW, observed: {} } as const;
  const context = { workspace, host, trustHead: world.state.head, signer };
  const receipt = await makeReceipt(draft, NO_RECEIPTS, context);
  const directory = temporary();
  writeKeys(directory);
  const keys = readHostKeys(join(directory, "keys.json"));
  rmSync(directory, { recursive: true });
  if (keys === undefined) throw new TypeError("no keys");
  words = {
    host: { v: 1, edge: edge.url, workspace, host, label: "x", colocated: false, gateway: { kind: "none" } },
    tls: edge.tls,
    keys,
    farewell: await makeFarewell(positionOf(receipt), { workspace, host, signer, at: NOW }),
    receipts: [receipt],
  };
});
afterEach(() => edge.stop());

const say = (timeoutMilliseconds = 5_000): Promise<boolean> =>
  sayFarewell(words, { nonce: () => nonceOf("hello"), environment: {}, timeoutMilliseconds });
async function greeted(): Promise<Connection> {
  const connection = await edge.next();
  await greet(connection, { world: await theWorld(), fingerprint: edge.fingerprint });
  await connection.frame("farewell");
  return connection;
}

describe("the last word", () => {
  it("follows the receipts that the edge has not confirmed, and is done when it is confirmed itself", async () => {
    const told = say();
    const connection = await greeted();
    expect(connection.frames.map(({ kind }) => kind)).toEqual(["hello", "receipt", "farewell"]);
    connection.send({ kind: "ack", receipt: 1 });
    connection.send({ kind: "ack", receipt: 2 });
    expect(await told).toBe(true);
    await connection.closed;
  });

  it("goes through the proxy of the environment", async () => {
    const { port } = new URL(edge.url);
    const proxy = await startConnectProxy({ names: { "edge.test": Number(port) } });
    words = { ...words, host: { ...words.host, edge: `wss://edge.test:${port}` } };
    const told = sayFarewell(words, { nonce: () => nonceOf("hello"), environment: { HTTPS_PROXY: proxy.url } });
    const connection = await greeted();
    connection.send({ kind: "ack", receipt: 2 });
    expect(await told).toBe(true);
    expect(proxy.asked).toHaveLength(1);
    await proxy.stop();
  });

  it("is not taken for confirmed by the word about an earlier receipt", async () => {
    const told = say();
    const connection = await greeted();
    connection.send({ kind: "ack", receipt: 1 });
    connection.socket.close();
    expect(await told).toBe(false);
  });

  it("executes nothing on the way out, whatever it is sent", async () => {
    const told = say();
    const connection = await greeted();
    connection.send({ kind: "deliver", number: 1, envelope: toBase64url(new Uint8Array([0x7b])) });
    connection.send({ kind: "ack", receipt: 2 });
    expect(await told).toBe(true);
    expect(connection.frames.map(({ kind }) => kind)).toEqual(["hello", "receipt", "farewell"]);
  });

  it("gives up on an edge that is silent, speaks something else, refuses, or is not there", async () => {
    expect(await say(50)).toBe(false);
    const told = say();
    (await edge.next()).socket.send("garbage");
    expect(await told).toBe(false);
    edge.problem = { status: 403, code: "certificate_revoked" };
    expect(await say()).toBe(false);
    await edge.stop();
    expect(await say()).toBe(false);
  });
});
