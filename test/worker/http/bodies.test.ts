/** How long a body may take, and how long it may be. */
import { describe, expect, it } from "vitest";
import { MAX_BODY_BYTES } from "../../../protocol/limits.ts";
import { readBody } from "../../../worker/http/arrival.ts";

function requestWith(body: ReadableStream<Uint8Array> | Uint8Array): Request {
  return new Request("https://edge.test/", { method: "POST", body, duplex: "half" } as RequestInit);
}

describe("a body", () => {
  it("that never ends is not waited for", async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array([1]));
      },
    });
    await expect(readBody(requestWith(body), 0.05)).rejects.toMatchObject({ code: "body_slow", status: 408 });
  });

  it("is whole, or too large by one byte", async () => {
    expect(await readBody(requestWith(new Uint8Array(MAX_BODY_BYTES)))).toHaveLength(MAX_BODY_BYTES);
    await expect(readBody(requestWith(new Uint8Array(MAX_BODY_BYTES + 1)))).rejects.toMatchObject({
      code: "too_large",
    });
    const pieces = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    await expect(readBody(requestWith(pieces))).rejects.toMatchObject({ code: "too_large" });
  });

  it("may be none", async () => {
    expect(await readBody(new Request("https://edge.test/"))).toHaveLength(0);
  });
});
