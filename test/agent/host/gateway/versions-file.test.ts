import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigVersions, MAX_VERSIONS } from "../../../../agent/host/gateway/versions-file.ts";

let directory = "";
let versions: ConfigVersions;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "versions-"));
  versions = new ConfigVersions(directory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const entry = { at: 1, author: "p-ada", hash: "A".repeat(43), paths: ["gateway.bind"] };
const keep = (n: number): number => versions.keep(entry, { tree: { n }, text: `{"n":${String(n)}}` }).version;

describe("versions", () => {
  it("are numbered, listed newest first, and hold the whole configuration, for this user alone", () => {
    expect([keep(1), keep(2)]).toEqual([1, 2]);
    expect(versions.list().map(({ version }) => version)).toEqual([2, 1]);
    expect(versions.content(1)).toEqual({ v: 1, tree: { n: 1 }, text: '{"n":1}' });
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  it("are at most so many, and a number is never used again", () => {
    for (let n = 1; n <= MAX_VERSIONS + 2; n += 1) keep(n);
    expect(versions.list()).toHaveLength(MAX_VERSIONS);
    expect(versions.list().at(-1)?.version).toBe(3);
    expect(versions.content(2)).toBeUndefined();
    expect(readdirSync(directory)).toHaveLength(MAX_VERSIONS + 1);
  });

  it("survive a crash between content and list: what the list does not name goes with the next", () => {
    keep(1);
    writeFileSync(join(directory, "config-version-2.json"), "half", { mode: 0o600 });
    expect(versions.list()).toHaveLength(1);
    keep(2);
    expect(versions.content(2)).toMatchObject({ tree: { n: 2 } });
  });

  it("are refused when others could read them, or when this program did not write them", () => {
    keep(1);
    const list = join(directory, "config-versions.json");
    chmodSync(list, 0o644);
    expect(() => versions.list()).toThrow(expect.objectContaining({ code: "kept_file_exposed" }));
    chmodSync(list, 0o600);
    writeFileSync(list, '{"v":2}');
    expect(() => versions.newest()).toThrow(expect.objectContaining({ code: "kept_file_damaged" }));
  });
});
