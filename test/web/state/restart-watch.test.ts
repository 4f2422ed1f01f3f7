import { describe, expect, it } from "vitest";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import { BACK_SECONDS, freshWatch, observe } from "../../../web/state/restart-watch.ts";
import type { RestartWatch } from "../../../web/state/restart-watch.ts";

type Gateway = Telemetry["gateway"];
const up = (bootId: string): Gateway => ({ state: "running", demo: false, listens: [], bootId });
const down: Gateway = { state: "stopped", demo: false, listens: [] };
const starting: Gateway = { state: "starting", demo: false, listens: [] };

function watchOf(...reports: readonly (readonly [Gateway, number])[]): RestartWatch {
  return reports.reduce((watch, [gateway, at]) => observe(watch, gateway, at), freshWatch);
}

describe("a gateway that goes down and comes back", () => {
  it("is seen going, for how long, and coming back with a new start", () => {
    const gone = watchOf([up("aaaaaaaa"), 0], [down, 5], [starting, 9]);
    expect(gone.course).toEqual({ kind: "down", sinceAt: 5, bootBefore: "aaaaaaaa" });
    expect(observe(gone, up("bbbbbbbb"), 16).course).toEqual({
      kind: "back",
      at: 16,
      bootBefore: "aaaaaaaa",
      bootAfter: "bbbbbbbb",
      downSeconds: 11,
    });
  });

  it("is seen by its new start alone when it was faster than the reports", () => {
    expect(watchOf([up("aaaaaaaa"), 0], [up("bbbbbbbb"), 5]).course).toEqual({
      kind: "back",
      at: 5,
      bootBefore: "aaaaaaaa",
      bootAfter: "bbbbbbbb",
    });
  });

  it("is not a restart when the same start answers again", () => {
    expect(watchOf([up("aaaaaaaa"), 0], [down, 5], [up("aaaaaaaa"), 9]).course).toEqual({ kind: "steady" });
  });

  it("says nothing of a gateway that was never up before our eyes", () => {
    expect(watchOf([down, 0], [starting, 5], [up("aaaaaaaa"), 9]).course).toEqual({ kind: "steady" });
  });

  it("stays on the page for two minutes", () => {
    const back = watchOf([up("aaaaaaaa"), 0], [up("bbbbbbbb"), 5]);
    expect(observe(back, up("bbbbbbbb"), 5 + BACK_SECONDS).course.kind).toBe("back");
    expect(observe(back, up("bbbbbbbb"), 6 + BACK_SECONDS).course.kind).toBe("steady");
  });
});
