import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AGENT_FLAGS, startAgentProcess, type AgentProcess } from "../../../../agent/cli/up/agent-process.ts";
import { until } from "../../host/warden/rig.ts";

let directory: string;
let agent: AgentProcess | undefined;
let events: string[];
let logs: string[];
let pids: number[];
let ends: { how: string; pause: number }[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-agent-"));
  events = [];
  logs = [];
  pids = [];
  ends = [];
});
afterEach(async () => {
  await agent?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function start(script: string): AgentProcess {
  const entry = join(directory, "entry.mjs");
  writeFileSync(entry, script);
  agent = startAgentProcess({
    node: process.execPath,
    entry,
    dataDirectory: "/data",
    environment: { PATH: process.env["PATH"] },
    onEvent: (line) => events.push(line),
    onLog: (line) => logs.push(line),
    onStart: (pid) => pids.push(pid),
    onEnd: (how, pause) => ends.push({ how, pause }),
  });
  return agent;
}
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("the agent as a child", () => {
  it("is told what to run, and its lines are passed on", async () => {
    start('console.log(JSON.stringify(process.argv.slice(2))); console.error("log"); setInterval(() => {}, 1000);');
    await until(() => events.length === 1 && logs.length === 1);
    expect(JSON.parse(events[0] ?? "")).toEqual(["host", "run", "--json", "--data", "/data"]);
  });

  it("is started again when it ends, with a pause that grows", async () => {
    start("process.exit(7);");
    await until(() => ends.length === 2);
    expect(ends).toEqual([
      { how: "code 7", pause: 500 },
      { how: "code 7", pause: 1_000 },
    ]);
  });

  it("is started anew at once when asked", async () => {
    const running = start(
      'process.on("SIGTERM", () => process.exit(0)); console.log("up"); setInterval(() => {}, 1000);',
    );
    await until(() => events.length === 1);
    running.restart();
    await until(() => events.length === 2);
    expect(pids).toHaveLength(2);
    expect(ends).toEqual([]);
  });

  it("ends with us, also when it was killed meanwhile", async () => {
    const running = start('console.log("up"); setInterval(() => {}, 1000);');
    await until(() => events.length === 1);
    const [pid = 0] = pids;
    await running.stop();
    expect(isAlive(pid)).toBe(false);
    await running.stop();
    expect(ends).toEqual([]);
  });
});

describe("how Node runs an agent", () => {
  it("is the same whoever starts it", () => {
    const launcher = readFileSync(join(import.meta.dirname, "../../../../agent/launch.cjs"), "utf8");
    const [, list = ""] = /^const AGENT_FLAGS = (\[.*\]);$/m.exec(launcher) ?? [];
    expect(JSON.parse(list)).toEqual(AGENT_FLAGS);
  });
});
