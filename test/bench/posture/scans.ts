/** The fast lane and the whole scan as the timers run them, and Lynis on the same server. */
import { readFile } from "node:fs/promises";
import type { Machine } from "../../lab/machine.ts";
import { Scanner } from "../../lab/scan.ts";
import { LYNIS } from "../../tasks/debian.ts";
import { percentile, row, timed, type Row } from "../bench.ts";

const FAST_SCANS = 30;
const WHOLE_SCANS = 3;
const FAST_MILLISECONDS = 1_000;
/** Of what Lynis takes: a fiftieth. */
const FAST_SHARE = 0.02;
const WHOLE_SECONDS = 15;
const LYNIS_SECONDS = 900;

export async function measureScans(machine: Machine): Promise<readonly Row[]> {
  const scanner = await Scanner.on(machine);
  await scanner.scan("slow");
  const fast = await timed(FAST_SCANS, async () => void (await scanner.scan("fast")));
  const whole = await timed(WHOLE_SCANS, async () => void (await scanner.scan("slow")));
  const lynis = { name: "Lynis", value: await lynisMilliseconds(machine) };
  const p95 = percentile(fast, 0.95);
  return [
    row({ name: "fast lane, p50", value: percentile(fast, 0.5), unit: "ms" }),
    row({ name: "fast lane, p95", value: p95, unit: "ms", target: FAST_MILLISECONDS }),
    row({ name: "fast lane, p95 of Lynis", value: p95, unit: "ms", baseline: lynis, target: FAST_SHARE }),
    row({ name: "whole scan, slowest", value: Math.max(...whole) / 1_000, unit: "s", target: WHOLE_SECONDS }),
  ];
}

/** Shell scripts of Debian's package here, put on the server. */
async function lynisMilliseconds(machine: Machine): Promise<number> {
  for (const directory of ["/usr/share/lynis", "/etc/lynis"]) await machine.copyIn(directory, directory);
  await machine.write("/usr/share/lynis/lynis", await readFile(LYNIS.path), "0755");
  const inside = ["/usr/bin/env", "--chdir=/usr/share/lynis", "/bin/sh", "./lynis", "audit", "system", "--quick"];
  const started = performance.now();
  await machine.run([...inside, "--no-colors", "--quiet"], { timeoutSeconds: LYNIS_SECONDS });
  return performance.now() - started;
}
