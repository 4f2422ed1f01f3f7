/**
 * Resident memory of our processes against one bare Node process of the same binary, at the same moment: idle, and of the
 * agent after commands; and the processor time that an agent takes for one and for doing nothing.
 */
import { spawn } from "node:child_process";
import { row, type Bench, type Row } from "./bench.ts";
import { startInstallation, type BenchInstallation } from "./installation.ts";
import { processesOf, processorMs, rssMb } from "./processes.ts";

const SETTLE_MS = 15_000;
const COMMANDS = 200;
const AGENT_TARGET = 1.45;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function bareNodeMb(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await pause(2_000);
  const value = rssMb(child.pid ?? 0);
  child.kill("SIGKILL");
  return value;
}

async function commands({ operator, host }: BenchInstallation): Promise<void> {
  for (let i = 0; i < COMMANDS; i += 1) {
    const sent = await operator.build("host.check@1", host);
    const status = await operator.submit(sent);
    if (status.state !== "receipted") await operator.ended(sent, host);
  }
}

export const memory: Bench = {
  name: "memory",
  about: "resident memory, idle after 15 s and of the agent after commands, against a bare Node process",
  async run() {
    const installation = await startInstallation({ gateway: "none" });
    try {
      return await measure(installation);
    } finally {
      await installation.stop();
    }
  },
};

async function measure(installation: BenchInstallation): Promise<readonly Row[]> {
  await pause(SETTLE_MS);
  const baseline = { name: "bare Node", value: await bareNodeMb() };
  const rows = processesOf(installation).map(({ name, pid }) =>
    row({ name, value: rssMb(pid), unit: "MB", baseline, ...(name === "agent" ? { target: AGENT_TARGET } : {}) }),
  );
  const agent = processesOf(installation).find(({ name }) => name === "agent");
  if (agent === undefined) throw new TypeError("no agent");
  const { pid } = agent;
  const start = processorMs(pid);
  await pause(SETTLE_MS);
  const idle = processorMs(pid) - start;
  const before = processorMs(pid);
  await commands(installation);
  const busy = processorMs(pid) - before;
  const told = row({ name: `agent, after ${String(COMMANDS)} commands`, value: rssMb(pid), unit: "MB", baseline });
  // Two looks of the agent at its own heap.
  await pause(SETTLE_MS + 10_000);
  return [
    ...rows,
    row({ name: "agent idle, processor", value: idle / SETTLE_MS, unit: "of one" }),
    row({ name: "agent, processor a command", value: busy / COMMANDS, unit: "ms" }),
    told,
    row({
      name: `agent, half a minute after ${String(COMMANDS)}`,
      value: rssMb(pid),
      unit: "MB",
      baseline,
      target: AGENT_TARGET,
    }),
  ];
}
