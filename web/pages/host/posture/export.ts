/** What was found on a host, as a file for somebody else: a machine (JSON, OCSF) or a person (one page of HTML). Pure. */
import { checks } from "../../../../protocol/posture.ts";
import type { Controls } from "../../../../protocol/posture/entry.ts";
import type { Finding, Report } from "../../../../protocol/posture/report.ts";
import type { CheckSeverity, CheckState } from "../../../../protocol/posture/words.ts";
import { reasonSentence, severityWords, stateWords } from "../../../../protocol/posture-words.ts";
import { formatExact } from "../../../format.ts";
import { runsOf } from "../../../components/visible.ts";
import { sortFindings } from "./findings.ts";
import { frameworks } from "./frameworks.ts";

export const exportFormats = { json: "JSON", ocsf: "OCSF", html: "HTML" } as const;
export type ExportName = keyof typeof exportFormats;

export interface Exported {
  readonly report: Report;
  /** The label that a person gave. */
  readonly host: string;
  readonly hostId: string;
  readonly workspace: string;
}

export interface ExportFile {
  readonly text: string;
  readonly type: string;
  readonly file: string;
}

export function exportOf(name: ExportName, exported: Exported): ExportFile {
  const day = new Date(exported.report.at * 1_000).toISOString().slice(0, 10);
  const stem = `posture-${exported.hostId}-${day}`;
  switch (name) {
    case "json":
      return { text: jsonOf(exported), type: "application/json", file: `${stem}.json` };
    case "ocsf":
      return { text: ocsfOf(exported), type: "application/jsonl", file: `${stem}.ocsf.jsonl` };
    case "html":
      return { text: htmlOf(exported), type: "text/html;charset=utf-8", file: `${stem}.html` };
  }
}

function jsonOf({ report, host, hostId, workspace }: Exported): string {
  return `${JSON.stringify({ v: 1, workspace, host: { id: hostId, label: host }, report }, undefined, 2)}\n`;
}

const severityIds = { critical: 5, high: 4, medium: 3, low: 2 } as const satisfies Record<CheckSeverity, number>;
/** Of the check itself: pass, warning (no result for lack of information), fail, other. */
const complianceIds = {
  pass: 1,
  fail: 3,
  unverified: 2,
  error: 2,
  not_applicable: 99,
} as const satisfies Record<CheckState, number>;
const complianceWords = { 1: "Pass", 2: "Warning", 3: "Fail", 99: "Not applicable" } as const;

/** Open Cybersecurity Schema Framework 1.8.0, class 2003 (Compliance Finding), one event a line. */
function ocsfOf(exported: Exported): string {
  return exported.report.findings.map((finding) => `${JSON.stringify(ocsfEvent(finding, exported))}\n`).join("");
}

function ocsfEvent(finding: Finding, { report, host, hostId, workspace }: Exported) {
  const { check, state, shortfalls, reason, waiver, level, rev, evidence } = finding;
  const { title, why, severity } = checks[check];
  const isOver = state === "pass" || state === "not_applicable";
  const activity = isOver ? 3 : 1; // close, create
  const status = complianceIds[state];
  const detail =
    shortfalls.length > 0 ? shortfalls.join("; ") : reason === undefined ? undefined : reasonSentence(reason);
  return {
    class_uid: 2003,
    category_uid: 2,
    activity_id: activity,
    type_uid: 200_300 + activity,
    time: report.at * 1_000,
    severity_id: severityIds[severity],
    status_id: isOver ? 4 : waiver === undefined ? 1 : 3, // resolved, new, suppressed
    message: `${title}: ${stateWords[state]}`,
    metadata: {
      version: "1.8.0",
      product: { name: "Clawhold", vendor_name: "Clawhold", version: report.agentVersion },
      tenant_uid: workspace,
    },
    finding_info: { uid: `${hostId}/${check}`, title, desc: why, types: [check] },
    compliance: {
      control: check,
      standards: standardsOf(check),
      requirements: requirementsOf(check),
      status_id: status,
      status: complianceWords[status],
      ...(detail === undefined ? {} : { status_detail: detail }),
    },
    resources: [{ uid: hostId, name: host, type: "host" }],
    unmapped: { level, rev, evidence, waiver },
  };
}

/** The schema demands one: where no framework asks for it, ours is named. */
function standardsOf(check: Finding["check"]): readonly string[] {
  const named = namedBy(check).map(([name]) => name);
  return named.length === 0 ? ["Clawhold posture"] : named;
}

function requirementsOf(check: Finding["check"]): readonly string[] {
  return namedBy(check).flatMap(([name, ids]) => ids.map((id) => `${name} ${id}`));
}

function namedBy(check: Finding["check"]): readonly (readonly [name: string, ids: readonly string[]])[] {
  const controls: Controls = checks[check].controls;
  return Object.entries(frameworks).flatMap(([key, name]) => {
    const ids = controls[key as keyof Controls];
    return ids === undefined ? [] : [[name, ids] as const];
  });
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Also what cannot be seen is written out, as on the page: the machine's words are in it. */
function text(foreign: string): string {
  const visible = runsOf(foreign)
    .map(({ text: run }) => run)
    .join("");
  return visible.replace(/[&<>"']/g, (character) => escapes[character] ?? "");
}

const STYLE = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}article{border-top:1px solid #8885;padding:.75rem 0;break-inside:avoid}
h3{font-size:1rem;margin:0}p{margin:.25rem 0}pre{background:#8882;padding:.5rem .75rem;border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem}
.m{opacity:.75;font-size:.85rem}.g{font-size:3rem;font-weight:600;line-height:1}ul{margin:.25rem 0}`;

/** No script, nothing fetched, prints well. */
function htmlOf({ report, host, hostId }: Exported): string {
  const { failing, unverified, accepted, passing, apart } = sortFindings(report);
  const parts: readonly (readonly [string, readonly Finding[]])[] = [
    ["Failing", failing],
    ["Not verified", unverified],
    ["Accepted for a while", accepted],
    ["Holds", passing],
    ["Does not apply", apart],
  ];
  const rights = report.privileged ? "as root" : "without root's rights";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Posture of ${text(host)}</title><style>${STYLE}</style></head><body>
<h1>Posture of ${text(host)}</h1>
<p class="g">${report.grade}</p>
<p><strong>${report.score} of 100.</strong> Looked at ${formatExact(report.at)} UTC, ${rights}, by Clawhold ${text(report.agentVersion)} on ${text(hostId)}.</p>
<p class="m">What could not be verified counts as failing. A check supports the controls that it names; it does not prove compliance with them.</p>
${parts.map(([title, findings]) => (findings.length === 0 ? "" : sectionOf(title, findings))).join("\n")}
</body></html>
`;
}

function sectionOf(title: string, findings: readonly Finding[]): string {
  return `<h2>${title} (${findings.length})</h2>\n${findings.map(articleOf).join("\n")}`;
}

function articleOf({ check, state, reason, shortfalls, evidence, waiver }: Finding): string {
  const { title, why, severity } = checks[check];
  const supports = requirementsOf(check);
  return [
    `<article><h3>${text(title)}</h3>`,
    `<p class="m">${severityWords[severity]}, ${stateWords[state]}. <code>${check}</code>${supports.length === 0 ? "" : `. Supports ${text(supports.join(", "))}`}</p>`,
    `<p>${text(why)}</p>`,
    ...(reason === undefined ? [] : [`<p>${text(reasonSentence(reason))}</p>`]),
    ...(shortfalls.length === 0 ? [] : [`<ul>${shortfalls.map((one) => `<li>${text(one)}</li>`).join("")}</ul>`]),
    ...(waiver === undefined ? [] : [`<p>Accepted until ${formatExact(waiver.until)} UTC: ${text(waiver.reason)}</p>`]),
    ...evidence.map(
      ({ source, excerpt, at }) => `<pre>$ ${text(source)}   (${formatExact(at)} UTC)\n${text(excerpt)}</pre>`,
    ),
    "</article>",
  ].join("\n");
}
