import { describe, expect, it } from "vitest";
import {
  applyChanges,
  differences,
  isRedacted,
  mergePatch,
  REDACTED,
  valueAt,
} from "../../../../agent/host/gateway/config-edit.ts";

const before = {
  gateway: { bind: "lan", auth: { token: REDACTED } },
  list: [{ id: "a", key: REDACTED }, { id: "b" }],
};

describe("applyChanges", () => {
  it("sets, makes and takes out, in order, and leaves what it was given alone", () => {
    const copy = structuredClone(before);
    const after = applyChanges(before, [
      { path: "gateway.bind", value: '"loopback"' },
      { path: "new.deep.place", value: '{"a":[1]}' },
      { path: "new.deep.place.a.1", value: "2" },
      { path: "list.1" },
      { path: "gateway.auth.token" },
    ]);
    expect(after).toEqual({
      gateway: { bind: "loopback", auth: {} },
      list: [{ id: "a", key: REDACTED }],
      new: { deep: { place: { a: [1, 2] } } },
    });
    expect(before).toEqual(copy);
  });

  it("changes nothing when what is to go is not there", () => {
    expect(applyChanges(before, [{ path: "nothing.here" }])).toBe(before);
  });

  it.each([
    ["through a text", { path: "gateway.bind.x", value: "1" }],
    ["beyond the end of a list", { path: "list.7", value: "1" }],
    ["by a name in a list", { path: "list.first", value: "1" }],
    ["no JSON", { path: "gateway.bind", value: "{" }],
    ["null, which would take it out", { path: "gateway.bind", value: "null" }],
    ["null inside", { path: "gateway.bind", value: '{"a":[null]}' }],
    ["into a prototype", { path: "__proto__.polluted", value: "1" }],
    ["a prototype as value", { path: "gateway", value: '{"a":{"__proto__":{"polluted":1}}}' }],
    ["into a constructor", { path: "gateway.constructor.x", value: "1" }],
  ])("refuses a change %s", (_what, change) => {
    expect(() => applyChanges(before, [change])).toThrow(expect.objectContaining({ code: "change_invalid" }));
  });
});

describe("mergePatch", () => {
  it("says only what differs, and names the lists that it replaces", () => {
    const after = applyChanges(before, [
      { path: "gateway.bind", value: '"loopback"' },
      { path: "list.1" },
      { path: "gateway.auth" },
    ]);
    expect(mergePatch(before, after)).toEqual({
      patch: { gateway: { bind: "loopback", auth: null }, list: [{ id: "a", key: REDACTED }] },
      replacePaths: ["list"],
    });
  });

  it("names a list inside what goes", () => {
    expect(mergePatch({ a: { b: [1] }, c: 1 }, { c: 1 })).toEqual({ patch: { a: null }, replacePaths: ["a.b"] });
  });

  it("is refused where the path of a list that goes is also that of another place", () => {
    const two = { "a.b": [1], a: { b: { c: 1, d: 2 } } };
    expect(() => mergePatch(two, { "a.b": [2], a: { b: { c: 3, d: 2 } } })).toThrow(
      expect.objectContaining({ code: "change_invalid" }),
    );
    expect(mergePatch(two, { ...two, a: { b: { c: 3, d: 2 } } })?.patch).toEqual({ a: { b: { c: 3 } } });
    expect(mergePatch({ "a.b": [1] }, { "a.b": [2] })?.replacePaths).toEqual(["a.b"]);
  });

  it("is nothing where nothing differs, whatever the order of members", () => {
    expect(mergePatch({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).toBeUndefined();
  });
});

describe("differences", () => {
  it("lists leaves and whole lists, added and removed", () => {
    expect(differences({ a: { b: 1, c: [1] }, gone: { x: 1 } }, { a: { b: 2, c: [2] }, made: {} })).toEqual([
      { path: "a.b", from: 1, to: 2 },
      { path: "a.c", from: [1], to: [2] },
      { path: "gone.x", from: 1, to: undefined },
      { path: "made", from: undefined, to: {} },
    ]);
  });
});

it("finds a value, also in a list, and what is redacted", () => {
  expect(valueAt(before, "list.0.id")).toBe("a");
  expect(valueAt(before, "list.9.id")).toBeUndefined();
  expect(isRedacted(valueAt(before, "list"))).toBe(true);
  expect(isRedacted(valueAt(before, "gateway.bind"))).toBe(false);
});
