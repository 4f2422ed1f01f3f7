import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseGateway } from "../../../../agent/cli/up/gateway-choice.ts";
import type { CliIo } from "../../../../agent/cli/io.ts";
import { terminal } from "../terminal.ts";

let home: string;
let server: Server;
let port: number;
let asked: string[];
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "clawhold-home-"));
  asked = [];
  // Answers like a gateway's probe, or not at all once it is closed.
  server = createServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true,"status":"live","ready":true}'),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.close();
  rmSync(home, { recursive: true, force: true });
});

function io(answer?: string): CliIo {
  const ask = (question: string): Promise<string> => {
    asked.push(question);
    return Promise.resolve(answer ?? "");
  };
  return terminal({
    homeDirectory: home,
    environment: { OPENCLAW_GATEWAY_PORT: String(port) },
    ...(answer === undefined ? {} : { ask }),
  }).io;
}
const nothingRuns = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

describe("what the person said wins", () => {
  it("none, demo, an address", async () => {
    expect(await chooseGateway("none", undefined, io())).toMatchObject({ kind: "none" });
    expect(await chooseGateway("demo", undefined, io())).toMatchObject({ kind: "demo", fetch: true });
    expect(await chooseGateway("http://localhost:1234", undefined, io())).toMatchObject({
      kind: "local",
      reference: { kind: "local", url: "ws://127.0.0.1:1234" },
    });
  });

  it("an address elsewhere is refused", async () => {
    await expect(chooseGateway("ws://192.168.0.2:18789", undefined, io())).rejects.toMatchObject({
      code: "gateway_address",
    });
  });
});

describe("without a word", () => {
  it("a gateway that runs is used, and nobody is asked", async () => {
    expect(await chooseGateway(undefined, undefined, io("y"))).toMatchObject({
      kind: "local",
      reference: { kind: "local" },
    });
    expect(asked).toEqual([]);
  });

  it("without a terminal nothing is asked and nothing fetched", async () => {
    await nothingRuns();
    const choice = await chooseGateway(undefined, undefined, io());
    expect(choice).toMatchObject({ kind: "none" });
    expect(choice.note).toContain("clawhold up --gateway demo");
  });

  it("on a terminal the person is asked once, and only y means yes", async () => {
    await nothingRuns();
    for (const [answer, kind] of [
      ["y", "demo"],
      ["Yes ", "demo"],
      ["", "none"],
      ["n", "none"],
      ["yep", "none"],
    ] as const) {
      asked = [];
      expect(await chooseGateway(undefined, undefined, io(answer)), answer).toMatchObject({ kind });
      expect(asked).toHaveLength(1);
      expect(asked[0]).toContain("650 MB");
    }
  });

  it("a demo that was used before is started again, without fetching", async () => {
    await nothingRuns();
    const before = { kind: "demo", url: "ws://127.0.0.1:28789", tokenFile: "/x" } as const;
    expect(await chooseGateway(undefined, before, io("y"))).toMatchObject({ kind: "demo", fetch: false });
    expect(asked).toEqual([]);
  });

  it("a configured gateway that is down stays chosen", async () => {
    await nothingRuns();
    mkdirSync(join(home, ".openclaw"));
    writeFileSync(join(home, ".openclaw", "openclaw.json"), "{ gateway: { port: 4 } }");
    expect(await chooseGateway(undefined, undefined, io("y"))).toMatchObject({
      kind: "local",
      reference: { kind: "local" },
    });
    expect(asked).toEqual([]);
  });
});
