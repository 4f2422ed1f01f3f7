import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DeviceFileError, openDevice } from "../../../../agent/host/gateway/device.ts";

const URL_A = "ws://127.0.0.1:18789";
const TOKEN = "t".repeat(43);
let directory = "";

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "device-")), "keys");
});

afterEach(() => rm(join(directory, ".."), { recursive: true, force: true }));

describe("openDevice", () => {
  it("makes a key once and finds it again", async () => {
    const first = await openDevice(directory, "reader");
    const second = await openDevice(directory, "reader");
    expect(second.device.id).toBe(first.device.id);
    expect(first.device.id).toMatch(/^[0-9a-f]{64}$/);
  });

  it("gives reader and warden different keys and names", async () => {
    const reader = await openDevice(directory, "reader");
    const warden = await openDevice(directory, "warden");
    expect(warden.device.publicKey).not.toBe(reader.device.publicKey);
    expect(reader.device.displayName).toBe(`clawhold reader ${reader.device.id.slice(0, 8)}`);
    expect(warden.device.displayName).toBe(`clawhold warden ${warden.device.id.slice(0, 8)}`);
  });

  it("lets nobody else read keys and tokens", async () => {
    const store = await openDevice(directory, "reader");
    await store.keepToken(URL_A, TOKEN);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(directory)) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
  });

  it("shows a token only to the gateway that gave it", async () => {
    const store = await openDevice(directory, "reader");
    await store.keepToken(URL_A, TOKEN);
    expect(await store.token(URL_A)).toBe(TOKEN);
    expect(await store.token("ws://127.0.0.1:28789")).toBeUndefined();
    await store.forgetToken();
    expect(await store.token(URL_A)).toBeUndefined();
  });

  it("does not use a token of a key that is gone", async () => {
    await (await openDevice(directory, "reader")).keepToken(URL_A, TOKEN);
    await rm(join(directory, "gateway-reader.key.json"));
    expect(await (await openDevice(directory, "reader")).token(URL_A)).toBeUndefined();
  });

  it.each(["", "short", "with space in it long enough", `${"x".repeat(20)}\u001b[0m`, "x".repeat(600)])(
    "does not keep %j as a token",
    async (token) => {
      const store = await openDevice(directory, "reader");
      await store.keepToken(URL_A, token);
      expect(await store.token(URL_A)).toBeUndefined();
    },
  );

  it("refuses a key that others can read", async () => {
    await openDevice(directory, "reader");
    await chmod(join(directory, "gateway-reader.key.json"), 0o640);
    await expect(openDevice(directory, "reader")).rejects.toMatchObject({ code: "device_file_exposed" });
  });

  it.each([
    "",
    "{}",
    "[]",
    '{"v":1,"pkcs8":"AAAA"}',
    '{"v":2,"pkcs8":"AAAA"}',
    '{"v":1,"pkcs8":7}',
    '{"v":1,"pkcs8":"AAAA","more":1}',
    "x".repeat(9_000),
  ])("refuses a damaged key file: %.20s", async (text) => {
    await openDevice(directory, "reader");
    await writeFile(join(directory, "gateway-reader.key.json"), text);
    await expect(openDevice(directory, "reader")).rejects.toBeInstanceOf(DeviceFileError);
  });
});
