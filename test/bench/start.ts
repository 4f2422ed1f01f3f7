/** Warm `npm start` until the first page answers, against starting a bare Node process. Needs no network. */
import { spawn } from "node:child_process";
import http from "node:http";
import path from "node:path";
import { temporaryDirectory } from "../e2e/installation.ts";
import { percentile, row, timed, type Bench } from "./bench.ts";

const root = path.resolve(import.meta.dirname, "../..");
const PORT = 25_370;
const TIMES = 5;

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(
      { host: "127.0.0.1", port: PORT, path: "/", headers: { host: `clawhold.localhost:${PORT}` } },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on("error", () => resolve(false)); // not listening yet
  });
}

/** Milliseconds from typing it to the first page; what was started is stopped again. */
async function firstPage(dataDir: string): Promise<number> {
  const args = [
    "start",
    "--silent",
    "--",
    "--data",
    dataDir,
    "--port",
    String(PORT),
    "--agent-port",
    String(PORT + 1),
    "--gateway",
    "none",
    "--json",
  ];
  const began = performance.now();
  const child = spawn("npm", args, { cwd: root, stdio: "ignore", detached: true });
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 5));
  const taken = performance.now() - began;
  process.kill(-(child.pid ?? 0), "SIGTERM");
  await ended;
  // npm ends before what it started: the next round must not be answered by this one.
  while (await answers()) await new Promise((resolve) => setTimeout(resolve, 50));
  return taken;
}

export const start: Bench = {
  name: "start",
  about: "warm npm start to the first page",
  async run() {
    const data = temporaryDirectory("start");
    try {
      await firstPage(data.path); // makes keys and tables, and warms the disk
      const taken: number[] = [];
      for (let i = 0; i < TIMES; i++) taken.push(await firstPage(data.path));
      const bare = await timed(TIMES, () => bareStart(["-e", "0"], process.execPath));
      const npm = await timed(TIMES, () => bareStart(["--version"], "npm"));
      return [
        row({
          name: "npm start to first page p50",
          value: percentile(taken, 0.5),
          unit: "ms",
          baseline: { name: "npm --version p50", value: percentile(npm, 0.5) },
        }),
        row({
          name: "npm start to first page p50",
          value: percentile(taken, 0.5),
          unit: "ms",
          baseline: { name: "bare Node p50", value: percentile(bare, 0.5) },
        }),
      ];
    } finally {
      data.remove();
    }
  },
};

function bareStart(args: readonly string[], program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "ignore" });
    child.on("error", reject);
    child.on("exit", () => resolve());
  });
}
