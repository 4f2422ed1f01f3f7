import { describe, expect, it } from "vitest";
import { Embed, renderConfig } from "../../../agent/edge/capnp.ts";

const body = (text: string): string => text.slice(text.indexOf("Config = ") + 9);

describe("the configuration writer", () => {
  it("renders structures, lists and embedded files", () => {
    expect(renderConfig({ services: [{ name: "a", allow: [], on: true, size: 3, code: new Embed("w.js") }] })).toBe(
      'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = (services = [(name = "a", allow = [], on = true, size = 3, code = embed "w.js")]);\n',
    );
  });

  it.each([
    ['a"b', String.raw`"a\"b"`],
    ["a\\b", String.raw`"a\\b"`],
    ["a\nb\0", String.raw`"a\x0ab\x00"`],
    ["\u0085", String.raw`"\xc2\x85"`],
    ['"), evil = ("', String.raw`"\"), evil = (\""`],
    ["größe", '"größe"'],
  ])("keeps %j inside its literal", (text, literal) => {
    expect(body(renderConfig({ value: text }))).toBe(`(value = ${literal});\n`);
  });

  it("refuses a field that is not a name", () => {
    expect(() => renderConfig({ "a = 1), b": 1 })).toThrow(TypeError);
  });
});
