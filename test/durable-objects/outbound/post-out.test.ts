import { describe, expect, it } from "vitest";
import { postOut, readRetryAfter } from "../../../durable-objects/outbound/post-out.ts";

const post = { url: "https://hooks.example/in", body: "text", headers: {} };
const answering =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    Promise.resolve(new Response(null, { status, headers }));

describe("a post to a far end", () => {
  it.each([
    [200, undefined],
    [204, undefined],
    [302, "redirect"],
    [410, "gone"],
    [400, "status"],
    [503, "status"],
  ])("with status %i ends as %s", async (status, fault) => {
    expect(await postOut(post, answering(status, { location: "http://127.0.0.1/" }))).toEqual({ fault, status });
  });

  it("follows no redirect", async () => {
    const seen: string[] = [];
    await postOut(post, async (request) => {
      seen.push(request.redirect);
      return new Response(null);
    });
    expect(seen).toEqual(["manual"]);
  });

  it("never goes where a target may not be", async () => {
    const fetched = { ...post, url: "https://127.0.0.1/" };
    expect(await postOut(fetched, () => Promise.reject(new Error("went out")))).toEqual({ fault: "target", status: 0 });
  });

  it("says that nobody answered", async () => {
    expect(await postOut(post, () => Promise.reject(new Error("down")))).toEqual({ fault: "unreachable", status: 0 });
  });

  it("hears how long to wait", async () => {
    expect(await postOut(post, answering(429, { "retry-after": "120" }))).toEqual({
      fault: "status",
      status: 429,
      retryAfterSeconds: 120,
    });
  });
});

describe("retry-after", () => {
  const now = Date.parse("Fri, 20 Nov 2026 12:00:00 GMT");
  it.each([
    ["0", 0],
    ["3600", 3_600],
    ["Fri, 20 Nov 2026 12:01:30 GMT", 90],
    ["Fri, 20 Nov 2026 11:00:00 GMT", 0],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["2026", 2_026],
    ["2026-11-20", undefined],
    ["Fri, whenever", undefined],
    [null, undefined],
  ])("%s is %s", (text, seconds) => expect(readRetryAfter(text, now)).toBe(seconds));
});
