import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSession } from "../../../../agent/host/gateway/session.ts";
import type { SessionOptions } from "../../../../agent/host/gateway/session.ts";
import { mayShowSecret } from "../../../../agent/host/gateway/trust.ts";
import { hello, ok, refuse, startHostileGateway } from "./fixtures/hostile-gateway.ts";
import type { Asked, HostileGateway } from "./fixtures/hostile-gateway.ts";
import { makeBench, targetOf } from "./fixtures/watching.ts";
import type { Bench } from "./fixtures/watching.ts";

const ISSUED = "issued-device-token-0001";
const NEXT = "issued-device-token-0002";
let bench: Bench;
let gateway: HostileGateway;
let accepted: Set<string>;
let issue = ISSUED;

/** Accepts the secrets in `accepted` and gives a device token, as the real one does. */
function pairing(asked: Asked): unknown {
  const auth = (asked.params["auth"] ?? {}) as { token?: string; deviceToken?: string };
  if (auth.deviceToken !== undefined && !accepted.has(auth.deviceToken))
    return refuse(asked, "INVALID_REQUEST", "AUTH_DEVICE_TOKEN_MISMATCH");
  if (auth.deviceToken === undefined && !accepted.has(auth.token ?? ""))
    return refuse(asked, "INVALID_REQUEST", "AUTH_TOKEN_MISMATCH");
  const deviceToken = auth.deviceToken ?? issue;
  accepted.add(deviceToken);
  return ok(asked, hello({ auth: { scopes: asked.params["scopes"], deviceToken } }));
}

beforeEach(async () => {
  bench = await makeBench();
  accepted = new Set(["shared-secret"]);
  issue = ISSUED;
  gateway = await startHostileGateway({ answer: pairing });
});

afterEach(async () => {
  await gateway.close();
  await bench.remove();
});

function options(changes: Partial<SessionOptions> = {}): SessionOptions {
  const { url, credential } = targetOf(gateway.port);
  const log = (code: string): number => bench.logged.push(code);
  return {
    url,
    credential,
    store: bench.store,
    scopes: ["operator.read"],
    agentVersion: "0.1.0",
    platform: "linux",
    mayShowSecret: () => Promise.resolve(true),
    log,
    ...changes,
  };
}

const open = async (changes: Partial<SessionOptions> = {}): Promise<void> =>
  (await openSession(options(changes))).close();
const proofs = (): unknown[] => gateway.asked.map((asked) => asked.params["auth"]);

describe("openSession", () => {
  it("pairs with the shared secret once, then uses the device token", async () => {
    await open();
    await open();
    expect(proofs()).toEqual([{ token: "shared-secret" }, { deviceToken: ISSUED }]);
    expect(await bench.store.token(gateway.url)).toBe(ISSUED);
  });

  it("pairs again after its token was revoked or pruned", async () => {
    await open();
    accepted.delete(ISSUED);
    issue = NEXT;
    await open();
    await open();
    expect(proofs().slice(1)).toEqual([{ deviceToken: ISSUED }, { token: "shared-secret" }, { deviceToken: NEXT }]);
  });

  it("is unauthorized when the shared secret is refused too", async () => {
    await open();
    accepted.clear();
    await expect(open()).rejects.toMatchObject({ fault: "unauthorized" });
    expect(await bench.store.token(gateway.url)).toBeUndefined();
  });

  it("is unauthorized without any proof", async () => {
    await expect(open({ credential: undefined })).rejects.toMatchObject({ fault: "unauthorized" });
  });

  it("shows the secret to no foreign process", async () => {
    await expect(open({ mayShowSecret: () => Promise.resolve(false) })).rejects.toMatchObject({ fault: "foreign" });
    expect(gateway.asked).toEqual([]);
  });

  it("still connects when the token cannot be kept", async () => {
    const store = { ...bench.store, keepToken: () => Promise.reject(new Error("disk full")) };
    await open({ store });
    expect(bench.logged).toEqual(["gateway_token_not_kept"]);
  });
});

describe("mayShowSecret", () => {
  it.runIf(process.platform === "linux")("asks the kernel who listens", async () => {
    const own = process.getuid?.() ?? 0;
    expect(await mayShowSecret(targetOf(gateway.port, { ownerUid: undefined }))).toBe(true);
    expect(await mayShowSecret(targetOf(gateway.port, { ownerUid: own }))).toBe(true);
    // Root may run anything for anybody; every other listener must be the owner of the configuration.
    expect(await mayShowSecret(targetOf(gateway.port, { ownerUid: own + 4_711 }))).toBe(own === 0);
  });
});
