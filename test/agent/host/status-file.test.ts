import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readStatus, writeStatus, type AgentStatus } from "../../../agent/host/status-file.ts";

const status: AgentStatus = {
  v: 1,
  pid: 7,
  host: "h-one",
  workspace: "A".repeat(43),
  edge: "wss://127.0.0.1:1",
  started: 1,
  written: 2,
  tunnel: "connected",
  admitted: true,
  lastReceipt: 3,
  unsignedRefusals: 0,
  certificateEnds: 4,
};

describe("the agent's word about itself", () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), "status-"));
    file = path.join(directory, "status.json");
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("is read as it was written, by its user alone", () => {
    writeStatus(file, status);
    expect(readStatus(file)).toEqual(status);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("is undefined where nobody wrote one, or another version did", () => {
    expect(readStatus(file)).toBeUndefined();
    writeFileSync(file, '{"v":2}', { mode: 0o600 });
    expect(readStatus(file)).toBeUndefined();
  });

  it("steers no terminal, whoever wrote it", () => {
    const problem = { code: "x", sentence: "gone\u001b]0;root\u0007\u202e\nAgent: runs" };
    writeStatus(file, { ...status, tunnel: "waiting", problem });
    expect(readStatus(file)?.problem?.sentence).toBe("gone ]0;root   Agent: runs");
  });

  it("leaves nothing else behind, also after one that was killed between writing and naming", () => {
    writeFileSync(`${file}.tmp`, "half a li", { mode: 0o600 });
    writeStatus(file, status);
    writeStatus(file, { ...status, written: 3 });
    expect(readdirSync(directory)).toEqual(["status.json"]);
    expect(readStatus(file)?.written).toBe(3);
  });
});
