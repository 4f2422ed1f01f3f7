import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { hear, parseHello } from "../../../../../agent/host/posture/collectors/ssh/hello.ts";

const recorded = (name: string): Buffer =>
  Buffer.from(readFileSync(new URL(name, import.meta.url), "utf8").trim(), "base64");
const debian12 = recorded("hello-debian12.txt");
const debian13 = recorded("hello-debian13.txt");

describe("a server's hello", () => {
  it("is read as OpenSSH 9.2 of Debian 12 sent it", () => {
    expect(parseHello(debian12)).toMatchObject({
      banner: expect.stringMatching(/^SSH-2\.0-OpenSSH_9\.2p1 Debian/),
      keyExchange: expect.arrayContaining(["sntrup761x25519-sha512@openssh.com", "kex-strict-s-v00@openssh.com"]),
      hostKeys: ["rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519"],
      ciphers: expect.arrayContaining(["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"]),
      macs: expect.arrayContaining(["hmac-sha1", "umac-64-etm@openssh.com"]),
    });
  });

  it("is read as OpenSSH 10.0 of Debian 13 sent it", () => {
    expect(parseHello(debian13)).toMatchObject({
      banner: expect.stringMatching(/^SSH-2\.0-OpenSSH_10\.0p2 Debian/),
      keyExchange: expect.arrayContaining(["mlkem768x25519-sha256"]),
    });
  });

  it("is waited for, byte by byte, and never read past its end", () => {
    for (let length = 0; length < debian12.length; length += 1) {
      const parsed = parseHello(debian12.subarray(0, length));
      if (typeof parsed !== "string") expect(debian12.length - length).toBeLessThan(32); // padding of our recording's end
      else expect(parsed).toBe("more");
    }
    expect(parseHello(Buffer.concat([debian12, Buffer.from([1, 2, 3])]))).toEqual(parseHello(debian12));
  });

  it("survives lines before it, as RFC 4253 allows, within limits", () => {
    expect(parseHello(Buffer.concat([Buffer.from("welcome\r\nto us\r\n"), debian12]))).toEqual(parseHello(debian12));
    expect(parseHello(Buffer.alloc(9_000, "x"))).toBe("malformed");
    expect(parseHello(Buffer.alloc(9_000, "x\n"))).toBe("malformed");
  });

  it.each([
    ["a packet of no length", [0, 0, 0, 0, 0, 20]],
    ["a packet of endless length", [255, 255, 255, 255, 4, 20]],
    ["padding beyond the packet", [0, 0, 0, 12, 200, 20]],
    ["another message first", [0, 0, 0, 12, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["lists that are not there", [0, 0, 0, 28, 4, 20, ...Array.from({ length: 26 }, () => 0)]],
  ])("refuses %s", (_, bytes) => {
    expect(parseHello(Buffer.concat([Buffer.from("SSH-2.0-x\r\n"), Buffer.from(bytes)]))).toBe("malformed");
  });

  it("answers anything at all without breaking", () => {
    let seed = 20_261_121;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const outcomes = new Set<string>();
    for (let round = 0; round < 4_000; round += 1) {
      const bytes = Buffer.from(next(2) === 0 ? debian12 : debian13);
      for (let change = 0; change <= next(6); change += 1) bytes[next(bytes.length)] = next(256);
      const parsed = parseHello(next(2) === 0 ? bytes : bytes.subarray(0, next(bytes.length)));
      outcomes.add(typeof parsed === "string" ? parsed : "offer");
    }
    expect([...outcomes].toSorted()).toEqual(["malformed", "more", "offer"]);
  });
});

describe("hearing", () => {
  it.each([
    ["the hello of a server", debian12, "offer"],
    ["a web server", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"), "none"],
  ])("%s", async (_, bytes, kind) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined).resume();
      socket.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    expect((await hear("127.0.0.1", port)).kind).toBe(kind);
    await new Promise((resolve) => server.close(resolve));
    expect(await hear("127.0.0.1", port)).toEqual({ kind: "closed" });
  });
});
