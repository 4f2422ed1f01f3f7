import { describe, expect, it } from "vitest";
import { pollMilliseconds } from "../../../web/client/fleet-pace.ts";

describe("how often the fleet is asked for", () => {
  it("is every five seconds up to 250 hosts, and 50 hosts a second beyond", () => {
    expect([0, 1, 250].map(pollMilliseconds)).toEqual([5_000, 5_000, 5_000]);
    expect(pollMilliseconds(1_000)).toBe(20_000);
  });
});
