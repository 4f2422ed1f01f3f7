import { afterEach, describe, expect, it } from "vitest";
import { takeBound, type BindNews, type Bound } from "../../../../agent/edge/bind/bound.ts";
import type { Interfaces } from "../../../../agent/edge/bind/interfaces.ts";
import { EdgeError } from "../../../../agent/shared/edge-error.ts";

class Machine {
  interfaces: Record<string, { address: string }[]> = { lo: [{ address: "127.0.0.1" }] };
  readonly open = new Set<string>();
  readonly prepared: (readonly string[])[] = [];
  readonly news: BindNews[] = [];
  failure: Error | undefined;

  bind(name: string, allowPublic = false): Promise<Bound> {
    return takeBound({
      target: { kind: "interface", name },
      allowPublic,
      interfaces: (): Interfaces => this.interfaces,
      prepare: async (addresses) => void this.prepared.push(addresses),
      take: async (address) => {
        if (this.failure !== undefined) throw this.failure;
        this.open.add(address);
        return { close: async () => void this.open.delete(address) };
      },
      news: (said) => this.news.push(said),
    });
  }
}

let bound: Bound | undefined;
afterEach(() => bound?.close());

const at = (...addresses: readonly string[]) => addresses.map((address) => ({ address }));

describe("an interface", () => {
  it("is listened on at each of its addresses, after the certificate names them", async () => {
    const machine = new Machine();
    machine.interfaces["wg0"] = at("10.9.0.1", "fd00::1");
    bound = await machine.bind("wg0");
    expect([...machine.open]).toEqual(["10.9.0.1", "fd00::1"]);
    expect(machine.prepared).toEqual([["10.9.0.1", "fd00::1"]]);
    expect(bound.addresses).toEqual(["10.9.0.1", "fd00::1"]);
    expect(machine.news).toEqual([
      { state: "listening", address: "10.9.0.1" },
      { state: "listening", address: "fd00::1" },
    ]);
  });

  it("is waited for, with what this machine has instead", async () => {
    const machine = new Machine();
    bound = await machine.bind("tun0");
    expect(machine.news).toEqual([{ state: "waiting", target: "tun0", seen: ["lo"] }]);
    machine.interfaces["tun0"] = at("10.8.0.1");
    await bound.look();
    expect([...machine.open]).toEqual(["10.8.0.1"]);
  });

  it("is followed when its address changes, goes and comes back", async () => {
    const machine = new Machine();
    machine.interfaces["wg0"] = at("10.9.0.1");
    bound = await machine.bind("wg0");
    machine.interfaces["wg0"] = at("10.9.0.2");
    await bound.look();
    expect([...machine.open]).toEqual(["10.9.0.2"]);
    delete machine.interfaces["wg0"];
    await bound.look();
    expect([...machine.open]).toEqual([]);
    machine.interfaces["wg0"] = at("10.9.0.2");
    await bound.look();
    expect([...machine.open]).toEqual(["10.9.0.2"]);
    expect(machine.news.map(({ state }) => state)).toEqual(["listening", "lost", "listening", "lost", "listening"]);
  });

  it("with a public address stops the start, and nothing stays taken", async () => {
    const machine = new Machine();
    machine.interfaces["eth0"] = at("10.0.0.5", "203.0.113.5");
    await expect(machine.bind("eth0")).rejects.toMatchObject({ code: "bind_public" });
    expect([...machine.open]).toEqual([]);
    bound = await machine.bind("eth0", true);
    expect([...machine.open]).toEqual(["10.0.0.5", "203.0.113.5"]);
  });

  it("that turns public later is not served there, said once", async () => {
    const machine = new Machine();
    machine.interfaces["eth0"] = at("10.0.0.5");
    bound = await machine.bind("eth0");
    machine.interfaces["eth0"] = at("10.0.0.5", "2001:db8::7");
    await bound.look();
    await bound.look();
    expect([...machine.open]).toEqual(["10.0.0.5"]);
    expect(machine.news.filter(({ state }) => state === "refused")).toHaveLength(1);
  });
});

describe("a port that somebody holds", () => {
  const taken = new EdgeError("port_taken", "10.9.0.1:4471 is taken.");

  it("stops the start", async () => {
    const machine = new Machine();
    machine.interfaces["wg0"] = at("10.9.0.1");
    machine.failure = taken;
    await expect(machine.bind("wg0")).rejects.toBe(taken);
  });

  it("is said once when the address comes later, and taken when it is free", async () => {
    const machine = new Machine();
    bound = await machine.bind("wg0");
    machine.interfaces["wg0"] = at("10.9.0.1");
    machine.failure = taken;
    await bound.look();
    await bound.look();
    expect(machine.news.slice(1)).toEqual([{ state: "refused", address: "10.9.0.1", why: taken.message }]);
    machine.failure = undefined;
    await bound.look();
    expect([...machine.open]).toEqual(["10.9.0.1"]);
  });

  it("is no matter while the kernel is still checking the address", async () => {
    const machine = new Machine();
    machine.interfaces["wg0"] = at("fd00::1");
    machine.failure = new EdgeError("address_unavailable", "not yet");
    bound = await machine.bind("wg0");
    expect(machine.news).toEqual([]);
    machine.failure = undefined;
    await bound.look();
    expect([...machine.open]).toEqual(["fd00::1"]);
  });
});
