import { describe, expect, it } from "vitest";
import { MAX_TARGETS } from "../../../protocol/limits.ts";
import {
  allPicked,
  obstacleFor,
  pickedOf,
  toggle,
  toggleAll,
  toggleRange,
  unpickable,
} from "../../../web/state/selection.ts";
import { host, NOW, stopped, waiting } from "../fixtures/hosts.ts";

const shown = [host("a"), host("b", { seen: 2_000 }), host("c"), host("d")];
const none: ReadonlySet<string> = new Set();

describe("picking hosts", () => {
  it("takes only those that can be told something now", () => {
    expect(unpickable(host("a"), NOW)).toBeUndefined();
    expect(unpickable(host("b", { seen: 2_000 }), NOW)).toBe("not heard from");
    expect(unpickable(host("c", { view: { connected: false } }), NOW)).toBe("not heard from");
    expect(unpickable(waiting, NOW)).toBe("not admitted yet");
    expect(unpickable(host("d", { view: { admission: "removed" } }), NOW)).toBe("removed");
  });

  it("drops one that falls silent after it was picked", () => {
    const selection = new Set(["h-a", "h-b"]);
    expect(pickedOf(shown, selection, NOW).map(({ label }) => label)).toEqual(["a"]);
  });

  it("picks all that are shown, and none of them again", () => {
    const all = toggleAll({ shown, selection: none, now: NOW });
    expect([...all]).toEqual(["h-a", "h-c", "h-d"]);
    expect(allPicked({ shown, selection: all, now: NOW })).toBe(true);
    expect(toggleAll({ shown, selection: all, now: NOW }).size).toBe(0);
  });

  it("picks a range in the order shown, past those that cannot be", () => {
    const first = toggle({ selection: none }, "h-a");
    const range = toggleRange({ shown, selection: first, now: NOW }, "h-a", "h-d");
    expect([...range]).toEqual(["h-a", "h-c", "h-d"]);
    expect([...toggleRange({ shown, selection: range, now: NOW }, "h-a", "h-c")]).toEqual(["h-d"]);
  });

  it("binds at most as many as one touch may", () => {
    const many = Array.from({ length: MAX_TARGETS + 6 }, (_, i) => host(`n${i}`));
    const all = toggleAll({ shown: many, selection: none, now: NOW });
    expect(all.size).toBe(MAX_TARGETS);
    expect(toggle({ selection: all }, `h-n${MAX_TARGETS}`).size).toBe(MAX_TARGETS);
    expect(allPicked({ shown: many, selection: all, now: NOW })).toBe(true);
    const [first, last] = ["h-n0", `h-n${MAX_TARGETS + 5}`];
    expect(toggleRange({ shown: many, selection: new Set([first]), now: NOW }, first, last).size).toBe(MAX_TARGETS);
  });

  it("restarts nothing where no gateway answers, and says where", () => {
    expect(obstacleFor("gateway.restart@1", [host("a")])).toBeUndefined();
    expect(obstacleFor("gateway.restart@1", [host("a"), stopped("z")])).toBe("no gateway answers on z");
    expect(obstacleFor("gateway.stop@1", [stopped("z")])).toBe("no gateway answers on z");
    expect(obstacleFor("host.check@1", [stopped("z")])).toBeUndefined();
    expect(obstacleFor("gateway.kill@1", [stopped("z")])).toBeUndefined();
  });
});
