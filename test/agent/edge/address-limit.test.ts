import { EventEmitter } from "node:events";
import type { Server } from "node:net";
import { describe, expect, it } from "vitest";
import { limitPerAddress } from "../../../agent/edge/address-limit.ts";

class FakeSocket extends EventEmitter {
  isDestroyed = false;
  readonly remoteAddress: string | undefined;
  constructor(remoteAddress: string | undefined) {
    super();
    this.remoteAddress = remoteAddress;
  }
  destroy(): void {
    this.isDestroyed = true;
    this.emit("close");
  }
}

function limited(most: number) {
  const server = new EventEmitter();
  limitPerAddress(server as Server, most);
  return (address: string | undefined): FakeSocket => {
    const socket = new FakeSocket(address);
    server.emit("connection", socket);
    return socket;
  };
}

describe("connections of one address", () => {
  it("are so many, and one more when one has ended", () => {
    const connect = limited(2);
    const [first, second, third] = ["100.64.0.7", "100.64.0.7", "100.64.0.7"].map(connect);
    expect([first, second, third].map((socket) => socket?.isDestroyed)).toEqual([false, false, true]);
    expect(connect("100.64.0.8").isDestroyed).toBe(false);
    first?.destroy();
    expect([connect("100.64.0.7").isDestroyed, connect("100.64.0.7").isDestroyed]).toEqual([false, true]);
  });

  it("are not counted on the machine itself", () => {
    const connect = limited(1);
    for (const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
      expect([connect(address), connect(address)].map(({ isDestroyed }) => isDestroyed)).toEqual([false, false]);
  });
});
