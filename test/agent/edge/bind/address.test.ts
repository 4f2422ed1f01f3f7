import { describe, expect, it } from "vitest";
import { kindOf, parseTarget, refuseAddress } from "../../../../agent/edge/bind/address.ts";
import { addressesOf, type Interfaces } from "../../../../agent/edge/bind/interfaces.ts";

describe("the kind of an address", () => {
  it.each([
    ["10.0.0.1", "private"],
    ["10.255.255.255", "private"],
    ["11.0.0.0", "public"],
    ["172.15.255.255", "public"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["172.32.0.0", "public"],
    ["192.168.1.1", "private"],
    ["192.167.255.255", "public"],
    ["100.63.255.255", "public"],
    ["100.64.0.1", "private"],
    ["100.127.255.255", "private"],
    ["100.128.0.0", "public"],
    ["169.254.1.1", "private"],
    ["fd7a:115c:a1e0::1", "private"],
    ["fc00::1", "private"],
    ["fe80::1", "private"],
    ["fec0::1", "public"],
    ["2001:db8::1", "public"],
    ["203.0.113.5", "public"],
    ["::ffff:203.0.113.5", "public"],
    ["::ffff:10.0.0.1", "private"],
    ["224.0.0.1", "public"],
    ["127.0.0.2", "loopback"],
    ["::1", "loopback"],
    ["0.0.0.0", "any"],
    ["::", "any"],
    ["0:0:0:0:0:0:0:0", "any"],
  ])("%s is %s", (address, kind) => {
    expect(kindOf(address)).toBe(kind);
  });
});

describe("what --bind may name", () => {
  it.each(["tailscale0", "wg0", "tun0", "enp3s0.7", "br-lan"])("an interface: %s", (name) => {
    expect(parseTarget(name)).toEqual({ kind: "interface", name });
  });

  it.each(["10.8.0.1", "fd00::1", "::ffff:10.8.0.1", "0.0.0.0"])("an address: %s", (address) => {
    expect(parseTarget(address)).toEqual({ kind: "address", address });
  });

  it.each([
    "",
    "a name",
    "longer-than-fifteen",
    "10.8.0.1/24",
    "eth0%1",
    "../x",
    "fe80::1",
    "FE80::1%wg0",
    "127.0.0.1",
    "::1",
  ])("nothing else: %j", (text) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code: "bind_refused" }));
  });
});

describe("an address that strangers reach", () => {
  it.each(["203.0.113.5", "2001:db8::1", "0.0.0.0", "::"])("%s is refused, and taken with --public", (address) => {
    expect(refuseAddress(address, false)).toMatchObject({ code: "bind_public" });
    expect(refuseAddress(address, false)?.message).toContain("--public");
    expect(refuseAddress(address, true)).toBeUndefined();
  });

  it("is not one of a VPN", () => {
    expect(refuseAddress("100.101.102.103", false)).toBeUndefined();
  });
});

describe("the addresses of a target", () => {
  const machine: Interfaces = {
    lo: [{ address: "127.0.0.1" }, { address: "::1" }],
    eth0: [{ address: "192.0.2.7" }, { address: "fe80::2" }],
    wg0: [{ address: "fd00::1" }, { address: "10.9.0.1" }, { address: "fe80::1" }],
  };
  const of = (text: string) => addressesOf(parseTarget(text), machine);

  it("are an interface's own, in both families, without those that need a zone", () => {
    expect(of("wg0")).toEqual(["10.9.0.1", "fd00::1"]);
  });

  it("are none while it is down", () => {
    expect(of("tun0")).toEqual([]);
    expect(of("10.9.0.2")).toEqual([]);
  });

  it("are the one that was named, however it is spelt", () => {
    expect(of("10.9.0.1")).toEqual(["10.9.0.1"]);
    expect(of("fd00:0:0::0001")).toEqual(["fd00:0:0::0001"]);
    expect(of("127.0.0.9")).toEqual(["127.0.0.9"]);
  });

  it("are all of a family but loopback for its wildcard", () => {
    expect(of("0.0.0.0")).toEqual(["10.9.0.1", "192.0.2.7"]);
    expect(of("::")).toEqual(["fd00::1"]);
  });
});
