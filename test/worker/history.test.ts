/** The figures of a host over time: what it says is kept through an eviction, and only those who may look get it. */
import { beforeAll, describe, expect, it } from "vitest";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { hostOf } from "../../durable-objects/env.ts";
import type { HistoryPoint } from "../../protocol/history.ts";
import { outwardLimits } from "../../protocol/frame-limits.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { HostPeer, type Tunnel } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge, now } from "./client.ts";
import { env } from "./environment.ts";

const FLOOD = 4005;
const VIOLATION = 1008;

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

const history = (host: string, range = "1h") =>
  town.page.call("hostHistory", { params: { host }, query: `?range=${range}` });
const pointsOf = async (host: string): Promise<readonly HistoryPoint[]> =>
  (await town.page.must("hostHistory", { params: { host }, query: "?range=1h" }))["points"] as HistoryPoint[];
const heard = async (tunnel: Tunnel): Promise<void> => {
  tunnel.say({ kind: "trust-want" });
  await tunnel.next("trust");
};
const keptOf = ({ host }: HostPeer): Promise<number> =>
  runInDurableObject(
    hostOf(env, town.workspace, host),
    (_, { storage }) =>
      storage.sql.exec("SELECT count(*) AS n FROM latest WHERE name LIKE 'history%'").one()["n"] as number,
  );

describe("hostHistory", () => {
  it("answers what the host said, also after an eviction, and asks the host for what is new", async () => {
    const { peer, tunnel } = await admittedTo(town, "with a past");
    const at = now();
    const samples = [120, 60].map((ago, i) => ({
      at: at - ago,
      state: "running",
      sessions: 3,
      jobs: { ok: i, failed: 0 },
    }));
    tunnel.say({ kind: "history", samples });
    await heard(tunnel);
    await evictDurableObject(hostOf(env, town.workspace, peer.host));
    const points = await pointsOf(peer.host);
    expect(points.length).toBe(61);
    expect(points.filter(({ samples: count }) => count > 0)).toMatchObject([
      { sessions: 3, jobsOk: 0 },
      { sessions: 3, jobsOk: 1 },
    ]);
    expect(await tunnel.next("watch")).toMatchObject({ kind: "watch" });
  });

  it("knows neither a host that nobody admitted nor one that never joined", async () => {
    const peer = await HostPeer.at(edge, "waits with a past", town.workspace);
    await peer.join();
    const tunnel = await peer.open();
    tunnel.say({ kind: "history", samples: [{ at: now(), state: "running" }] });
    await heard(tunnel);
    expect(await keptOf(peer)).toBe(0);
    for (const host of [peer.host, "h-0000000000000000"])
      expect(await history(host)).toMatchObject({ status: 404, body: { code: "host_unknown" } });
  });

  it.each(["", "2h", "constructor"])("refuses the range %j", async (range) => {
    const { peer } = await admittedTo(town, `with range ${range}`);
    expect(await history(peer.host, range)).toMatchObject({ status: 400, body: { code: "malformed_request" } });
  });
});

describe("history frames", () => {
  it("with a field that is not of the schema end the tunnel", async () => {
    const { peer, tunnel } = await admittedTo(town, "says more");
    tunnel.say({ kind: "history", samples: [{ at: now(), state: "running", title: "a secret" }] });
    expect(await tunnel.closed()).toBe(VIOLATION);
    expect(await keptOf(peer)).toBe(0);
  });

  it("beyond their rate end the tunnel", async () => {
    const { tunnel } = await admittedTo(town, "says it often");
    const frame = { kind: "history", samples: [{ at: now(), state: "running" }] };
    for (let i = 0; i <= outwardLimits.history.perMinute; i += 1) tunnel.say(frame);
    expect(await tunnel.closed()).toBe(FLOOD);
  });
});
