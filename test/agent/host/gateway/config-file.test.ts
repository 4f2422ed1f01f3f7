import { chown, link, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { REDACTED } from "../../../../agent/host/gateway/config-edit.ts";
import { parseConfigText, readConfigFile, replaceConfigFile } from "../../../../agent/host/gateway/config-file.ts";
import { fits } from "../../../../agent/host/gateway/config-seen.ts";

const isRoot = process.geteuid?.() === 0;
let home = "";
let path = "";

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "config-file-")));
  await mkdir(join(home, "state"));
  path = join(home, "state", "openclaw.json");
  await writeFile(path, "{}");
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe("the configuration file", () => {
  it.each([true, false])("is read and replaced where it stands (as root: %s)", async (asRoot) => {
    expect(await readConfigFile(path, asRoot)).toBe("{}");
    expect(await replaceConfigFile(path, '{"a":1}', asRoot)).toBe(true);
    expect(await readFile(path, "utf8")).toBe('{"a":1}');
    expect(await readdir(join(home, "state"))).toEqual(["openclaw.json"]);
  });

  it.each([true, false])("is no link (as root: %s)", async (asRoot) => {
    await symlink(path, join(home, "openclaw.json"));
    expect(await readConfigFile(join(home, "openclaw.json"), asRoot)).toBeUndefined();
    expect(await replaceConfigFile(join(home, "openclaw.json"), "x", asRoot)).toBe(false);
  });

  it.each(["here", "here/state"])("is not reached by root through a link: %s", async (through) => {
    await symlink(through === "here" ? join(home, "state") : home, join(home, "here"));
    const linked = join(home, through, "openclaw.json");
    expect(await readConfigFile(linked, true)).toBeUndefined();
    expect(await replaceConfigFile(linked, "x", true)).toBe(false);
    expect(await readFile(path, "utf8")).toBe("{}");
    expect(await readConfigFile(linked, false)).toBe("{}");
  });

  it("has no second name that root would read by", async () => {
    await link(path, join(home, "second.json"));
    expect(await readConfigFile(path, true)).toBeUndefined();
    expect(await replaceConfigFile(path, "x", true)).toBe(false);
  });

  it.runIf(isRoot)("is its directory's owner's, or root keeps off it", async () => {
    await chown(join(home, "state"), 12_345, 12_345);
    expect(await readConfigFile(path)).toBeUndefined();
    expect(await replaceConfigFile(path, "x")).toBe(false);
    await chown(path, 12_345, 12_345);
    expect(await readConfigFile(path)).toBe("{}");
    expect(await replaceConfigFile(path, "x")).toBe(true);
  });

  it.each(["[", '{"a":'])("that is deeper than any configuration is none: %s", (opening) => {
    const closing = opening === "[" ? "]" : "}";
    const deep = opening.repeat(100_000) + (opening === "[" ? "" : "1") + closing.repeat(100_000);
    expect(parseConfigText(deep)).toBeUndefined();
    expect(parseConfigText("// by hand\n{ a: 1 }")).toEqual({ a: 1 });
  });
});

describe("a placeholder", () => {
  it.each([["secret"], [7], [{ source: "env", provider: "default", id: "TOKEN" }]])("stands for %j", (wanted) =>
    expect(fits({ a: wanted }, { a: REDACTED })).toBe(true),
  );

  it.each([[{ more: "of it" }], [{ source: "env", id: { deep: 1 } }], [{ source: "env", id: "A", more: "" }], [["a"]]])(
    "does not hide %j",
    (wanted) => expect(fits({ a: wanted }, { a: REDACTED })).toBe(false),
  );

  it("does not stand for what is not there", () => expect(fits({}, { a: REDACTED })).toBe(false));
});
