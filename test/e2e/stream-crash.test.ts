/**
 * SIGKILL of the runtime at random moments while entries are written and a far end follows them. What the far end has then
 * is every entry, in order, each in one message and no other; what came twice came under the same name.
 * CLAWHOLD_STREAM_KILLS=N kills N times.
 */
import { randomInt } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StreamRow } from "../../protocol/contracts/streams.ts";
import { FarEnd } from "../fixtures/edge/far-end.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { LedgerRig } from "./ledger/rig.ts";

const KILLS = Number(process.env["CLAWHOLD_STREAM_KILLS"] ?? "8");
if (!Number.isSafeInteger(KILLS) || KILLS < 1) throw new RangeError("CLAWHOLD_STREAM_KILLS is not a number of kills");
const MAX_LIFE_MILLISECONDS = 600;

const workspace = nonceOf("stream crash");
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const change = {
  setting: "streamAdd",
  label: "SIEM",
  url: "https://siem.example/in",
  secret,
  format: "ocsf",
  filter: {},
  from: 1,
};

describe(`after ${KILLS} kills`, () => {
  const far = new FarEnd(secret);
  let server: Server;
  let rig: LedgerRig;
  let size = 0;

  /** Whoever writes is killed too; what it was not told is no matter here. */
  const append = async (count: number): Promise<void> => {
    try {
      size = Math.max(size, await rig.ask<number>("/append", { workspace, count }));
    } catch {
      return; // the runtime has just died
    }
  };
  const row = async (): Promise<StreamRow | undefined> => (await rig.ask<StreamRow[]>("/list", { workspace }))[0];

  beforeAll(
    async () => {
      server = createServer((request, response) => {
        // Cut off in the middle of a message: it has not arrived.
        answer(far, request, response).catch(() => response.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      rig = await LedgerRig.start({
        worker: "test/durable-objects/rig/stream-worker.ts",
        farEnd: `127.0.0.1:${port}`,
      });
      await append(30);
      await rig.ask("/add", { workspace, stream: "s-crash", change });
      for (let i = 0; i < KILLS; i++) {
        const writing = append(randomInt(1, 150));
        await wait(randomInt(MAX_LIFE_MILLISECONDS));
        await rig.kill();
        await writing;
      }
      await append(1);
      for (let now = await row(); now === undefined || now.cursor < size; now = await row()) await wait(200);
    },
    120_000 + KILLS * 10_000,
  );
  afterAll(async () => {
    await rig.stop();
    server.closeAllConnections();
    server.close();
  });

  it("every entry arrived once, in order", () => {
    const brought = far.accepted.flatMap(({ body }) => indicesOf(body));
    expect(brought.slice(0, size)).toEqual(Array.from({ length: size }, (_, i) => i + 1));
    expect(far.refused).toEqual([]);
  });

  it("what came twice came under its own name, and could be dropped", () => {
    const names = far.accepted.map(({ id }) => id);
    expect(new Set(names).size).toBe(names.length);
    expect(far.repeated.every((name) => names.includes(name))).toBe(true);
  });
});

function indicesOf(body: string): readonly number[] {
  return body
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { unmapped: { index: number } }).unmapped.index);
}

async function answer(far: FarEnd, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const headers = new Headers(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)] as [string, string]),
  );
  const { status } = await far.handle(
    new Request("https://siem.example/in", { method: "POST", headers, body: Buffer.concat(chunks) }),
  );
  // So slow that some answers are lost with the runtime that waits for them.
  await wait(randomInt(120));
  response.writeHead(status);
  response.end();
}
