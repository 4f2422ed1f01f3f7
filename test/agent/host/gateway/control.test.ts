import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PREPARE_TIMEOUT_SECONDS } from "../../../../protocol/limits.ts";
import { configDigest, FACTS_MILLISECONDS, gatewayControl } from "../../../../agent/host/gateway/control.ts";
import type { GatewayControl } from "../../../../agent/host/gateway/control-interface.ts";
import { hello, ok, refuse, startHostileGateway } from "./fixtures/hostile-gateway.ts";
import type { Asked, HostileGateway, Script } from "./fixtures/hostile-gateway.ts";
import { makeBench, targetOf } from "./fixtures/watching.ts";
import type { Bench } from "./fixtures/watching.ts";

let bench: Bench;
let gateway: HostileGateway | undefined;
let boot = "boot-0001";

beforeEach(async () => {
  bench = await makeBench();
  boot = "boot-0001";
});

afterEach(async () => {
  await gateway?.close();
  await bench.remove();
  gateway = undefined;
});

function greet(asked: Asked): unknown {
  return ok(
    asked,
    hello({
      server: { version: "2026.9.6", bootId: boot },
      auth: { scopes: asked.params["scopes"] },
      snapshot: { appliedConfigHash: "hmac-sha256:v1:abc" },
    }),
  );
}

async function control(onRestart: NonNullable<Script["answer"]>, restartMilliseconds = 1_200): Promise<GatewayControl> {
  const started = await startHostileGateway({
    answer: (asked, socket) => (asked.method === "connect" ? greet(asked) : onRestart(asked, socket)),
  });
  gateway = started;
  return controlOf(started, restartMilliseconds);
}

function controlOf({ port }: HostileGateway, restartMilliseconds = 1_200): GatewayControl {
  return gatewayControl({
    target: () => Promise.resolve(targetOf(port)),
    store: bench.store,
    agentVersion: "0.1.0",
    log: (code) => bench.logged.push(code),
    elapsed: () => performance.now(),
    now: () => Date.now(),
    directory: "/nonexistent",
    restartMilliseconds,
  });
}

const scopesAsked = (): unknown[] =>
  (gateway?.asked ?? []).filter((asked) => asked.method === "connect").map((asked) => asked.params["scopes"]);

describe("gatewayControl", () => {
  it("restarts once and reports both boots", async () => {
    const { restart } = await control((asked) => {
      boot = "boot-0002";
      return ok(asked, { ok: true, status: "scheduled" });
    });
    expect(await restart()).toEqual({ before: "boot-0001", after: "boot-0002" });
    expect(gateway?.asked.filter((asked) => asked.method === "gateway.restart.request")).toHaveLength(1);
  });

  it("holds administrator scope for the request alone", async () => {
    const { restart, bootId } = await control((asked) => {
      boot = "boot-0002";
      return ok(asked, { ok: true });
    });
    await bootId();
    await restart();
    expect(scopesAsked()).toEqual([["operator.read"], ["operator.admin"], ["operator.read"]]);
  });

  it("lets the boots decide when the connection dies under the request", async () => {
    const { restart } = await control((_asked, socket) => {
      boot = "boot-0002";
      socket.terminate();
      return undefined;
    });
    expect(await restart()).toEqual({ before: "boot-0001", after: "boot-0002" });
  });

  it("says that no other boot answered", async () => {
    const { restart } = await control((asked) => ok(asked, { ok: true }));
    expect(await restart()).toEqual({ before: "boot-0001", after: undefined });
  });

  it("stops waiting when it is hurried, and takes its time again afterwards", async () => {
    const FOR_EVER = 1e9;
    const { restart, hurry } = await control((asked) => {
      if (boot === "boot-0001") setImmediate(hurry);
      else boot = "boot-0003";
      return ok(asked, { ok: true });
    }, FOR_EVER);
    expect(await restart()).toEqual({ before: "boot-0001", after: undefined });
    boot = "boot-0002";
    expect(await restart()).toEqual({ before: "boot-0002", after: "boot-0003" });
  });

  it("is not hurried by what came before it began", async () => {
    const { restart, hurry } = await control((asked) => {
      boot = "boot-0002";
      return ok(asked, { ok: true });
    });
    hurry();
    expect(await restart()).toEqual({ before: "boot-0001", after: "boot-0002" });
  });

  it("rejects when the gateway refuses, and waits for nothing", async () => {
    const { restart } = await control((asked) => refuse(asked, "FORBIDDEN", "MISSING_SCOPE"));
    await expect(restart()).rejects.toMatchObject({ fault: "refused", code: "refused.MISSING_SCOPE" });
  });

  it("rejects an answer that schedules nothing", async () => {
    const { restart } = await control((asked) => ok(asked, { ok: "true" }));
    await expect(restart()).rejects.toMatchObject({ fault: "refused" });
  });

  it("asks nothing of a gateway without a boot id", async () => {
    boot = "\u001b[0m";
    const { restart } = await control((asked) => ok(asked, { ok: true }));
    await expect(restart()).rejects.toMatchObject({ fault: "hostile" });
    expect(gateway?.asked.map((asked) => asked.method)).toEqual(["connect"]);
  });

  it("observes nothing where nobody answers, and rejects a restart there", async () => {
    const { bootId, configHash, restart } = await control(() => undefined);
    expect(await bootId()).toBe("boot-0001");
    expect(await configHash()).toBe(configDigest("hmac-sha256:v1:abc"));
    await gateway?.close();
    expect(await bootId()).toBeUndefined();
    await expect(restart()).rejects.toMatchObject({ fault: "unreachable" });
  });

  it.each(["bootId", "configHash"] as const)(
    "stops waiting for a gateway that does not greet while the edge still waits for the host: %s",
    async (fact) => {
      expect(FACTS_MILLISECONDS).toBeLessThan(PREPARE_TIMEOUT_SECONDS * 1_000);
      let isAsked = (): void => undefined;
      const asked = new Promise<void>((resolve) => (isAsked = resolve));
      gateway = await startHostileGateway({ answer: isAsked });
      const observed = controlOf(gateway);
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      try {
        const known = observed[fact]();
        await asked;
        await vi.advanceTimersByTimeAsync(FACTS_MILLISECONDS);
        expect(await known).toBeUndefined();
      } finally {
        vi.useRealTimers();
      }
    },
  );
});
