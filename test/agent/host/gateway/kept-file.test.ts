import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDevice } from "../../../../agent/host/gateway/device.ts";
import { readKept, writeKept } from "../../../../agent/host/gateway/kept-file.ts";
import { ownDeviceIds } from "../../../../agent/host/gateway/own-devices.ts";

const schema = v.strictObject({ v: v.literal(1), word: v.string() });
let directory = "";
let path = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kept-file-"));
  path = join(directory, "deep", "kept.json");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("a kept file", () => {
  it("comes back as it was written, readable by its owner alone, with nothing beside it", async () => {
    expect(readKept(path, schema, 1_000)).toBeUndefined();
    writeKept(path, { v: 1, word: "a" });
    writeKept(path, { v: 1, word: "b" });
    expect(readKept(path, schema, 1_000)).toEqual({ v: 1, word: "b" });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "deep"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(directory, "deep"))).toEqual(["kept.json"]);
  });

  it("is refused when others can read it, or when it leads elsewhere", async () => {
    writeKept(path, { v: 1, word: "a" });
    await chmod(path, 0o640);
    expect(() => readKept(path, schema, 1_000)).toThrow(expect.objectContaining({ code: "kept_file_exposed" }));
    await chmod(path, 0o600);
    await symlink(path, `${path}.link`);
    expect(() => readKept(`${path}.link`, schema, 1_000)).toThrow(
      expect.objectContaining({ code: "kept_file_exposed" }),
    );
  });

  it.each([
    ["no JSON", "{"],
    ["another shape", '{"v":1}'],
    ["an unknown key", '{"v":1,"word":"a","more":1}'],
    ["too large", JSON.stringify({ v: 1, word: "a".repeat(2_000) })],
  ])("is refused as damaged: %s", async (_what, text) => {
    writeKept(path, {});
    await writeFile(path, text);
    expect(() => readKept(path, schema, 1_000)).toThrow(expect.objectContaining({ code: "kept_file_damaged" }));
  });
});

describe("our own devices", () => {
  it("are those whose keys we hold", async () => {
    expect(ownDeviceIds(join(directory, "none"))).toEqual(new Set());
    const reader = await openDevice(directory, "reader");
    const warden = await openDevice(directory, "warden");
    expect(ownDeviceIds(directory)).toEqual(new Set([reader.device.id, warden.device.id]));
  });
});
