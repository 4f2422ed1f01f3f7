import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { demoConfiguration, demoEnvironment } from "../../../../agent/host/demo/configuration.ts";
import { FIRST_DEMO_PORT, findFreePort, firstPortOf } from "../../../../agent/host/demo/ports.ts";

describe("the demo gateway's configuration", () => {
  it("is loopback, holds no secret and can run nothing", () => {
    const configuration = demoConfiguration({
      state: "/data/demo/state",
      port: 28_789,
      providerUrl: "http://127.0.0.1:1/v1",
    });
    expect(configuration).toMatchObject({
      gateway: {
        bind: "loopback",
        auth: { mode: "token", token: "${OPENCLAW_GATEWAY_TOKEN}" },
        terminal: { enabled: false },
      },
      tools: { exec: { mode: "deny" } },
      update: { checkOnStart: false },
      logging: { file: "/data/demo/state/gateway.log" },
    });
  });

  it("gets the token by environment, with nothing of the user's own", () => {
    const environment = demoEnvironment("/data/demo/state", { token: "t", providerKey: "k" }, "/usr/bin");
    expect(environment).toMatchObject({
      OPENCLAW_GATEWAY_TOKEN: "t",
      DO_NOT_TRACK: "1",
      HOME: "/data/demo/state",
      PATH: "/usr/bin",
    });
  });
});

describe("firstPortOf", () => {
  it("is the same for one directory and rarely for two", () => {
    expect(firstPortOf("/data/one")).toBe(firstPortOf("/data/one"));
    const ports = new Set(Array.from({ length: 64 }, (_, i) => firstPortOf(`/data/${i}`)));
    expect(ports.size).toBeGreaterThan(16);
    for (const port of ports) expect(port).toBeGreaterThanOrEqual(FIRST_DEMO_PORT);
  });
});

describe("findFreePort", () => {
  it("takes the next port when the first is taken", async () => {
    const first = await findFreePort(FIRST_DEMO_PORT + 4_000);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(first, "127.0.0.1", resolve));
    expect(await findFreePort(first)).toBeGreaterThan(first);
    await new Promise((resolve) => server.close(resolve));
  });
});
