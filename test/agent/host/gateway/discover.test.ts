import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayAddressError, discoverGateway, parseGatewayAddress } from "../../../../agent/host/gateway/discover.ts";

let home = "";

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "discover-"));
  await mkdir(join(home, ".openclaw"));
});

afterEach(() => rm(home, { recursive: true, force: true }));

const writeConfiguration = (text: string): Promise<void> =>
  writeFile(join(home, ".openclaw", "openclaw.json"), text, { mode: 0o600 });
const discover = (changes: object = {}) => discoverGateway({ environment: {}, homeDirectory: home, ...changes });

describe("parseGatewayAddress", () => {
  it.each([
    ["ws://127.0.0.1:18789", "ws://127.0.0.1:18789"],
    ["http://127.0.0.1:1/", "ws://127.0.0.1:1"],
    ["ws://localhost:18789", "ws://127.0.0.1:18789"],
    ["ws://[::1]:18789", "ws://[::1]:18789"],
    ["ws://0x7f000001:5", "ws://127.0.0.1:5"],
  ])("accepts %s", (text, url) => {
    expect(parseGatewayAddress(text).url).toBe(url);
  });

  it.each([
    "ws://192.168.1.4:18789",
    "ws://example.com:18789",
    "ws://localhost.example.com:18789",
    "ws://127.0.0.1.example.com:18789",
    "ws://0.0.0.0:18789",
    "ws://[::ffff:10.0.0.1]:18789",
    "wss://127.0.0.1:18789",
    "file:///etc/passwd",
    "ws://user:secret@127.0.0.1:18789",
    "ws://127.0.0.1:18789/path",
    "ws://127.0.0.1:18789?token=x",
    "ws://127.0.0.1",
    "18789",
    "",
  ])("refuses %s and says what to give", (text) => {
    expect(() => parseGatewayAddress(text)).toThrow(GatewayAddressError);
    expect(() => parseGatewayAddress(text)).toThrow(/for example ws:\/\/127\.0\.0\.1:18789/);
    expect(() => parseGatewayAddress(text)).not.toThrow(/secret/);
  });
});

describe("discoverGateway", () => {
  it("reads port and token from a hand-edited configuration", async () => {
    await writeConfiguration(`// mine
      { gateway: { port: 19001, /* keep */ auth: { mode: 'token', token: "abc", }, }, agents: { list: [1, 2,], }, }`);
    const target = await discover();
    expect(target).toMatchObject({ url: "ws://127.0.0.1:19001", configuration: "ok", isConfigured: true });
    expect(target.credential?.reveal()).toBe("abc");
  });

  it("never prints the secret", async () => {
    await writeConfiguration('{"gateway":{"auth":{"token":"TOPSECRET"}}}');
    const target = await discover();
    expect(target.credential?.reveal()).toBe("TOPSECRET");
    expect(
      `${JSON.stringify(target)} ${inspect(target, { depth: 9, showHidden: true })} ${String(target.credential)}`,
    ).not.toContain("TOPSECRET");
  });

  it("resolves a reference to the environment", async () => {
    await writeConfiguration('{"gateway":{"auth":{"token":"${MY_TOKEN}"}}}');
    expect((await discover({ environment: { MY_TOKEN: "from-env" } })).credential?.reveal()).toBe("from-env");
    expect((await discover()).credential).toBeUndefined();
  });

  it("never resolves a reference for another user's configuration: it could name any secret of ours", async () => {
    const path = join(home, ".openclaw", "openclaw.json");
    await writeConfiguration('{"gateway":{"auth":{"token":"${MY_SECRET}"}}}');
    const { uid } = await stat(path);
    const foreign = { ownUid: uid + 1, environment: { MY_SECRET: "ours" } };
    // A file of root's was placed by whoever runs this machine, so the owner has to be somebody else for the test.
    if (uid === 0) await chown(path, 12_345, 12_345);
    expect((await discover(foreign)).credential).toBeUndefined();
    const named = { ...foreign, environment: { ...foreign.environment, OPENCLAW_GATEWAY_TOKEN: "meant for it" } };
    expect((await discover(named)).credential?.reveal()).toBe("meant for it");
  });

  it("survives a configuration that leads in a circle, or is a pipe that nobody writes to", async () => {
    const path = join(home, ".openclaw", "openclaw.json");
    await symlink(path, path);
    expect((await discover()).configuration).toBe("unreadable");
    await rm(path);
    execFileSync("mkfifo", [path]);
    expect((await discover()).configuration).toBe("invalid");
  });

  it("follows a link of ours, and none out of another user's directory", async () => {
    const path = join(home, ".openclaw", "openclaw.json");
    const other = join(home, "other.json");
    await writeConfiguration("{}");
    await writeFile(other, '{"gateway":{"auth":{"token":"somebody else\'s"}}}');
    await rm(path);
    await symlink(other, path);
    expect((await discover()).configuration).toBe("ok");
    const { uid } = await stat(path);
    // As above: root's directory is followed by everybody.
    if (uid === 0) await chown(join(home, ".openclaw"), 12_345, 12_345);
    const found = await discover({ ownUid: uid + 1 });
    expect(found).toMatchObject({ configuration: "unreadable", credential: undefined, ownerUid: undefined });
  });

  it("takes the gateway's own variable when the configuration has no token", async () => {
    await writeConfiguration("{}");
    expect((await discover({ environment: { OPENCLAW_GATEWAY_TOKEN: "env" } })).credential?.reveal()).toBe("env");
  });

  it("knows password and open gateways", async () => {
    await writeConfiguration('{"gateway":{"auth":{"mode":"password","password":"pw","token":"tok"}}}');
    expect((await discover()).credential).toMatchObject({ kind: "password" });
    await writeConfiguration('{"gateway":{"auth":{"mode":"none","token":"tok"}}}');
    expect((await discover()).credential).toBeUndefined();
  });

  it("follows the gateway's own variables to its configuration", async () => {
    await mkdir(join(home, "state"));
    await writeFile(join(home, "state", "openclaw.json"), '{"gateway":{"port":1111}}');
    await writeFile(join(home, "direct.json"), '{"gateway":{"port":2222}}');
    const state = { OPENCLAW_STATE_DIR: join(home, "state") };
    expect((await discover({ environment: state })).port).toBe(1111);
    expect((await discover({ environment: { ...state, OPENCLAW_CONFIG_PATH: join(home, "direct.json") } })).port).toBe(
      2222,
    );
  });

  it("falls back to the default port where nothing is configured", async () => {
    expect(await discover()).toMatchObject({ port: 18_789, configuration: "absent", isConfigured: false });
  });

  it.each(["{", "[]", "7", "{gateway: }", '{"a":1} x', `${"[".repeat(100)}`, '{"a":"\n"}'])(
    "calls %j invalid",
    async (text) => {
      await writeConfiguration(text);
      expect(await discover()).toMatchObject({ configuration: "invalid", port: 18_789, isConfigured: true });
    },
  );

  it.each(["0", "65536", "-1", '"80a"', "1.5", "{}", "null"])("does not believe the port %s", async (port) => {
    await writeConfiguration(`{"gateway":{"port":${port}}}`);
    expect((await discover()).port).toBe(18_789);
  });

  it("does not show a configuration's secret on another port", async () => {
    await writeConfiguration('{"gateway":{"port":19001,"auth":{"token":"abc"}}}');
    expect((await discover({ explicitUrl: "ws://127.0.0.1:19001" })).credential?.reveal()).toBe("abc");
    expect((await discover({ explicitUrl: "ws://127.0.0.1:4444" })).credential).toBeUndefined();
  });

  it("prefers a token file, and waits while there is none", async () => {
    await writeFile(join(home, "token"), "file-token\n");
    const explicitUrl = "ws://127.0.0.1:28789";
    expect((await discover({ explicitUrl, tokenFile: join(home, "token") })).credential?.reveal()).toBe("file-token");
    expect((await discover({ explicitUrl, tokenFile: join(home, "none") })).credential).toBeUndefined();
  });

  it("refuses an address that is not on this machine before it reads anything", async () => {
    await expect(discover({ explicitUrl: "ws://10.0.0.1:18789" })).rejects.toThrow(/not on this machine/);
  });

  it.skipIf(process.getuid?.() === 0)("says that it may not read", async () => {
    await writeConfiguration("{}");
    await chmod(join(home, ".openclaw", "openclaw.json"), 0o000);
    expect(await discover()).toMatchObject({ configuration: "unreadable" });
  });
});
