import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { choose, type Wanted } from "../../../agent/signer/choose.ts";
import { parseEdgeAddress } from "../../../agent/signer/edge-address.ts";
import { Memory } from "../../../agent/signer/memory.ts";
import { SignerError } from "../../../agent/signer/signer-error.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { makeDirectory } from "../edge/fixtures/harness.ts";

describe("the address of an edge", () => {
  it.each([
    ["https://edge.example", { secure: true, hostname: "edge.example", port: 443, host: "edge.example" }],
    ["https://edge.example/", { secure: true, hostname: "edge.example", port: 443, host: "edge.example" }],
    ["https://edge.example:8443", { secure: true, hostname: "edge.example", port: 8443, host: "edge.example:8443" }],
    ["https://localhost:8443", { secure: true, hostname: "localhost", port: 8443, host: "localhost:8443" }],
    ["https://[::1]:8443", { secure: true, hostname: "::1", port: 8443, host: "[::1]:8443" }],
    ["http://clawhold.localhost:4475", { hostname: "127.0.0.1", port: 4475, host: "clawhold.localhost:4475" }],
    ["http://localhost:4475", { hostname: "127.0.0.1", port: 4475, host: "clawhold.localhost:4475" }],
    ["http://127.0.0.1:4475", { hostname: "127.0.0.1", port: 4475, host: "clawhold.localhost:4475" }],
    ["http://[::1]:4475", { hostname: "::1", port: 4475, host: "clawhold.localhost:4475" }],
    ["http://clawhold.localhost", { hostname: "127.0.0.1", port: 80, host: "clawhold.localhost" }],
  ])("%s", (text, expected) => {
    expect(parseEdgeAddress(text, undefined)).toMatchObject({ secure: false, ...expected });
  });

  it("of a tunnel may carry the name of its far end", () => {
    expect(parseEdgeAddress("http://127.0.0.1:4475", "clawhold.localhost:4470").host).toBe("clawhold.localhost:4470");
  });

  it.each([
    // Without encryption anybody on the way would be the edge, and read what pages are told.
    "http://edge.example",
    "http://10.0.0.1:4470",
    "http://clawhold.localhost.evil.example",
    "http://0.0.0.0:4470",
    "http://127.1:4470",
    "http://2130706433:4470",
    "https://edge.example/path",
    "https://edge.example?x",
    "https://edge.example#x",
    "https://user:secret@edge.example",
    "https://EDGE.example",
    "https://edge.example:0",
    "https://edge.example:99999",
    "https://edge.example:443x",
    "https://edge.example\\@evil.example",
    "https://",
    "edge.example",
    "ftp://edge.example",
    "wss://edge.example",
    "https://edge.example ",
    "",
  ])("is not %s", (text) => {
    expect(() => parseEdgeAddress(text, undefined)).toThrow(SignerError);
  });

  it.each(["evil.example", "clawhold.localhost:x", "127.0.0.1:4470", ""])("has no far end called %s", (name) => {
    expect(() => parseEdgeAddress("http://127.0.0.1:4475", name)).toThrow(SignerError);
  });

  it("of an https edge is its name already", () => {
    expect(() => parseEdgeAddress("https://edge.example", "clawhold.localhost:4470")).toThrow(SignerError);
  });
});

describe("which edge and which workspace", () => {
  const ONE = nonceOf("one");
  const TWO = nonceOf("two");
  let place: { readonly path: string; remove(): void };
  let memory: Memory;
  beforeEach(() => {
    place = makeDirectory();
    mkdirSync(join(place.path, "signer"));
    memory = new Memory({
      directory: join(place.path, "signer"),
      uid: process.getuid?.() ?? 0,
      now: () => new Date(0),
    });
  });
  afterEach(() => place.remove());

  const pick = (wanted: Partial<Wanted> = {}) =>
    choose({ edge: undefined, edgeName: undefined, workspace: undefined, ask: undefined, ...wanted }, memory).then(
      ({ edge, workspace }) => [edge.url, workspace],
      (error: unknown) => (error instanceof SignerError ? error.code : Promise.reject(error)),
    );

  it("is what a person typed", async () => {
    expect(await pick({ edge: "https://a.example", workspace: ONE })).toEqual(["https://a.example", ONE]);
  });

  it("is asked of the person, not of the edge", async () => {
    const asked: string[] = [];
    const ask = (question: string) => {
      asked.push(question);
      return Promise.resolve(` ${ONE}\n`);
    };
    expect(await pick({ edge: "https://a.example", ask })).toEqual(["https://a.example", ONE]);
    expect(asked[0]).toContain("https://a.example");
    expect(await pick({ edge: "https://a.example" })).toBe("workspace_unknown");
    expect(await pick({ edge: "https://a.example", ask: () => Promise.resolve("") })).toBe("workspace_unknown");
    expect(await pick({ edge: "https://a.example", workspace: "short" })).toBe("workspace_unknown");
  });

  it("is remembered", async () => {
    await memory.pin(ONE, "https://a.example");
    expect(await pick({ edge: "https://a.example" })).toEqual(["https://a.example", ONE]);
    expect(await pick()).toEqual(["https://a.example", ONE]);
    expect(await pick({ edge: "https://b.example" })).toBe("workspace_unknown");
  });

  it("is said again where there are several", async () => {
    expect(await pick()).toBe("edge_ambiguous");
    await memory.pin(ONE, "https://a.example");
    await memory.pin(TWO, "https://b.example");
    expect(await pick()).toBe("edge_ambiguous");
    expect(await pick({ workspace: TWO })).toEqual(["https://b.example", TWO]);
    expect(await pick({ workspace: nonceOf("three") })).toBe("edge_ambiguous");
    expect(await pick({ edge: "https://a.example" })).toEqual(["https://a.example", ONE]);
  });

  it("does not stay ambiguous because somebody mistyped once", async () => {
    await memory.pin(TWO, "https://a.example");
    await memory.pin(ONE, "https://a.example");
    expect(await pick({ edge: "https://a.example" })).toBe("edge_ambiguous");
    await memory.advance(ONE, { n: 1, hash: nonceOf("h"), revoked: nonceOf("r") });
    expect(await pick({ edge: "https://a.example" })).toEqual(["https://a.example", ONE]);
  });
});
