/** `npm run bench [-- NAME...] [--json]`: measures here and now; ratios against baselines of the same run. */
import { command } from "../bench/command.ts";
import { cost } from "../bench/cost.ts";
import { gateway } from "../bench/gateway.ts";
import { ledger } from "../bench/ledger.ts";
import { memory } from "../bench/memory.ts";
import { posture } from "../bench/posture.ts";
import { size } from "../bench/size.ts";
import { start } from "../bench/start.ts";
import { tunnel } from "../bench/tunnel.ts";
import { verify } from "../bench/verify.ts";
import type { Bench, Row } from "../bench/bench.ts";
import path from "node:path";
import { root, runNode } from "./stage.ts";

const benches: readonly Bench[] = [size, start, memory, verify, command, ledger, tunnel, gateway, posture, cost];

const args = process.argv.slice(2);
const json = args.includes("--json");
const wanted = args.filter((arg) => !arg.startsWith("--"));
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (args.includes("--help") || unknown.length > 0) {
  if (unknown.length > 0) console.error(`There is no bench ${unknown.join(", ")}.`);
  console.log("npm run bench [-- NAME...] [--json]\n");
  for (const bench of benches) console.log(`  ${bench.name.padEnd(10)}${bench.about}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const built = await runNode([path.join(root, "agent", "build.mjs")]);
if (built !== 0) process.exit(built);

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3);
}

function line(row: Row): string {
  const against = row.baseline === undefined ? "" : `${number(row.baseline.value)} ${row.unit} ${row.baseline.name}`;
  const ratio = row.ratio === undefined ? "" : `${number(row.ratio)}x`;
  const verdict =
    row.target === undefined
      ? ""
      : `${row.ok === true ? "ok" : "over"} (target ${number(row.target)}${row.ratio === undefined ? "" : "x"})`;
  return `  ${row.name.padEnd(36)} ${`${number(row.value)} ${row.unit}`.padStart(16)}  ${ratio.padStart(8)}  ${verdict.padEnd(22)} ${against}`;
}

const chosen = benches.filter((bench) => wanted.length === 0 || wanted.includes(bench.name));
const all: Row[] = [];
for (const bench of chosen) {
  const result = await bench.run();
  if (!("skipped" in result)) all.push(...result);
  if (json) continue;
  console.log(`\n${bench.name}: ${bench.about}`);
  if ("skipped" in result) console.log(`  skipped: ${result.skipped}`);
  else for (const row of result) console.log(line(row));
}
if (json) {
  const name = chosen.length === 1 ? chosen[0]?.name : "all";
  const rows = all.map((row) => ({ ...row, baseline: row.baseline?.value }));
  console.log(JSON.stringify({ bench: name, rows }, undefined, 2));
}
