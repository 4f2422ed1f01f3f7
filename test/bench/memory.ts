/** Idle resident memory of our processes against one bare Node process of the same binary, same moment. */
import { spawn } from "node:child_process";
import { row, type Bench } from "./bench.ts";
import { startInstallation } from "./installation.ts";
import { processesOf, rssMb } from "./processes.ts";

const SETTLE_MS = 15_000;

async function bareNodeMb(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const value = rssMb(child.pid ?? 0);
  child.kill("SIGKILL");
  return value;
}

export const memory: Bench = {
  name: "memory",
  about: "idle resident memory after 15 s, against a bare Node process",
  async run() {
    const installation = await startInstallation({ gateway: "none" });
    try {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const baseline = { name: "bare Node", value: await bareNodeMb() };
      return processesOf(installation).map(({ name, pid }) => row({ name, value: rssMb(pid), unit: "MB", baseline }));
    } finally {
      await installation.stop();
    }
  },
};
