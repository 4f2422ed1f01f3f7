/** Commands on their way to a host: in sequence, so many at a time, again after every loss, and each with one end. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { hostOf } from "../../durable-objects/env.ts";
import { MAX_UNANSWERED_DELIVERIES, MAX_UNANSWERED_PREPARES } from "../../protocol/limits.ts";
import { PING, PONG } from "../../protocol/tunnel.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import type { HostPeer, Tunnel } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { edge, ledgerBodies } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

const stubOf = ({ host }: HostPeer) => hostOf(env, town.workspace, host);
const intentOf = (peer: HostPeer, i: number): string => nonceOf(`${peer.host} command ${String(i)}`);

/** Commands as the edge keeps them once they are in the ledger; what they ask for is the same. */
async function accepted(peer: HostPeer, count: number): Promise<void> {
  const { bytes } = await town.submission(peer.host);
  const submission = new TextDecoder().decode(bytes);
  await runInDurableObject(stubOf(peer), (_, state) => {
    for (let i = 1; i <= count; i += 1)
      state.storage.sql.exec(
        "INSERT INTO commands (intent, submission, ledger_index, state) VALUES (?, ?, ?, 'queued')",
        intentOf(peer, i),
        submission,
        i,
      );
  });
}

async function gone(peer: HostPeer, tunnel: Tunnel): Promise<void> {
  tunnel.socket.close(1000);
  await until(async () => !(await isConnected(peer)));
}
async function isConnected(peer: HostPeer): Promise<boolean> {
  const { host } = await town.page.must("host", { params: { host: peer.host } });
  return (host as { connected: boolean }).connected;
}
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}
const delivered = (tunnel: Tunnel): readonly number[] =>
  tunnel.heard.flatMap((frame) => (frame.kind === "deliver" ? [frame.number] : []));
/** The edge has said all that it has to say: it answers one frame after the other. */
async function quiet(tunnel: Tunnel): Promise<void> {
  tunnel.say({ kind: "trust-want" });
  await tunnel.next("trust");
}
const receipted = async (peer: HostPeer): Promise<number> =>
  runInDurableObject(
    stubOf(peer),
    (_, state) => state.storage.sql.exec("SELECT 1 FROM commands WHERE state = 'receipted'").toArray().length,
  );

describe("a hundred commands for a host that was away", () => {
  it("come in order, so many at a time, each once, and all of them end", async () => {
    const { peer, tunnel } = await admittedTo(town, "long away");
    await gone(peer, tunnel);
    await accepted(peer, 100);
    const back = await peer.open((await town.trust()).head);
    const most = MAX_UNANSWERED_DELIVERIES;
    await until(() => delivered(back).length >= most);
    await quiet(back);
    expect(delivered(back)).toEqual(Array.from({ length: most }, (_, i) => i + 1));
    for (let i = 1; i <= 100; i += 1) {
      await until(() => delivered(back).includes(i));
      // Some are refused without a signature: that is an answer too.
      if (i % 10 === 0) back.say({ kind: "refused", subject: intentOf(peer, i), code: "challenge" });
      else back.say(await peer.receipt(intentOf(peer, i), { number: i }));
    }
    await until(async () => (await receipted(peer)) === 90);
    expect(delivered(back)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    await gone(peer, back);
  });
});

describe("a loss on the way", () => {
  it("of the object, in the middle: the next answer brings the next command and none again", async () => {
    const { peer, tunnel } = await admittedTo(town, "evicted");
    await gone(peer, tunnel);
    await accepted(peer, MAX_UNANSWERED_DELIVERIES + 3);
    const back = await peer.open((await town.trust()).head);
    await until(() => delivered(back).length === MAX_UNANSWERED_DELIVERIES);
    await evictDurableObject(stubOf(peer));
    back.say(await peer.receipt(intentOf(peer, 1)));
    expect((await back.next("ack")).receipt).toBe(1);
    await until(() => delivered(back).length === MAX_UNANSWERED_DELIVERIES + 1);
    await quiet(back);
    expect(delivered(back)).toEqual(Array.from({ length: MAX_UNANSWERED_DELIVERIES + 1 }, (_, i) => i + 1));
    await gone(peer, back);
  });

  it("of a receipt: the command comes again, and its receipt counts", async () => {
    const { peer, tunnel } = await admittedTo(town, "receipt lost");
    await gone(peer, tunnel);
    await accepted(peer, 2);
    const first = await peer.open((await town.trust()).head);
    await until(() => delivered(first).length === 2);
    await gone(peer, first);
    const second = await peer.open((await town.trust()).head);
    await until(() => delivered(second).length === 2);
    second.say(await peer.receipt(intentOf(peer, 1)));
    await second.next("ack");
    await gone(peer, second);
    const third = await peer.open((await town.trust()).head);
    await until(() => delivered(third).length === 1);
    expect(delivered(third)).toEqual([2]);
    await gone(peer, third);
  });

  it("of an ack: the receipt is said again, acknowledged again, and stands in the ledger once", async () => {
    const { peer, tunnel } = await admittedTo(town, "ack lost");
    await gone(peer, tunnel);
    await accepted(peer, 1);
    const first = await peer.open((await town.trust()).head);
    await until(() => delivered(first).length === 1);
    const receipt = await peer.receipt(intentOf(peer, 1));
    first.say(receipt);
    await gone(peer, first); // the ack may have gone out; nobody read it
    const second = await peer.open((await town.trust()).head);
    second.say(receipt);
    expect((await second.next("ack")).receipt).toBe(1);
    await gone(peer, second);
    const entries = async (): Promise<readonly unknown[]> =>
      (await ledgerBodies(town.workspace)).filter(
        (entry) =>
          entry["action"] === "command.receipt" &&
          (entry["detail"] as { intent?: string }).intent === intentOf(peer, 1),
      );
    await until(async () => (await entries()).length > 0); // receipts are gathered for a moment
    expect(await entries()).toHaveLength(1);
  });

  it("of what a host claims to have finished: a lastAck skips nothing that has no answer here", async () => {
    const { peer, tunnel } = await admittedTo(town, "boasting");
    await gone(peer, tunnel);
    await accepted(peer, 2);
    const back = await peer.connect();
    await back.hello({ trustHead: (await town.trust()).head, lastAck: 1_000 });
    await back.next("welcome");
    await until(() => delivered(back).length === 2);
    await gone(peer, back);
  });
});

describe("questions to a slow host", () => {
  it("wait so many at a time; the next is told that the host is busy, and nothing is sent", async () => {
    const { peer, tunnel } = await admittedTo(town, "slow");
    const ask = async () => {
      const { prepare, digest } = await town.prepareBody(peer.host);
      return { digest, answer: town.page.call("prepare", { params: { host: peer.host }, body: { prepare } }) };
    };
    const open = await Promise.all(Array.from({ length: MAX_UNANSWERED_PREPARES }, ask));
    for (let i = 0; i < MAX_UNANSWERED_PREPARES; i += 1) await tunnel.next("prepare");
    expect((await (await ask()).answer).code).toBe("busy");
    expect(tunnel.heard.filter(({ kind }) => kind === "prepare")).toHaveLength(MAX_UNANSWERED_PREPARES);
    for (const { digest } of open) tunnel.say({ kind: "refused", subject: digest, code: "busy" });
    await Promise.all(open.map(({ answer }) => answer));
    const after = await ask();
    await tunnel.answerPrepare();
    expect((await after.answer).status).toBe(200);
    await gone(peer, tunnel);
  });
});

describe("an idle tunnel", () => {
  it("is kept alive by the runtime: an object that sleeps does not wake for pings", async () => {
    const { peer, tunnel } = await admittedTo(town, "idle");
    await quiet(tunnel);
    const socket = tunnel.socket as unknown as WebSocket;
    let pongs = 0;
    socket.addEventListener("message", ({ data }) => {
      if (data === PONG) pongs += 1;
    });
    // Every object makes one when it wakes.
    let woken = 0;
    const Pair = WebSocketRequestResponsePair;
    class Counted extends Pair {
      constructor(request: string, response: string) {
        super(request, response);
        woken += 1;
      }
    }
    await evictDurableObject(stubOf(peer));
    vi.stubGlobal("WebSocketRequestResponsePair", Counted);
    for (let i = 0; i < 3; i += 1) socket.send(PING);
    await until(() => pongs === 3);
    expect(woken).toBe(0);
    await quiet(tunnel);
    expect(woken).toBe(1);
    vi.unstubAllGlobals();
  });
});
