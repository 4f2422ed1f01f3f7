/** Where an edge may knock, and at what: the rules that keep it from becoming a scanner of strangers. */
import { describe, expect, it } from "vitest";
import {
  answersLook,
  COMMON_PORTS,
  isLookPort,
  lookPortsOf,
  MAX_LOOK_PORTS,
  placeOf,
} from "../../../protocol/posture/outside.ts";

const apart = { colocated: false };

describe("the address that is knocked at", () => {
  it.each([
    ["203.0.113.10", "203.0.113.10", "internet"],
    ["2001:DB8:0:0::10", "2001:db8::10", "internet"],
    ["::ffff:203.0.113.10", "203.0.113.10", "internet"],
    ["10.1.2.3", "10.1.2.3", "network"],
    ["172.31.255.255", "172.31.255.255", "network"],
    ["172.32.0.0", "172.32.0.0", "internet"],
    ["192.168.0.1", "192.168.0.1", "network"],
    ["100.64.0.1", "100.64.0.1", "network"],
    ["fd00::1", "fd00::1", "network"],
  ])("%s is %s, as the %s sees it", (source, address, vantage) => {
    expect(placeOf(source, apart)).toEqual({ kind: "place", address, vantage });
  });

  it.each([
    [undefined, "look_no_address"],
    ["", "look_no_address"],
    ["localhost", "look_no_address"],
    ["gateway.example.org", "look_no_address"],
    ["2130706433", "look_no_address"],
    ["0177.0.0.1", "look_no_address"],
    ["203.0.113.10:22", "look_no_address"],
    ["fe80::1%eth0", "look_no_address"],
    ["127.0.0.1", "look_same_machine"],
    ["127.255.255.254", "look_same_machine"],
    ["::1", "look_same_machine"],
    ["::ffff:127.0.0.1", "look_same_machine"],
    ["0.0.0.0", "look_odd_address"],
    ["::", "look_odd_address"],
    ["169.254.169.254", "look_odd_address"],
    ["::ffff:169.254.169.254", "look_odd_address"],
    ["::127.0.0.1", "look_odd_address"],
    ["64:ff9b::7f00:1", "look_odd_address"],
    ["2002:7f00:1::", "look_odd_address"],
    ["::ffff:0:127.0.0.1", "look_odd_address"],
    ["2001:0:7f00:1::1", "look_odd_address"],
    ["fec0::1", "look_odd_address"],
    ["224.0.0.1", "look_odd_address"],
    ["255.255.255.255", "look_odd_address"],
    ["fe80::1", "look_odd_address"],
    ["ff02::1", "look_odd_address"],
  ])("is never %s: %s", (source, code) => {
    expect(placeOf(source, apart)).toEqual({ kind: "refused", code });
  });

  it("is none on the machine of the edge itself", () => {
    expect(placeOf("203.0.113.10", { colocated: true })).toEqual({ kind: "refused", code: "look_same_machine" });
  });
});

describe("the ports", () => {
  it("are the common ones, and high ones that the host names, at most eight, in order", () => {
    expect(lookPortsOf([])).toEqual([...COMMON_PORTS]);
    expect(lookPortsOf([19_001, 2_222])).toEqual([22, 80, 443, 2_222, 18_789, 19_001]);
    const many = lookPortsOf([5_001, 5_002, 5_003, 5_004, 5_005]);
    expect(many).toHaveLength(MAX_LOOK_PORTS);
    expect(many).not.toContain(5_005);
  });

  it.each([0, 1, 25, 53, 139, 445, 1_023, 65_536, 22.5])("are never %s", (port) => {
    expect(isLookPort(port) && Number.isInteger(port)).toBe(false);
    expect(lookPortsOf([1_024, 65_535])).toEqual([22, 80, 443, 1_024, 18_789, 65_535]);
  });
});

describe("an answer", () => {
  const seen = (...ports: readonly number[]) => ({
    answer: {
      kind: "seen" as const,
      vantage: "internet" as const,
      address: "203.0.113.10",
      ports: ports.map((port) => ({ port, state: "open" as const })),
    },
  });

  it("is about exactly what was asked", () => {
    expect(answersLook(seen(22, 80), [22, 80])).toBe(true);
    expect(answersLook(seen(22), [22, 80])).toBe(false);
    expect(answersLook(seen(22, 80, 443), [22, 80])).toBe(false);
    expect(answersLook(seen(80, 22), [22, 80])).toBe(false);
    expect(answersLook(seen(22, 22), [22, 80])).toBe(false);
  });
});
