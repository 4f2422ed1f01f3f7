/** Figures are asked for while somebody looks, and what is shown of a silent host's time is true. */
import { beforeAll, describe, expect, it } from "vitest";
import { evictDurableObject } from "cloudflare:test";
import { hostOf } from "../../durable-objects/env.ts";
import type { HostRow } from "../../protocol/contracts.ts";
import { WATCH_SECONDS } from "../../protocol/limits.ts";
import { PING, PONG } from "../../protocol/tunnel.ts";
import { admittedTo } from "../fixtures/edge/admitted.ts";
import { HostPeer, telemetryOf } from "../fixtures/edge/host-peer.ts";
import { Town } from "../fixtures/edge/town.ts";
import { edge, now } from "./client.ts";
import { env } from "./environment.ts";

let town: Town;
beforeAll(async () => {
  town = await Town.at(edge);
});

const rowOf = async (host: string): Promise<HostRow> =>
  (await town.page.must("host", { params: { host } }))["host"] as HostRow;
const watches = (tunnel: { readonly heard: readonly { readonly kind: string }[] }): number =>
  tunnel.heard.filter(({ kind }) => kind === "watch").length;

describe("somebody looks", () => {
  it("and the host is told for how long that counts, once for many looks", async () => {
    const { peer, tunnel } = await admittedTo(town, "looked at");
    expect(watches(tunnel)).toBe(0);
    await rowOf(peer.host);
    expect(await tunnel.next("watch")).toEqual({ kind: "watch", seconds: WATCH_SECONDS });
    await rowOf(peer.host);
    await town.page.must("hosts");
    expect(watches(tunnel)).toBe(1);
  });

  it("but not a machine that only lists the hosts", async () => {
    const { peer, tunnel } = await admittedTo(town, "counted only");
    const stub = hostOf(env, town.workspace, peer.host);
    expect(await stub.row(town.workspace, peer.host)).toMatchObject({ connected: true });
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    expect(watches(tunnel)).toBe(0);
  });

  it("and a host that waits to be admitted is not asked", async () => {
    const peer = await HostPeer.at(edge, "waits unasked", town.workspace);
    await peer.join();
    const tunnel = await peer.open();
    await rowOf(peer.host);
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    expect(watches(tunnel)).toBe(0);
  });
});

describe("times of a host that says little", () => {
  it("figures carry the time when they came, through an eviction", async () => {
    const { peer, tunnel } = await admittedTo(town, "figures of then");
    const before = now();
    const telemetry = telemetryOf();
    tunnel.say({ kind: "telemetry", telemetry });
    tunnel.say({ kind: "trust-want" });
    await tunnel.next("trust");
    const { telemetryAt } = await rowOf(peer.host);
    expect(telemetryAt).toBeGreaterThanOrEqual(before);
    expect(telemetryAt).toBeLessThanOrEqual(now());
    await evictDurableObject(hostOf(env, town.workspace, peer.host));
    expect(await rowOf(peer.host)).toMatchObject({ telemetryAt, telemetry });
  });

  it("a keep-alive that the runtime answered counts as heard, also when it was the last", async () => {
    const { peer, tunnel } = await admittedTo(town, "sleeps and pings");
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const before = now();
    const answered = new Promise<void>((resolve) => {
      tunnel.socket.addEventListener("message", ({ data }) => {
        if (data === PONG) resolve();
      });
    });
    tunnel.socket.send(PING);
    await answered;
    expect((await rowOf(peer.host)).lastSeen).toBeGreaterThanOrEqual(before);
    tunnel.socket.close(1000);
    for (;;) {
      const row = await rowOf(peer.host);
      if (row.connected) continue;
      expect(row.lastSeen).toBeGreaterThanOrEqual(before);
      return;
    }
  });
});
