/** A look at a machine as lines for a terminal: the grade first and large, then what is wrong, what to do, what is not known. Pure. */
import { explainReason } from "../../../protocol/posture-words.ts";
import { checks } from "../../../protocol/posture.ts";
import type { Finding } from "../../../protocol/posture/report.ts";
import type { CheckSeverity, Grade } from "../../../protocol/posture/words.ts";
import type { Exposure, ExposureHost } from "./exposure.ts";
import { printable } from "./printable.ts";
import { sorted } from "./sorted.ts";
import { steps } from "./steps.ts";

export interface Terminal {
  /** Undefined: not a terminal, or colours are unwanted. */
  readonly hasColour: boolean;
  readonly columns: number;
}

const letters: Readonly<Record<Grade, readonly string[]>> = {
  A: ["  ###  ", " ## ## ", "##   ##", "#######", "##   ##"],
  B: ["###### ", "##   ##", "###### ", "##   ##", "###### "],
  C: [" ##### ", "##   ##", "##     ", "##   ##", " ##### "],
  D: ["#####  ", "##  ## ", "##   ##", "##  ## ", "#####  "],
  F: ["#######", "##     ", "#####  ", "##     ", "##     "],
};

type Paint = (text: string) => string;
interface Paints {
  readonly bad: Paint;
  readonly warn: Paint;
  readonly ok: Paint;
  readonly faint: Paint;
  readonly strong: Paint;
}

function paintsOf(hasColour: boolean): Paints {
  const paint =
    (code: string): Paint =>
    (text) =>
      hasColour ? `\u001B[${code}m${text}\u001B[0m` : text;
  return { bad: paint("31"), warn: paint("33"), ok: paint("32"), faint: paint("2"), strong: paint("1") };
}

const ID_WIDTH = 26;
const SEVERITY_WIDTH = 10;
const INDENT = SEVERITY_WIDTH + ID_WIDTH;
const LIST_INDENT = 4;

export function terminalLines({ host, report }: Exposure, { hasColour, columns }: Terminal): readonly string[] {
  const paints = paintsOf(hasColour);
  const width = Math.max(40, Math.min(columns, 160) - INDENT);
  const { failing, unverified, waived, passed, notApplicable } = sorted(report);
  const counts = [
    `${String(passed.length)} hold`,
    `${String(notApplicable.length)} do not apply`,
    ...(waived.length > 0 ? [`${String(waived.length)} waived`] : []),
  ];
  return [
    "",
    ...head({ host, report }, paints),
    "",
    ...section(`Failing: ${String(failing.length)}`, failing, (one) => failingLines(one, { width, paints })),
    ...unverifiedSection(unverified, width + INDENT),
    `${counts.join(", ")}.`,
    ...closing(host, failing.length + unverified.length).flatMap((line) => wrapped(line, width + INDENT)),
  ];
}

function head({ host, report: { grade, score, advisories } }: Exposure, paints: Paints): readonly string[] {
  const paint = grade === "A" ? paints.ok : grade === "B" || grade === "C" ? paints.warn : paints.bad;
  const gateways = host.gateways.map(
    ({ name, port, version, isRunning }) =>
      `openclaw ${version ?? "of unknown version"} of ${name}, port ${String(port)}${isRunning ? "" : ", not running"}`,
  );
  const beside = [
    paints.strong(`Grade ${grade}, ${String(score)} of 100`),
    printable(`${host.name}, ${host.system}`),
    printable(gateways.length === 0 ? "No gateway was seen on this machine" : gateways.join("; ")),
    `${String(advisories.count)} advisories known${advisories.asOf === undefined ? "" : `, the newest of ${advisories.asOf}`}`,
    host.user === "root" ? "Looked as root" : "Looked without root: see more with sudo clawhold audit",
  ];
  return letters[grade].map((row, at) => `  ${paint(row)}   ${beside[at] ?? ""}`);
}

function section(
  title: string,
  findings: readonly Finding[],
  linesOf: (finding: Finding) => readonly string[],
): readonly string[] {
  return findings.length === 0 ? [] : [title, "", ...findings.flatMap(linesOf), ""];
}

interface Layout {
  readonly width: number;
  readonly paints: Paints;
}

function failingLines({ check, shortfalls }: Finding, { width, paints }: Layout): readonly string[] {
  const { severity } = checks[check];
  const more = shortfalls.length > 1 ? ` (and ${String(shortfalls.length - 1)} more)` : "";
  const sentence = `${shortfalls[0] ?? checks[check].title}${more}`;
  return [
    ...hanging(`${severityText(severity, paints)}${check.padEnd(ID_WIDTH)}`, printable(sentence), width),
    ...hanging(" ".repeat(INDENT), steps[check].say, width).map(paints.faint),
  ];
}

/** By what stood in the way: most of them share one reason, and one remedy. The worst come first in each. */
function unverifiedSection(findings: readonly Finding[], width: number): readonly string[] {
  if (findings.length === 0) return [];
  const reasons = [...new Set(findings.map(({ reason }) => reason ?? "failed"))];
  const groups = reasons.map((reason) => ({
    sentence: explainReason(reason) ?? `The machine says: ${reason}.`,
    ids: findings.filter((one) => (one.reason ?? "failed") === reason).map(({ check }) => check),
  }));
  return [
    `Not verified, and counted as failed: ${String(findings.length)}`,
    "",
    ...groups.flatMap(({ sentence, ids }) => [
      ...wrapped(printable(sentence), width),
      ...wrapped(ids.join(", "), width - LIST_INDENT).map((line) => `${" ".repeat(LIST_INDENT)}${line}`),
      "",
    ]),
    ...wrapped("Each in full: clawhold audit --check <name>", width),
    "",
  ];
}

function severityText(severity: CheckSeverity, { bad, warn, faint }: Paints): string {
  const paint = severity === "critical" || severity === "high" ? bad : severity === "medium" ? warn : faint;
  return paint(severity.padEnd(SEVERITY_WIDTH));
}

/** The first line begins with `label`, the others below its text. */
function hanging(label: string, text: string, width: number): readonly string[] {
  return wrapped(text, width).map((line, at) => `${at === 0 ? label : " ".repeat(INDENT)}${line}`);
}

/** A word that is longer, a path for instance, stays whole: it is there to be copied. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function closing({ isEnrolled, milliseconds }: ExposureHost, open: number): readonly string[] {
  return [
    `Looked in ${(milliseconds / 1_000).toFixed(1)} s. What was tried was taken back, and nothing was sent anywhere.`,
    ...(open > 0 ? ["", "What to do, step by step: clawhold audit --fix-plan"] : []),
    ...(open > 0 && !isEnrolled
      ? ["On a machine that is a host in Clawhold, most of it is mended by one touch each, and taken back by one."]
      : []),
  ];
}
