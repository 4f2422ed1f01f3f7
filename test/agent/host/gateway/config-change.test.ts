import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configDigest } from "../../../../agent/host/gateway/config-digest.ts";
import type { Performed } from "../../../../agent/host/gateway/control-interface.ts";
import { gatewayImplementations } from "../../../../agent/host/gateway/operations/table.ts";
import { ConfigVersions } from "../../../../agent/host/gateway/versions-file.ts";
import type { Expect } from "../../../../protocol/messages.ts";
import { startScripted, type Answer, type Scripted } from "./fixtures/scripted.ts";

const CANARY = "CANARY-config-value";
interface Config {
  readonly parsed: unknown;
  readonly number: number;
  readonly applied?: number;
  readonly valid?: boolean;
}

let scripted: Scripted;
let config: Config;
const hash = (number: number): string => `hmac-sha256:v1:${String(number)}`;
const shown = ({ parsed, number, applied = number, valid = true }: Config): Answer => ({
  payload: { parsed, valid, hash: hash(number), configRevisionHash: hash(number), appliedConfigHash: hash(applied) },
});

/** A gateway that does as it is told, as far as this test needs. */
function take(parsed: unknown): Answer {
  config = { parsed, number: config.number + 1 };
  return {
    payload: { ok: true, hash: hash(config.number), sentinel: { payload: { stats: { requiresRestart: false } } } },
  };
}

beforeEach(async () => {
  scripted = await startScripted();
  config = { parsed: { ui: { seamColor: "#000000" } }, number: 1 };
  scripted.answers.set("config.get", () => shown(config));
  scripted.answers.set("config.patch", ({ params }) => take(JSON.parse(String(params["raw"]))));
});
afterEach(() => scripted.close());

function set(expected: Expect = {}, path = "ui.seamColor"): Promise<Performed> {
  return gatewayImplementations["config.set@1"].perform(
    {
      operation: "config.set@1",
      args: { changes: 1 },
      content: { changes: [{ path, value: JSON.stringify(CANARY) }] },
      intent: "A".repeat(43),
      author: "p-ada",
      expect: expected,
    },
    scripted.tools,
  );
}
const reason = async (expected: Expect = {}): Promise<unknown> => (await set(expected)).observed.reason;

describe("a change", () => {
  it("is sent once, on the base that was pinned, and kept with who wrote it", async () => {
    expect(await set({ configHash: configDigest(hash(1)) })).toMatchObject({
      verdict: "executed",
      observed: { configBefore: configDigest(hash(1)), configAfter: configDigest(hash(2)), version: 2, changed: 1 },
    });
    expect(scripted.count("config.patch")).toBe(1);
    expect(scripted.gateway.asked.find(({ method }) => method === "config.patch")?.params["baseHash"]).toBe(hash(1));
    expect(new ConfigVersions(scripted.tools.directory).list()).toMatchObject([
      { version: 2, author: "p-ada", paths: ["ui.seamColor"] },
      { version: 1, author: "outside" },
    ]);
    expect(scripted.logged.join("")).not.toContain(CANARY);
  });

  it.each([
    ["changed", {}, { configHash: "C".repeat(43) }],
    ["config_pending", { applied: 0 }, {}],
    ["config_invalid", { valid: false }, {}],
  ])("is not sent for %s", async (code, change, expected) => {
    config = { ...config, ...change };
    expect(await reason(expected)).toBe(code);
    expect(scripted.count("config.patch")).toBe(0);
  });

  it("waits for nobody: a gateway that restarts or drains right now says so", async () => {
    scripted.answers.set("config.patch", () => ({ refuse: "UNAVAILABLE" }));
    expect(await reason()).toBe("gateway_unavailable");
    scripted.answers.set("config.get", () => ({ refuse: "UNAVAILABLE" }));
    expect(await reason()).toBe("gateway_unavailable");
  });

  it("says whether the schema or the base stood in the way", async () => {
    scripted.answers.set("config.patch", () => ({ refuse: "INVALID_REQUEST" }));
    expect(await reason()).toBe("schema");
    scripted.answers.set("config.patch", () => {
      config = { ...config, number: 9 };
      return { refuse: "INVALID_REQUEST" };
    });
    expect(await reason()).toBe("changed");
  });

  it("is not believed because the gateway says so: what is there is read, and the former put back", async () => {
    let calls = 0;
    scripted.answers.set("config.patch", ({ params }) => {
      calls += 1;
      return calls === 1 ? take({ ui: { seamColor: "another" } }) : take(JSON.parse(String(params["raw"])));
    });
    expect(await reason()).toBe("rolled_back");
    expect(config.parsed).toEqual({ ui: { seamColor: "#000000" } });
  });

  it("of somebody else meanwhile is left alone", async () => {
    scripted.answers.set("config.patch", () => {
      const answer = take({ ui: {} });
      config = { parsed: { ui: { seamColor: "theirs" } }, number: 7 };
      return answer;
    });
    expect(await reason()).toBe("changed_meanwhile");
    expect(scripted.count("config.patch")).toBe(1);
  });

  it("whose answer is lost is looked for, done or not done", async () => {
    scripted.answers.set("config.patch", ({ params }) => {
      take(JSON.parse(String(params["raw"])));
      return { raw: (_asked, socket) => socket.terminate() };
    });
    expect(await set()).toMatchObject({ verdict: "executed" });
    scripted.answers.set("config.patch", () => ({ raw: (_asked, socket) => socket.terminate() }));
    expect((await set({}, "ui.other")).observed.reason).toBe("not_written");
  });

  it("is not begun where its versions cannot be kept, and not lost where that fails afterwards", async () => {
    const list = join(scripted.tools.directory, "config-versions.json");
    scripted.answers.set("config.patch", ({ params }) => {
      writeFileSync(list, "damaged", { mode: 0o600 });
      return take(JSON.parse(String(params["raw"])));
    });
    expect(await set()).toMatchObject({ verdict: "executed", observed: { reason: "version_not_kept" } });
    expect(await reason()).toBe("kept_file_damaged");
    expect(scripted.count("config.patch")).toBe(1);
  });

  it.each([
    ["no hashes", { parsed: {}, valid: true }],
    ["a text", "config"],
    ["hashes that are none", { parsed: {}, valid: true, hash: "<b>", configRevisionHash: "x", appliedConfigHash: "y" }],
  ])("stops at an answer with %s", async (_what, payload) => {
    scripted.answers.set("config.get", () => ({ payload }));
    expect(await reason()).toBe("gateway_hostile");
  });

  it("stops at a configuration that nests to exhaust us", async () => {
    const depth = 20_000;
    const raw = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    scripted.answers.set("config.get", ({ id }) => ({
      raw: () =>
        `{"type":"res","id":"${id}","ok":true,"payload":{"valid":true,"hash":"${hash(1)}","configRevisionHash":"${hash(1)}","appliedConfigHash":"${hash(1)}","parsed":${raw}}}`,
    }));
    expect(await reason()).toBe("gateway_hostile");
  });
});

describe("a gateway of a version that nobody has tried", () => {
  it("is tightened and nothing else", async () => {
    await scripted.close();
    scripted = await startScripted("2031.1.1");
    config = { parsed: { gateway: { bind: "lan" } }, number: 1 };
    scripted.answers.set("config.get", () => shown(config));
    scripted.answers.set("config.patch", ({ params }) => take(JSON.parse(String(params["raw"]))));
    expect(await reason()).toBe("version_unknown");
    const order = { args: {}, content: undefined, intent: "A".repeat(43), author: "p-ada", expect: {} };
    const operation = "gateway.bind-loopback@1";
    expect(await gatewayImplementations[operation].perform({ ...order, operation }, scripted.tools)).toMatchObject({
      verdict: "executed",
    });
    expect(config.parsed).toEqual({ gateway: { bind: "loopback" } });
  });
});

describe("an agent that is killed in the middle of a change", () => {
  it("leaves whole versions, and the next change keeps what it wrote as somebody else's", async () => {
    const asked = new Promise<void>((resolve) => {
      scripted.answers.set("config.patch", ({ params }) => {
        take(JSON.parse(String(params["raw"])));
        resolve();
        return { raw: () => undefined }; // the answer never comes
      });
    });
    const child = spawn(process.execPath, [fileURLToPath(new URL("fixtures/change.ts", import.meta.url))], {
      env: { GATEWAY_URL: scripted.gateway.url, GATEWAY_DIRECTORY: scripted.tools.directory },
      stdio: "ignore",
    });
    const ended = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
    await asked;
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    const versions = new ConfigVersions(scripted.tools.directory);
    expect(versions.list()).toMatchObject([{ version: 1, author: "outside" }]);
    expect(versions.content(1)?.tree).toEqual({ ui: { seamColor: "#000000" } });
    scripted.answers.set("config.patch", ({ params }) => take(JSON.parse(String(params["raw"]))));
    expect(await set({}, "ui.more")).toMatchObject({ verdict: "executed", observed: { version: 3 } });
    expect(versions.list()).toMatchObject([
      { version: 3, author: "p-ada" },
      { version: 2, author: "outside", paths: ["ui.seamColor"] },
      { version: 1, author: "outside" },
    ]);
  });
});

describe("a gateway's secret", () => {
  const rotate = async (auth: unknown): Promise<unknown> => {
    config = { parsed: { gateway: { auth } }, number: 1 };
    const order = {
      operation: "gateway-token.rotate@1",
      args: {},
      content: undefined,
      intent: "A".repeat(43),
    } as const;
    const done = await gatewayImplementations["gateway-token.rotate@1"].perform(
      { ...order, author: "p-ada", expect: {} },
      scripted.tools,
    );
    return done.observed.reason;
  };

  it("is left alone where the configuration does not hold it", async () => {
    expect(await rotate({ mode: "token", token: "${OPENCLAW_GATEWAY_TOKEN}" })).toBe("secret_elsewhere");
    expect(await rotate({ token: { source: "file", provider: "p", id: "x" } })).toBe("secret_elsewhere");
    expect(await rotate({ mode: "token" })).toBe("secret_elsewhere");
    expect(await rotate({ mode: "none" })).toBe("no_secret");
    expect(scripted.count("config.patch")).toBe(0);
  });
});
