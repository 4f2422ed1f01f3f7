/** A look at a machine as SARIF 2.1.0 (OASIS), for whatever collects findings of tools. Pure. */
import { checkIds, checks, type CheckId } from "../../../protocol/posture.ts";
import { explainReason, levelWords } from "../../../protocol/posture-words.ts";
import type { Finding } from "../../../protocol/posture/report.ts";
import type { CheckSeverity, CheckState } from "../../../protocol/posture/words.ts";
import type { Exposure } from "./exposure.ts";
import { steps } from "./steps.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

const levels = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
} as const satisfies Record<CheckSeverity, string>;

/** As other tools rank by: 0 to 10. */
const severityNumbers = {
  critical: "9.5",
  high: "8.0",
  medium: "5.0",
  low: "3.0",
} as const satisfies Record<CheckSeverity, string>;

/** SARIF gives a level to failures alone. */
const kinds = {
  pass: "pass",
  fail: "fail",
  not_applicable: "notApplicable",
  error: "open",
  unverified: "review",
} as const satisfies Record<CheckState, string>;

export function sarifOf({ host, report }: Exposure): object {
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "Clawhold",
            semanticVersion: report.agentVersion,
            rules: checkIds.map(ruleOf),
          },
        },
        automationDetails: { id: `clawhold-audit/${host.name}/` },
        invocations: [{ executionSuccessful: true, endTimeUtc: new Date(report.at * 1_000).toISOString() }],
        columnKind: "utf16CodeUnits",
        results: report.findings.map((finding) => resultOf(finding, host.name)),
        properties: { score: report.score, grade: report.grade, privileged: report.privileged },
      },
    ],
  };
}

function ruleOf(id: CheckId): object {
  const { title, why, severity, area } = checks[id];
  const { say, lines } = steps[id];
  return {
    id,
    name: id.replaceAll(/(?:^|[.-])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: {
      text: [why, say, ...lines].join("\n"),
      markdown: [why, "", say, "", ...lines.map((line) => `    ${line}`)].join("\n"),
    },
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: ["security", area], "security-severity": severityNumbers[severity] },
  };
}

function resultOf({ check, state, shortfalls, reason, evidence, level, waiver }: Finding, host: string): object {
  const { severity, title } = checks[check];
  const why = reason === undefined ? undefined : (explainReason(reason) ?? reason);
  const path = evidence.map(({ source }) => source).find((source) => /^\/[^\s,]+$/.test(source));
  return {
    ruleId: check,
    ruleIndex: checkIds.indexOf(check),
    kind: kinds[state],
    level: state === "fail" ? levels[severity] : "none",
    message: {
      text: [...(shortfalls.length > 0 ? shortfalls : [title]), ...(why === undefined ? [] : [why])].join(" "),
    },
    locations: [
      {
        logicalLocations: [{ name: host, kind: "resource" }],
        ...(path === undefined ? {} : { physicalLocation: { artifactLocation: { uri: fileUri(path) } } }),
      },
    ],
    partialFingerprints: { "clawhold/v1": `${host}/${check}` },
    ...(waiver === undefined
      ? {}
      : { suppressions: [{ kind: "external", status: "accepted", justification: waiver.reason }] }),
    properties: { state, ...(level === undefined ? {} : { evidence: levelWords[level] }) },
  };
}

function fileUri(path: string): string {
  return `file://${path.split("/").map(encodeURIComponent).join("/")}`;
}
