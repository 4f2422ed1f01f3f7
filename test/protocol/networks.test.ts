import { describe, expect, it } from "vitest";
import {
  formatNetwork,
  isInside,
  isLoopback,
  parseAddress,
  parseNetwork,
  subscriberOf,
} from "../../protocol/networks.ts";

function addressOf(text: string) {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return address;
}

function networkOf(text: string) {
  const network = parseNetwork(text);
  if (network === undefined) throw new Error(`no network: ${text}`);
  return network;
}

describe("a network", () => {
  it.each([
    "0.0.0.0/0",
    "10.0.0.0/8",
    "192.0.2.7",
    "192.0.2.0/25",
    "::/0",
    "::1",
    "2001:db8::/32",
    "2001:db8::1",
    "2001:db8:0:1::/64",
    "2001:db8:0:1:1:1:1:1",
    "1:0:0:2::/64",
    "fe80::/10",
  ])("is written shortest: %s", (text) => {
    expect(formatNetwork(networkOf(text))).toBe(text);
  });

  it.each([
    ["no address", ""],
    ["a name", "example.com"],
    ["bits beyond its length", "10.0.0.1/8"],
    ["bits beyond its length, IPv6", "2001:db8::1/64"],
    ["a length beyond the family's", "10.0.0.0/33"],
    ["a length beyond the family's, IPv6", "2001:db8::/129"],
    ["the length that an address has anyway", "10.0.0.1/32"],
    ["a leading zero", "10.0.0.01"],
    ["a length with a leading zero", "10.0.0.0/08"],
    ["no length behind the slash", "10.0.0.0/"],
    ["two lengths", "10.0.0.0/8/8"],
    ["an octet too large", "256.0.0.1"],
    ["three octets", "10.0.0"],
    ["white space", " 10.0.0.1"],
    ["zeros written out", "2001:db8:0:0:0:0:0:1"],
    ["the wrong zeros shortened", "2001:0:0:1::1:1"],
    ["one group shortened", "2001:db8::1:1:1:1:1"],
    ["capitals", "2001:DB8::"],
    ["two gaps", "2001::db8::"],
    ["nine groups", "1:2:3:4:5:6:7:8:9"],
    ["a group too long", "12345::"],
    ["a zone", "fe80::1%eth0"],
    ["IPv4 in the clothes of IPv6", "::ffff:10.0.0.1"],
    ["brackets", "[::1]"],
  ])("is refused with %s", (_, text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });

  it.each([
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["192.0.2.127", "192.0.2.0/25", true],
    ["192.0.2.128", "192.0.2.0/25", false],
    ["203.0.113.9", "0.0.0.0/0", true],
    ["203.0.113.9", "::/0", false],
    ["2001:db8:0:1:ffff::", "2001:db8:0:1::/64", true],
    ["2001:db8:0:2::", "2001:db8:0:1::/64", false],
    ["::ffff:10.1.2.3", "10.0.0.0/8", true],
    ["::1", "0.0.0.0/0", false],
  ])("%s in %s: %s", (address, network, expected) => {
    expect(isInside(addressOf(address), networkOf(network))).toBe(expected);
  });
});

describe("an address", () => {
  it("is read in any form, and counted by what one subscriber is given", () => {
    expect(subscriberOf(addressOf("192.0.2.7"))).toBe("192.0.2.7");
    expect(subscriberOf(addressOf("::FFFF:192.0.2.7"))).toBe("192.0.2.7");
    expect(subscriberOf(addressOf("2001:DB8:0:1:2:3:4:5"))).toBe("2001:db8:0:1::/64");
    expect(subscriberOf(addressOf("fd7a:115c:a1e0::53"))).toBe("fd7a:115c:a1e0::53");
    expect(subscriberOf(addressOf("fe80::1"))).toBe("fe80::1");
    expect(subscriberOf(addressOf("fec0::1"))).toBe("fec0::/64");
    expect(subscriberOf(addressOf("fe00::1"))).toBe("fe00::/64");
    expect(subscriberOf(addressOf("2001:db8:0:1:ffff:ffff:ffff:ffff"))).toBe("2001:db8:0:1::/64");
  });

  it.each([
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["128.0.0.1", false],
    ["::2", false],
    ["10.0.0.1", false],
  ])("%s is this machine: %s", (text, expected) => {
    expect(isLoopback(addressOf(text))).toBe(expected);
  });

  it.each(["", "::ffff:1.2.3", "1.2.3.4.5", "localhost", "1:2:3:4:5:6:7", ":::", "12345::1"])(
    "is not what reads %j",
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );
});
