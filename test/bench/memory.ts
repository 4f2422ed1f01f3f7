/** Idle resident memory of our processes against one bare Node process of the same binary, same moment. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { row, type Bench, type Row } from "./bench.ts";
import { startInstallation } from "./installation.ts";

const SETTLE_MS = 15_000;

function rssMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (line?.[1] === undefined) throw new Error(`no VmRSS for ${pid}`);
  return Number(line[1]) / 1000;
}

/** All processes below `pid`, by parent. */
export function descendants(pid: number): readonly number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined; // it ended while we looked
    throw error;
  }
}

export function commandLine(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}

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
      const bare = { name: "bare Node", value: await bareNodeMb() };
      const front = installation.up.child.pid ?? 0;
      const below = descendants(front);
      const rows: Row[] = [row({ name: "front and supervisor", value: rssMb(front), unit: "MB", baseline: bare })];
      for (const pid of below) {
        const line = commandLine(pid);
        if (line.includes("host run")) rows.push(row({ name: "agent", value: rssMb(pid), unit: "MB", baseline: bare }));
        else if (line.includes("workerd"))
          rows.push(row({ name: "workerd", value: rssMb(pid), unit: "MB", baseline: bare }));
      }
      return rows;
    } finally {
      await installation.stop();
    }
  },
};
