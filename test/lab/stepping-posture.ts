/**
 * The program that mends, as it ships but for one thing: it stops after the step that a file names, so that a test can cut its
 * power exactly there. Bundled in place of posture.cjs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { linuxMachine } from "../../agent/host/posture/linux.ts";
import { linuxHands } from "../../agent/host/remedies/open-hands.ts";
import { mendingVerbs } from "../../agent/host/remedies/main.ts";

const STOP_AT = "/run/lab-stop-at";
const STOPPED = "/run/lab-stopped";

const [, entry = "", verb = "", ...rest] = process.argv;

function wanted(): string {
  try {
    return readFileSync(STOP_AT, "utf8").trim();
  } catch {
    return "";
  }
}

const machine = linuxMachine({
  environment: process.env,
  homeDirectory: homedir(),
  uid: process.getuid?.() ?? -1,
  self: [process.execPath, entry],
});

async function readInput(): Promise<string> {
  let text = "";
  for await (const part of process.stdin.setEncoding("utf8")) text += String(part);
  return text;
}

const verbs = mendingVerbs({
  hands: linuxHands(machine),
  readInput,
  print: (line) => process.stdout.write(`${line}\n`),
  log: (line) => process.stderr.write(`${line}\n`),
  async afterStep(step) {
    if (wanted() !== step) return;
    writeFileSync(STOPPED, `${String(process.pid)}\n`);
    // Waits for its end, or for the test to let it go on.
    while (wanted() === step) await new Promise((resolve) => setTimeout(resolve, 20));
  },
});
void verbs[verb]?.(rest).then((code) => process.exit(code));
