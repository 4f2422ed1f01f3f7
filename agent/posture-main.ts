/**
 * The short-lived program that looks at the host and mends it (`posture.cjs`): started by a timer or by the warden, ends when it
 * is done. So the agent that lives for months carries none of it, and the warden needs no network and no way to write /etc.
 */
import { homedir } from "node:os";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { approveVerb } from "./host/posture/approve.ts";
import { linuxMachine } from "./host/posture/linux.ts";
import { scanAndKeep } from "./host/posture/keep.ts";
import { showFigures } from "./host/posture/shown-figures.ts";
import { openPostureStore } from "./host/posture/store.ts";
import { tries } from "./host/posture/tries.ts";
import { mendingVerbs } from "./host/remedies/main.ts";
import { linuxHands } from "./host/remedies/open-hands.ts";

const [, entry = "", verb, ...rest] = process.argv;

const machine = linuxMachine({
  environment: process.env,
  homeDirectory: homedir(),
  uid: process.getuid?.() ?? -1,
  self: [process.execPath, entry],
});

async function scanVerb(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { lane: { type: "string", default: "fast" }, directory: { type: "string" }, figures: { type: "string" } },
  });
  const { lane, directory, figures } = values;
  if (lane !== "fast" && lane !== "slow") return usage();
  const agentVersion = readFileSync(join(entry, "..", "version"), "utf8").trim();
  const store = directory === undefined ? undefined : openPostureStore(directory);
  const report = await scanAndKeep({ machine, lane, agentVersion, store });
  if (figures !== undefined) showFigures(figures, report);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  return 0;
}

async function tryVerb([what = "", ...words]: readonly string[]): Promise<number> {
  const answer = Object.hasOwn(tries, what) ? await tries[what]?.(words) : undefined;
  if (answer === undefined) return usage();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return 0;
}

function usage(): number {
  process.stderr.write(
    "Usage: posture.cjs scan [--lane fast|slow] [--directory <path>]\n" +
      "       posture.cjs approve --directory <path> --check <name> --state <name>\n" +
      "       posture.cjs rollback --fix <fix-...> | sweep | rollback-all\n",
  );
  return 64;
}

function approveHere(argv: readonly string[]): Promise<number> {
  const print = (line: string): boolean => process.stdout.write(`${line}\n`);
  return Promise.resolve(approveVerb(argv, { now: machine.now(), print }));
}

const MAX_ORDER_CHARACTERS = 65_536;

async function readOrder(): Promise<string> {
  let text = "";
  for await (const part of process.stdin.setEncoding("utf8")) {
    text += String(part);
    if (text.length > MAX_ORDER_CHARACTERS) return "";
  }
  return text;
}

const mending = mendingVerbs({
  hands: linuxHands(machine),
  readInput: readOrder,
  print: (line) => process.stdout.write(`${line}\n`),
  log: (line) => process.stderr.write(`${line}\n`),
});

const verbs: Readonly<Record<string, (argv: readonly string[]) => Promise<number>>> = {
  ...mending,
  scan: scanVerb,
  try: tryVerb,
  approve: approveHere,
};
const run = verb === undefined || !Object.hasOwn(verbs, verb) ? undefined : verbs[verb];
void (run === undefined ? Promise.resolve(usage()) : run(rest)).then((code) => process.exit(code));
