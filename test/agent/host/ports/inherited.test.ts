import { describe, expect, it } from "vitest";
import { inheritedSockets, requireSocket } from "../../../../agent/host/ports/inherited.ts";

const PID = 77;
const words = { LISTEN_PID: "77", LISTEN_FDS: "2", LISTEN_FDNAMES: "link:door" };

describe("sockets that systemd hands over", () => {
  it("have their names, from the third descriptor on", () => {
    expect([...inheritedSockets(words, PID)]).toEqual([
      ["link", 3],
      ["door", 4],
    ]);
    expect(requireSocket(inheritedSockets(words, PID), "door")).toBe(4);
  });

  it.each([
    ["another process's", { ...words, LISTEN_PID: "78" }],
    ["nobody's", { LISTEN_FDS: "2", LISTEN_FDNAMES: "link:door" }],
    ["not a number of them", { ...words, LISTEN_FDS: "two" }],
    ["none", { ...words, LISTEN_FDS: "0" }],
    ["more than we have", { ...words, LISTEN_FDS: "100" }],
  ])("are not taken when they are %s", (_name, environment) => {
    expect(inheritedSockets(environment, PID).size).toBe(0);
  });

  it("are missed with a sentence that says who starts this program", () => {
    expect(() => requireSocket(new Map(), "link")).toThrow(
      expect.objectContaining({
        code: "not_started_by_systemd",
        message: expect.stringContaining("clawhold host run"),
      }),
    );
  });
});
