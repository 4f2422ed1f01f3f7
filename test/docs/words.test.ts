/** The house words: plain, present tense, no shouting, nothing that belongs to one machine. */
import { describe, expect, it } from "vitest";
import { filesBelow, read } from "./source.ts";

const documents = ["README.md", "SECURITY.md", "CHANGELOG.md", ...filesBelow("docs", ".md")];

/** Fenced blocks hold bytes and pictures, not sentences. */
function sentences(path: string): string {
  return read(path)
    .replaceAll(/```[\s\S]*?```/g, "")
    .replaceAll(/<!--.*?-->/g, "");
}

const UNWANTED = /\b(simply|please|oops|successfully|seamless(ly)?|blazing|effortless(ly)?|world-class|just works)\b/i;

describe("words", () => {
  it.each(documents)("%s keeps to them", (path) => {
    const text = sentences(path);
    expect(UNWANTED.exec(text)?.[0]).toBeUndefined();
    expect(text.replaceAll(/!\[|!=/g, "")).not.toContain("!");
  });

  it.each(documents)("%s names no path of somebody's machine", (path) => {
    expect(/(^|[\s(`])\/(root|work|home\/[a-z]+)\//m.exec(read(path))?.[0]).toBeUndefined();
  });
});
