import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  agentVersionOf,
  agentVersions,
  isVersion,
  keepAgentVersion,
  MAX_AGENT_VERSIONS,
  versionInUse,
} from "../../../../agent/host/gateway/agent-versions.ts";

const TAG = "a-0123456789abcdef";
let directory = "";
const edit = (content: string, model?: string): { readonly files: { name: string; content: string }[] } => ({
  ...(model === undefined ? {} : { model }),
  files: [{ name: "AGENTS.md", content }],
});
const keep = (content: string): number =>
  keepAgentVersion(directory, TAG, { at: 7, author: "person-1", intent: "i", edit: edit(content) });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "agent-versions-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("versions of an agent", () => {
  it("are numbered, newest first, and readable by their owner alone", async () => {
    expect(agentVersions(directory, TAG)).toEqual([]);
    expect([keep("a"), keep("b")]).toEqual([1, 2]);
    expect(agentVersions(directory, TAG).map(({ number }) => number)).toEqual([2, 1]);
    expect(agentVersionOf(directory, TAG, 1)?.edit).toEqual(edit("a"));
    expect(agentVersionOf(directory, TAG, 3)).toBeUndefined();
    expect((await stat(join(directory, "agent-versions", TAG, "1.json"))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "agent-versions", TAG))).mode & 0o777).toBe(0o700);
  });

  it("end at a number that a reading can show; the oldest goes, its number is not used again", async () => {
    for (let number = 0; number < MAX_AGENT_VERSIONS + 2; number += 1) keep(String(number));
    const numbers = agentVersions(directory, TAG).map(({ number }) => number);
    expect(numbers).toHaveLength(MAX_AGENT_VERSIONS);
    expect([numbers[0], numbers.at(-1)]).toEqual([MAX_AGENT_VERSIONS + 2, 3]);
    expect(await readdir(join(directory, "agent-versions", TAG))).toHaveLength(MAX_AGENT_VERSIONS);
  });

  it("are refused when others could read them, or wrote them", async () => {
    keep("a");
    const path = join(directory, "agent-versions", TAG, "1.json");
    await chmod(path, 0o644);
    expect(() => agentVersions(directory, TAG)).toThrow(expect.objectContaining({ code: "kept_file_exposed" }));
    await chmod(path, 0o600);
    await writeFile(path, '{"v":1}');
    expect(() => agentVersions(directory, TAG)).toThrow(expect.objectContaining({ code: "kept_file_damaged" }));
  });

  it("lie only where the tag of an agent leads", () => {
    expect(() => agentVersions(directory, "../../etc")).toThrow(TypeError);
    expect(() => agentVersions(directory, "j-0123456789abcdef")).toThrow(TypeError);
  });

  it("are recognised in what an agent is told now", () => {
    keep("a");
    keep("b");
    const versions = agentVersions(directory, TAG);
    const other = { name: "SOUL.md", content: "x" };
    expect(versionInUse(versions, { files: [...edit("a").files, other] })).toBe(1);
    expect(versionInUse(versions, edit("c"))).toBeUndefined();
    expect(isVersion(edit("a", "m"), edit("a", "m"))).toBe(true);
    expect(isVersion(edit("a", "m"), edit("a", "n"))).toBe(false);
    expect(isVersion(edit("a"), edit("a", "n"))).toBe(true);
    expect(isVersion({ files: [...edit("a").files, other] }, edit("a"))).toBe(false);
  });
});
