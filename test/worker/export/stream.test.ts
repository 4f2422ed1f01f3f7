import { describe, expect, it } from "vitest";
import type { Cursor } from "../../../worker/export/cursor.ts";
import type { ExportFile, Step } from "../../../worker/export/file.ts";
import { streamExport } from "../../../worker/export/stream.ts";

/** `pages` pages of one letter each, and how many were asked for. */
function fileOf(pages: readonly string[]): { readonly file: ExportFile; readonly read: () => number } {
  let read = 0;
  const step = async ({ lines }: Cursor): Promise<Step> => {
    read += 1;
    const next = lines + 1 < pages.length ? ({ stage: "rows", after: 0, lines: lines + 1 } as const) : undefined;
    return { text: pages[lines] ?? "", next };
  };
  return { file: { step } as unknown as ExportFile, read: () => read };
}
const allowed = () => Promise.resolve(true);

describe("a copy as a stream", () => {
  it("is every page in order, also where some hold nothing", async () => {
    const { file } = fileOf(["a", "", "", "b", ""]);
    expect(await new Response(streamExport({ file, mayGoOn: allowed, name: "x" })).text()).toBe("ab");
  });

  it("reads no page before somebody takes the one before", async () => {
    const { file, read } = fileOf(Array.from({ length: 1_000 }, () => "page"));
    const reader = streamExport({ file, mayGoOn: allowed, name: "x" }).getReader();
    for (let taken = 1; taken <= 10; taken++) {
      await reader.read();
      await Promise.resolve();
      expect(read()).toBeLessThanOrEqual(taken + 1);
    }
    await reader.cancel();
    const before = read();
    await Promise.resolve();
    expect(read()).toBe(before);
  });

  it("breaks where it may not go on", async () => {
    const { file } = fileOf(["a", "b", "c", "d"]);
    let asked = 0;
    const stream = streamExport({ file, mayGoOn: () => Promise.resolve(++asked < 3), name: "x" });
    await expect(new Response(stream).text()).rejects.toThrow("not allowed");
  });

  it("breaks where the log cannot be read", async () => {
    const step = () => Promise.reject(new Error("database"));
    const stream = streamExport({ file: { step } as unknown as ExportFile, mayGoOn: allowed, name: "x" });
    await expect(new Response(stream).text()).rejects.toThrow("database");
  });
});
