/** `clawhold audit`: how exposed this machine and its gateways are. Needs no account, no installation and no root; keeps nothing. */
import { platform } from "node:os";
import { checkIds, isCheckId, type CheckId } from "../../protocol/posture.ts";
import { reasonSentence, stateWords } from "../../protocol/posture-words.ts";
import { grades, type Grade } from "../../protocol/posture/words.ts";
import { writeFileAtomically } from "../shared/atomic-file.ts";
import { systemCode } from "../shared/edge-error.ts";
import type { Command, CommandInput } from "./command.ts";
import { lookAround, type Exposure } from "./exposure/exposure.ts";
import { fixPlan, fixPlanLines } from "./exposure/fix-plan.ts";
import { pageOf } from "./exposure/html.ts";
import { printable } from "./exposure/printable.ts";
import { sarifOf } from "./exposure/sarif.ts";
import { terminalLines } from "./exposure/terminal.ts";
import { CliError, EXIT, usageError, type CliIo, type ExitCode } from "./io.ts";

const ROOT = 0;
const NARROW = 100;

export const audit: Command = {
  name: "audit",
  summary: "Say how exposed this machine and its gateways are; no account needed",
  help: `Usage: clawhold audit [--fix-plan] [--json | --html <file> | --sarif <file>] [--check <id>]
                      [--fail-under <grade>] [--deep]

Looks at this machine as somebody would who wants to break in, and at the settings of every OpenClaw gateway on it: what
listens, what asks for a secret and refuses without it, who may write to the agents, what lies where others can read it,
SSH, firewall, updates, published advisories. What can be tried is tried and taken back, on this machine alone. Nothing
is installed, kept or sent anywhere. Without root less can be seen: it is said what, and counts as not verified.

  --fix-plan            the steps to take, the worst first, with the exact commands
  --json                one JSON object: machine, report, steps
  --html <file>         one page in one file, to keep or to print
  --sarif <file>        SARIF 2.1.0, for tools that collect findings
  --check <id>          this one check, with its evidence
  --fail-under <grade>  exit code 1 when the grade is below: A, B, C, D or F
  --deep                also walks over all files, and runs the gateway's own security audit, as its user and without a
                        network; needs root and takes a minute or two

Exit codes: 0 looked, and not below --fail-under (with --check: it holds or does not apply); 1 below it (with --check:
it fails or is not verified); 2 not understood; 4 refused, because --deep needs root.

clawhold audit show, check and reset are about the activity log that this host witnesses.`,
  options: {
    "fix-plan": { type: "boolean" },
    html: { type: "string" },
    sarif: { type: "string" },
    check: { type: "string" },
    "fail-under": { type: "string" },
    deep: { type: "boolean" },
  },
  run: async (input, io) => {
    const wanted = gradeOf(input);
    const check = checkOf(input);
    const deep = input.flag("deep");
    if (deep && io.uid !== ROOT)
      throw new CliError(
        "not_root",
        "The deep look runs the gateway's own audit without a network, and only root can take the network away. Type sudo clawhold audit --deep.",
        EXIT.refused,
      );
    if (platform() !== "linux")
      throw new CliError(
        "not_linux",
        "clawhold audit looks at Linux machines so far. Run it on the machine that the gateway runs on.",
      );
    const exposure = await lookAround(io, { deep });
    if (check !== undefined) return showCheck(exposure, check, { input, io });
    show(exposure, input, io);
    return wanted === undefined || grades.indexOf(exposure.report.grade) <= grades.indexOf(wanted)
      ? EXIT.ok
      : EXIT.failed;
  },
};

function gradeOf(input: CommandInput): Grade | undefined {
  const text = input.text("fail-under");
  const grade = grades.find((one) => one === text?.toUpperCase());
  if (text !== undefined && grade === undefined) throw usageError("--fail-under takes a grade: A, B, C, D or F.");
  return grade;
}

function checkOf(input: CommandInput): CheckId | undefined {
  const id = input.text("check");
  if (id === undefined || isCheckId(id)) return id;
  const near = checkIds.filter((one) => one.startsWith(`${id.split(".")[0] ?? ""}.`));
  throw usageError(
    `There is no check of that name. ${near.length > 0 ? `Type one of: ${near.join(", ")}.` : "Names stand in the output of clawhold audit."}`,
  );
}

function show(exposure: Exposure, input: CommandInput, io: CliIo): void {
  const files = [
    [input.text("html"), () => pageOf(exposure)],
    [input.text("sarif"), () => `${JSON.stringify(sarifOf(exposure), undefined, 2)}\n`],
  ] as const;
  const written = files.flatMap(([path, content]) => (path === undefined ? [] : [save(path, content())]));
  if (input.json) {
    io.out(JSON.stringify({ ...exposure, ...(input.flag("fix-plan") ? { steps: fixPlan(exposure) } : {}) }));
    return;
  }
  const { grade, score } = exposure.report;
  if (input.flag("fix-plan")) for (const line of fixPlanLines(exposure)) io.out(line);
  else if (written.length === 0) for (const line of terminalLines(exposure, terminalOf(io))) io.out(line);
  for (const path of written) io.out(`Grade ${grade}, ${String(score)} of 100. Written to ${path}`);
}

function terminalOf({ columns, environment }: CliIo): Parameters<typeof terminalLines>[1] {
  // https://no-color.org: present and not empty.
  const isPlain = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
  return { hasColour: columns !== undefined && !isPlain, columns: columns ?? NARROW };
}

/** What it says is nobody else's business: 0600. */
function save(path: string, text: string): string {
  if (path === "") throw usageError("--html and --sarif need the name of a file.");
  try {
    writeFileAtomically(path, text);
    return path;
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || ["ENOSPC", "EDQUOT", "EROFS", "EIO"].includes(code)) throw error;
    throw usageError(`${path} cannot be written (${code}). Choose another place.`);
  }
}

function showCheck(exposure: Exposure, check: CheckId, { input, io }: { input: CommandInput; io: CliIo }): ExitCode {
  const findings = exposure.report.findings.filter((one) => one.check === check);
  const only: Exposure = { ...exposure, report: { ...exposure.report, findings } };
  if (input.json) io.out(JSON.stringify(findings[0]));
  else {
    for (const line of fixPlanLines(only)) io.out(line);
    for (const { state, reason, evidence } of findings) {
      io.out(`${check}: ${stateWords[state]}`);
      if (reason !== undefined) io.out(`  ${printable(reasonSentence(reason))}`);
      for (const { level, source, excerpt } of evidence) {
        io.out(`  ${level.padEnd(10)}${printable(source)}`);
        for (const line of excerpt.split("\n")) io.out(`            ${printable(line)}`);
      }
    }
  }
  const isWell = findings.every(({ state }) => state === "pass" || state === "not_applicable");
  return isWell ? EXIT.ok : EXIT.failed;
}
