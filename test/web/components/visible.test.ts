import { describe, expect, it } from "vitest";
import { hiddenIn, runsOf } from "../../../web/components/visible.ts";

const shown = (text: string): string =>
  runsOf(text)
    .map(({ text: one, hidden }) => (hidden === undefined ? one : `[${one}]`))
    .join("");

describe("what cannot be seen", () => {
  it.each([
    ["plain text", "rm -rf ./build\nls", "rm -rf ./build\nls"],
    ["letters of any script", "déjà vu 日本語 עברית 🙂", "déjà vu 日本語 עברית 🙂"],
    ["a direction that turns", "a\u202eb", "a[U+202E]b"],
    ["an escape", "\u001b[2K\rls", "[U+001B][2K[U+000D]ls"],
    ["letters without width", "su\u200bdo\ufeff", "su[U+200B]do[U+FEFF]"],
    ["a space that is none", "a\u00a0b\u3164c", "a[U+00A0]b[U+3164]c"],
    ["a tag character", "a\u{e0041}", "a[U+E0041]"],
    ["a lone half of a pair", "a\ud800b", "a[U+D800]b"],
    ["nothing", "", ""],
  ])("%s", (_, text, visible) => {
    expect(shown(text)).toBe(visible);
  });

  it("is counted, and named where it has a name", () => {
    expect(hiddenIn("a\u202eb\u0000c\u200b")).toBe(3);
    expect(runsOf("\u202e")[0]?.hidden).toContain("backwards");
    expect(runsOf("\u0001")[0]?.hidden).toBe("cannot be seen");
  });
});
