import { describe, expect, it } from "vitest";
import { encodeCursor, readCursor, START } from "../../../worker/export/cursor.ts";

const read = (query: string) => readCursor(new URLSearchParams(query));

describe("where a copy goes on", () => {
  it.each(["head", "trust", "notes", "rows", "tail"] as const)("is said and read back: %s", (stage) => {
    const cursor = { stage, after: 12, lines: 345 };
    expect(read(`cursor=${encodeCursor(cursor)}`)).toEqual(cursor);
  });

  it("is the beginning when nothing is said", () => {
    expect(read("")).toEqual(START);
  });

  it.each(["", "rows", "rows.1", "rows.1.2.3", "rows.-1.2", "rows.1e3.2", "rows.01.2", "feet.1.2", "rows.1.2 "])(
    "is nothing else: %j",
    (text) => {
      expect(() => read(`cursor=${encodeURIComponent(text)}`)).toThrow("malformed_request");
    },
  );

  it("is said once", () => {
    expect(() => read("cursor=rows.1.2&cursor=rows.1.2")).toThrow("malformed_request");
  });
});
