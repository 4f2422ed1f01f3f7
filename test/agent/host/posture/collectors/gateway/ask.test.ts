/** To whom the shared secret goes, and to whom never. The gateway is scripted; who listens is the kernel's table in rows of ours. */
import { describe, expect, it } from "vitest";
import type { GatewayConnection } from "../../../../../../agent/host/gateway/client.ts";
import { GatewayError } from "../../../../../../agent/host/gateway/faults.ts";
import { askApplied, type Asking } from "../../../../../../agent/host/posture/collectors/gateway/ask.ts";
import type { FoundGateway } from "../../../../../../agent/host/posture/collectors/gateway/find.ts";
import {
  guess,
  hookWithoutToken,
  withoutSecret,
} from "../../../../../../agent/host/posture/collectors/gateway/refusals.ts";
import { secretOf } from "../../../../../../agent/host/posture/collectors/gateway/secret.ts";
import { recordedMachine } from "../../recorded-machine.ts";

const tree = { gateway: { port: 18_789, auth: { token: "the-real-secret" } } };
const gateway: FoundGateway = {
  name: "alice",
  user: { name: "alice", uid: 1_000, gid: 1_000, home: "/home/alice" },
  directory: "/home/alice/.openclaw",
  configurationPath: "/home/alice/.openclaw/openclaw.json",
  configuration: "ok",
  ownerUid: 1_000,
  tree,
  text: "{}",
  secret: secretOf(tree, {}),
  port: 18_789,
  process: { pid: 7, uid: 1_000, environment: {}, inodes: new Set(["1"]) },
};
const listener = (uid: number, address = "127.0.0.1") => ({ address, port: 18_789, loopback: true, uid, inode: "1" });

const answers: Readonly<Record<string, unknown>> = {
  "config.get": { config: tree, valid: true, configRevisionHash: "hash-0001", appliedConfigHash: "hash-0001" },
  "plugins.list": {
    plugins: [{ id: "spy", installed: true, enabled: true, origin: "npm", install: { spec: "spy@latest" } }],
  },
  "exec.approvals.get": { resolvedDefaults: { security: "allowlist" }, file: { agents: { a: { security: "full" } } } },
};

function scripted(change: Readonly<Record<string, unknown>> = {}) {
  const asked: Asking[] = [];
  const ask = (asking: Asking): Promise<GatewayConnection> => {
    asked.push(asking);
    return Promise.resolve({
      hello: { version: "2026.9.6", bootId: undefined, configHash: undefined, deviceToken: undefined },
      call: (method: string) => Promise.resolve({ ...answers, ...change }[method]),
      close: () => undefined,
      ended: new Promise<never>(() => undefined),
    });
  };
  return { asked, ask };
}

describe("a gateway is asked", () => {
  it("with its secret, for reading, where its owner listens", async () => {
    const { asked, ask } = scripted();
    const answer = await askApplied(gateway, [listener(1_000), listener(1_000, "::1")], ask);
    expect(answer).toMatchObject({
      applied: {
        version: "2026.9.6",
        isCurrent: true,
        plugins: [{ id: "spy", isOn: true, isPinned: false }],
        execIsTight: false,
      },
    });
    // Its own list is an administrator's to see, and is asked for only because the configuration is loose.
    expect(asked.map(({ scopes }) => scopes)).toEqual([["operator.read"], ["operator.admin"]]);
    expect(asked[0]?.credential?.reveal()).toBe("the-real-secret");
  });
  it.each<[string, Partial<FoundGateway>, readonly ReturnType<typeof listener>[], string]>([
    ["another user listens there", {}, [listener(1_001)], "foreign_listener"],
    ["another user listens there too", {}, [listener(1_000), listener(1_001, "::1")], "foreign_listener"],
    [
      "its process is another user's",
      { process: { pid: 7, uid: 1_001, environment: {}, inodes: undefined } },
      [listener(1_000)],
      "foreign_listener",
    ],
    ["the file is another user's", { ownerUid: 1_001 }, [listener(1_000)], "foreign_listener"],
    ["nobody listens", {}, [], "gateway_down"],
    ["the file is closed to us", { configuration: "unreadable", ownerUid: undefined }, [listener(1_000)], "not_root"],
    [
      "the secret is elsewhere",
      { secret: { source: "reference", credential: undefined } },
      [listener(1_000)],
      "secret_unknown",
    ],
  ])("never where %s", async (...[, change, sockets, why]) => {
    const { asked, ask } = scripted();
    expect(await askApplied({ ...gateway, ...change }, sockets, ask)).toMatchObject({ why });
    expect(asked).toEqual([]);
  });
  it("and believed only in the shape of an answer", async () => {
    const { ask } = scripted({ "config.get": { config: "all is well" } });
    expect(await askApplied(gateway, [listener(1_000)], ask)).toMatchObject({ why: "malformed" });
    const stale = scripted({ "config.get": { ...(answers["config.get"] as object), appliedConfigHash: "hash-0002" } });
    expect(await askApplied(gateway, [listener(1_000)], stale.ask)).toMatchObject({ applied: { isCurrent: false } });
  });
  it("and says why it did not answer", async () => {
    const refuse = (fault: "unauthorized" | "unreachable" | "timeout") => () => Promise.reject(new GatewayError(fault));
    expect(await askApplied(gateway, [listener(1_000)], refuse("unauthorized"))).toMatchObject({
      why: "secret_unknown",
    });
    expect(await askApplied(gateway, [listener(1_000)], refuse("unreachable"))).toMatchObject({ why: "gateway_down" });
    expect(await askApplied(gateway, [listener(1_000)], refuse("timeout"))).toMatchObject({ why: "timeout" });
  });
});

describe("a refusal", () => {
  const http = (status: number) => () => Promise.resolve({ outcome: "answered", status } as const);
  it.each([
    [401, "refused"],
    [403, "refused"],
    [400, "let_in"],
    [200, "let_in"],
    [404, "unclear"],
    [503, "unclear"],
  ] as const)("over HTTP with status %i is %s", async (status, verdict) => {
    const machine = recordedMachine({ http: http(status) });
    const silent = () => Promise.reject(new GatewayError("unreachable"));
    expect(await withoutSecret(machine, 18_789, silent)).toEqual({ socket: "unclear", http: verdict });
    expect(await hookWithoutToken(machine, 18_789, "/hooks")).toBe(verdict);
  });
  it("over a WebSocket is the gateway's own word, without any secret", async () => {
    const machine = recordedMachine({});
    const { asked, ask } = scripted();
    expect((await withoutSecret(machine, 18_789, ask)).socket).toBe("let_in");
    expect(asked[0]?.credential).toBeUndefined();
    const refuse = () => Promise.reject(new GatewayError("unauthorized"));
    expect((await withoutSecret(machine, 18_789, refuse)).socket).toBe("refused");
  });
});

describe("guessing", () => {
  const refusing = (code: string) => {
    const shown: string[] = [];
    const ask = ({ credential }: Asking) => {
      shown.push(credential?.reveal() ?? "");
      return Promise.reject(new GatewayError("unauthorized", code));
    };
    return { shown, ask };
  };
  it("takes two wrong secrets at most, each another, never the real one", async () => {
    const { shown, ask } = refusing("AUTH_TOKEN_MISMATCH");
    const found = await guess({ port: 1, kind: "token", room: Number.POSITIVE_INFINITY }, ask);
    expect(found).toMatchObject({ isRefused: true, isLocked: false });
    expect(new Set(shown).size).toBe(2);
    expect(shown.every((one) => one.startsWith("wrong-on-purpose-"))).toBe(true);
  });
  it("leaves its owner room for mistakes", async () => {
    const { shown, ask } = refusing("AUTH_TOKEN_MISMATCH");
    expect(await guess({ port: 1, kind: "token", room: 0 }, ask)).toBeUndefined();
    await guess({ port: 1, kind: "token", room: 1 }, ask);
    expect(shown).toHaveLength(1);
  });
  it("stops at a lock", async () => {
    const { shown, ask } = refusing("AUTH_RATE_LIMITED");
    expect(await guess({ port: 1, kind: "token", room: 9 }, ask)).toMatchObject({ isLocked: true });
    expect(shown).toHaveLength(1);
  });
  it("says so when a wrong secret opens", async () => {
    const { ask } = scripted();
    expect(await guess({ port: 1, kind: "token", room: 9 }, ask)).toMatchObject({ isRefused: false });
  });
});
