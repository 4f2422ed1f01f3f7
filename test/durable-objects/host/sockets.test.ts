import { describe, expect, it } from "vitest";
import { keepAttachment, readAttachment } from "../../../durable-objects/host/sockets.ts";
import { nonceOf } from "../../fixtures/keys.ts";

const page = {
  kind: "page",
  workspace: nonceOf("workspace"),
  host: "h-one",
  session: nonceOf("session"),
  person: "p-ada",
  expires: 1_000,
} as const;

/** As the runtime's: what is in it survives hibernation, and is another object at each look. */
function socketWith(kept: unknown, refuses = false) {
  const looks = { count: 0 };
  let inside = kept;
  const socket = {
    serializeAttachment(value: unknown): void {
      if (refuses) throw new Error("too large");
      inside = structuredClone(value);
    },
    deserializeAttachment(): unknown {
      looks.count += 1;
      return structuredClone(inside);
    },
  } as unknown as WebSocket;
  return { socket, looks, inside: () => inside };
}

describe("what a socket carries", () => {
  it("is parsed once, and read as it was last written", () => {
    const { socket, looks, inside } = socketWith(page);
    for (const _look of [1, 2, 3]) expect(readAttachment(socket)).toEqual(page);
    expect(looks.count).toBe(1);
    keepAttachment(socket, { ...page, expires: 2_000 });
    expect(readAttachment(socket)).toEqual({ ...page, expires: 2_000 });
    expect(inside()).toEqual({ ...page, expires: 2_000 });
  });

  it("stays as it was when the runtime does not take what is written", () => {
    const { socket } = socketWith(page, true);
    expect(() => keepAttachment(socket, { ...page, expires: 2_000 })).toThrow("too large");
    expect(readAttachment(socket)).toEqual(page);
  });

  it("is nothing while it does not fit its schema", () => {
    const { socket } = socketWith({ ...page, more: 1 });
    expect(readAttachment(socket)).toBeUndefined();
    keepAttachment(socket, page);
    expect(readAttachment(socket)).toEqual(page);
  });
});
