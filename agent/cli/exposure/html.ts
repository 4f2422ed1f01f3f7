/**
 * A look at a machine as one page in one file: no script, nothing fetched, light and dark, fit for paper. Text in it comes from the
 * machine and is escaped where it is written. Pure.
 */
import { checks } from "../../../protocol/posture.ts";
import { areaWords, explainReason, levelWords, severityWords, stateWords } from "../../../protocol/posture-words.ts";
import type { Evidence, Finding } from "../../../protocol/posture/report.ts";
import type { Exposure } from "./exposure.ts";
import { pageStyle } from "./page-style.ts";
import { printable } from "./printable.ts";
import { sorted } from "./sorted.ts";
import { steps } from "./steps.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

export function pageOf(exposure: Exposure): string {
  const { host, report } = exposure;
  const { failing, unverified, waived, passed, notApplicable } = sorted(report);
  const body = [
    head(exposure),
    section("Failing", failing, (one) => openRow(one, true)),
    section("Not verified, and counted as failed", unverified, (one) => openRow(one, false)),
    section("Waived", waived, (one) => openRow(one, false)),
    folded("Holds", passed),
    folded("Does not apply", notApplicable),
    `<footer><p>${escaped(
      `Clawhold ${report.agentVersion} looked in ${(host.milliseconds / 1_000).toFixed(1)} s at ${timeOf(report.at)}. Controls are named by their ids: a check supports them, and is no proof of compliance.`,
    )}</p></footer>`,
  ];
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="color-scheme" content="light dark">',
    `<title>${escaped(`Exposure of ${host.name}: grade ${report.grade}`)}</title>`,
    `<style>${pageStyle}</style>`,
    "</head>",
    "<body>",
    `<main>${body.join("\n")}</main>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function head({ host, report }: Exposure): string {
  const { grade, score, advisories, privileged, at } = report;
  const gateways = host.gateways.map(
    ({ name, port, version }) => `openclaw ${version ?? "of unknown version"} of ${name}, port ${String(port)}`,
  );
  const rows: readonly (readonly [string, string])[] = [
    ["Machine", `${host.name}, ${host.system}`],
    ["Gateways", gateways.join("; ") || "none was seen"],
    ["Looked", `${timeOf(at)}, ${privileged ? "as root" : "without root: more is not verified than need be"}`],
    [
      "Advisories",
      `${String(advisories.count)}${advisories.asOf === undefined ? "" : `, the newest of ${advisories.asOf}`}`,
    ],
  ];
  return `<header>
<p class="grade grade-${grade}" aria-label="Grade ${grade}">${grade}</p>
<div>
<h1>Exposure of ${escaped(host.name)}</h1>
<p class="score"><strong>${String(score)}</strong> of 100</p>
<dl>${rows.map(([name, value]) => `<div><dt>${escaped(name)}</dt><dd>${escaped(value)}</dd></div>`).join("")}</dl>
</div>
</header>`;
}

function timeOf(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().replace("T", " ").slice(0, 16)} UTC`;
}

function section(title: string, findings: readonly Finding[], row: (finding: Finding) => string): string {
  if (findings.length === 0) return "";
  return `<section><h2>${escaped(title)} <span>${String(findings.length)}</span></h2>${findings.map(row).join("\n")}</section>`;
}

function openRow(finding: Finding, withStep: boolean): string {
  const { check, state, shortfalls, reason, waiver } = finding;
  const { title, why, severity, area } = checks[check];
  const because = reason === undefined ? undefined : (explainReason(reason) ?? reason);
  const { say, lines } = steps[check];
  return `<article class="${severity} ${state}">
<h3>${escaped(title)}</h3>
<p class="meta"><span class="chip">${severityWords[severity]}</span> ${escaped(stateWords[state])} · ${areaWords[area]} · <code>${check}</code></p>
${shortfalls.length > 0 ? `<ul>${shortfalls.map((one) => `<li>${escaped(one)}</li>`).join("")}</ul>` : ""}
${because === undefined ? "" : `<p>${escaped(because)}</p>`}
${waiver === undefined ? "" : `<p>Waived until ${escaped(timeOf(waiver.until))}: ${escaped(waiver.reason)}</p>`}
<p class="why">${escaped(why)}</p>
${withStep ? `<div class="step"><p>${escaped(say)}</p>${lines.length > 0 ? `<pre>${lines.map(escaped).join("\n")}</pre>` : ""}</div>` : ""}
${evidenceOf(finding)}
</article>`;
}

function evidenceOf({ evidence }: Finding): string {
  if (evidence.length === 0) return "";
  return `<details><summary>Evidence</summary>${evidence.map(evidenceRow).join("")}</details>`;
}

function evidenceRow({ level, source, at, excerpt }: Evidence): string {
  return `<div class="evidence"><p>${escaped(`${levelWords[level]}, ${timeOf(at)}`)}: <code>${escaped(source)}</code></p><pre>${excerpt
    .split("\n")
    .map(escaped)
    .join("\n")}</pre></div>`;
}

function folded(title: string, findings: readonly Finding[]): string {
  if (findings.length === 0) return "";
  const rows = findings.map(({ check, reason }) => {
    const because = reason === undefined ? "" : ` <span class="why">${escaped(explainReason(reason) ?? reason)}</span>`;
    return `<li><code>${check}</code> ${escaped(checks[check].title)}${because}</li>`;
  });
  return `<section><details><summary><h2>${escaped(title)} <span>${String(findings.length)}</span></h2></summary><ul class="plain">${rows.join("")}</ul></details></section>`;
}
