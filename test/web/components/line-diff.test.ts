import { describe, expect, it } from "vitest";
import { diffLines } from "../../../web/components/line-diff.ts";

const written = (before: string, after: string) =>
  diffLines(before, after).map(({ kind, text }) => `${{ same: " ", out: "-", in: "+" }[kind]}${text}`);

describe("the difference of two texts", () => {
  it("keeps what is the same around what changed", () => {
    expect(written("a\nb\nc", "a\nx\nc")).toEqual([" a", "-b", "+x", " c"]);
  });

  it("finds what stayed between two changes", () => {
    expect(written("a\nb\nc\nd", "b\nc\ne")).toEqual(["-a", " b", " c", "-d", "+e"]);
  });

  it("says that nothing changed", () => {
    expect(written("a\nb", "a\nb")).toEqual([" a", " b"]);
  });

  it("gives back both texts, whatever they are", () => {
    const texts = ["", "a", "a\na\na", "a\nb\na\nb", "b\na", "\n\n"];
    for (const before of texts)
      for (const after of texts) {
        const lines = diffLines(before, after);
        const of = (side: "out" | "in") =>
          lines.filter(({ kind }) => kind === "same" || kind === side).map(({ text }) => text);
        expect([of("out").join("\n"), of("in").join("\n")]).toEqual([before, after]);
      }
  });

  it("shows texts whole that are too long to compare", () => {
    const long = (word: string) => Array.from({ length: 1_500 }, (_, index) => `${word}${index}`).join("\n");
    const kinds = diffLines(`${long("a")}\nsame\n${long("b")}`, `${long("c")}\nsame\n${long("d")}`).map(
      ({ kind }) => kind,
    );
    expect(kinds.includes("same")).toBe(false);
    expect(kinds).toHaveLength(6_002);
  });
});
