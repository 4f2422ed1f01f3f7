import { chmodSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isOperationName, operations } from "../../../../protocol/operations.ts";
import type { Permission } from "../../../../protocol/roles.ts";
import { openDenyList } from "../../../../agent/host/warden/deny-list.ts";
import { temporary } from "./rig.ts";

const OPERATE = readFileSync(new URL("../../../../docs/OPERATE.md", import.meta.url), "utf8");
let directory: string;
let path: string;
const ownUid = process.getuid?.() ?? 0;
beforeEach(() => {
  directory = temporary();
  path = join(directory, "deny");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(text: string, mode = 0o644): void {
  writeFileSync(path, text);
  chmodSync(path, mode);
}
const refused = expect.objectContaining({ code: "deny_list" });

describe("what it denies", () => {
  it("nothing when there is no file", () => {
    expect(openDenyList({ path, ownUid }).denies("gateway.restart@1")).toBe(false);
  });

  it("operations by name, groups by prefix", () => {
    write("# this machine\nhost.check@1   # not needed\n\nexec.*\n");
    const list = openDenyList({ path, ownUid });
    expect(list.denies("host.check@1")).toBe(true);
    expect(list.denies("host.check@2")).toBe(false);
    expect(list.denies("exec.allow-once@1")).toBe(true);
    expect(list.denies("gateway.restart@1")).toBe(false);
  });

  it("an update of many hosts where that of one is named, and not the other way round", () => {
    write("agent.update@1\n");
    expect(openDenyList({ path, ownUid }).denies("agent.update-rest@1")).toBe(true);
    write("agent.update-rest@1\n");
    expect(openDenyList({ path, ownUid }).denies("agent.update@1")).toBe(false);
  });

  it("what either of an installed host's two lists names, and everything when one of them cannot be trusted", () => {
    const settings = join(directory, "settings");
    const list = openDenyList({ path, settings, ownUid });
    write("host.check@1\n");
    writeFileSync(settings, "gateway.*\n", { mode: 0o644 });
    expect([list.denies("host.check@1"), list.denies("gateway.restart@1")]).toEqual([true, true]);
    expect(list.denies("host.drill@1")).toBe(false);
    chmodSync(settings, 0o666);
    expect(list.denies("host.drill@1")).toBe(true);
  });

  it("in the documented example: exactly what changes a gateway's configuration", () => {
    const [, example] = /```text\n(# This machine's gateway is never reconfigured[\s\S]*?)```/.exec(OPERATE) ?? [];
    write(example ?? "");
    const list = openDenyList({ path, ownUid });
    const configuring = new Set<Permission>(["gateway.configure", "agent.manage", "channel.manage"]);
    const names = Object.keys(operations).filter((name) => isOperationName(name));
    const denied = names.filter((name) => list.denies(name));
    expect(denied).toEqual(names.filter((name) => configuring.has(operations[name].permission)));
    expect(denied).not.toEqual([]);
    expect(denied).not.toEqual(names);
  });

  it("what was added while it runs, and everything once it cannot be trusted", () => {
    const list = openDenyList({ path, ownUid });
    write("gateway.restart@1\n");
    expect(list.denies("gateway.restart@1")).toBe(true);
    write("host.check@1\n", 0o666);
    expect(list.denies("gateway.restart@1")).toBe(true);
    write("host.check@1\n");
    expect(list.denies("gateway.restart@1")).toBe(false);
    write("nonsense here\n");
    expect(list.denies("gateway.restart@1")).toBe(true);
  });
});

describe("what it refuses to start with", () => {
  it.each([0o666, 0o664, 0o622])("a file that others can change (%o)", (mode) => {
    write("host.check@1\n", mode);
    expect(() => openDenyList({ path, ownUid })).toThrow(refused);
  });

  it("lines that are no rule, naming the line", () => {
    for (const line of ["gateway.restart", "*", "Gateway.*", "a b@1", "gateway.restart@0", "../x@1"]) {
      write(`host.check@1\n${line}\n`);
      expect(() => openDenyList({ path, ownUid }), line).toThrow(/line 2/);
    }
  });

  it("a symbolic link, a directory, a giant", () => {
    writeFileSync(join(directory, "elsewhere"), "host.check@1\n");
    symlinkSync(join(directory, "elsewhere"), path);
    expect(() => openDenyList({ path, ownUid })).toThrow(/symbolic link/);
    unlinkSync(path);
    write(`${"# filler\n".repeat(10_000)}`);
    expect(() => openDenyList({ path, ownUid })).toThrow(refused);
    expect(() => openDenyList({ path: directory, ownUid })).toThrow(refused);
  });

  it.runIf(ownUid === 0)("a file of another user", async () => {
    write("host.check@1\n");
    const { chownSync } = await import("node:fs");
    chownSync(path, 12_345, 12_345);
    expect(() => openDenyList({ path, ownUid })).toThrow(/uid 12345/);
    expect(openDenyList({ path, ownUid: 12_345 }).denies("host.check@1")).toBe(true);
  });
});
