/**
 * The parts of the documents that are made from the code. `node test/docs/sections.ts` writes them into place; a
 * test fails when one has gone stale, so a changed limit or endpoint cannot leave its document behind.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { endpoints, type Endpoint, type EndpointName } from "../../protocol/contracts.ts";
import { ledgerActions } from "../../protocol/ledger.ts";
import { inwardLimits, outwardLimits, type FrameLimit } from "../../protocol/frame-limits.ts";
import * as limits from "../../protocol/limits.ts";
import { operationWords } from "../../protocol/operation-words.ts";
import { operations, type Operation, type OperationName } from "../../protocol/operations.ts";
import { endpointRates, rateNames, rates } from "../../protocol/rates.ts";
import { reads, type Read } from "../../protocol/reads.ts";
import { explainRefusal, refusalCodes } from "../../protocol/refusals.ts";
import { builtInRoles, permissions, presetRoles, type Permission } from "../../protocol/roles.ts";
import { messageKinds, typeOf } from "../../protocol/signing.ts";
import { peopleFor, statementPermissions } from "../../protocol/trust/approvals.ts";
import type { Authority } from "../../protocol/trust/state.ts";
import type { Statement } from "../../protocol/trust/statements.ts";
import { explainTrustRefusal, trustRefusals } from "../../protocol/trust/refusals.ts";
import { auditRules, explainFinding, type AuditCode } from "../../protocol/audit/findings.ts";
import { commands } from "../../agent/cli/cli.ts";
import type { Command } from "../../agent/cli/command.ts";
import { installedCommands } from "../../agent/cli/installed.ts";
import { fileRules } from "../../agent/verify/report.ts";
import { frontProblems, tabled, thrown, type ErrorSentence } from "./errors.ts";
import { sectionNames, tableText, withSection } from "./markdown.ts";
import { constants, quotedMembers, read, ROOT } from "./source.ts";
import { exampleText } from "./worked-example-text.ts";

const code = (text: string | number): string => `\`${text}\``;
const sentence = (text: string): string => (text === "" ? "" : `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`);

function limitRows(): readonly (readonly string[])[] {
  const values: Readonly<Record<string, number | readonly number[]>> = limits;
  return constants(read("protocol/limits.ts")).map(({ name, reason }) => [
    code(name),
    [values[name] ?? []].flat().join(", "),
    reason,
  ]);
}

/** Both directions; the reason stands behind each entry in the source. */
function frameLimitTable(): string {
  const source = read("protocol/frame-limits.ts");
  const rows = [
    ["to the host", inwardLimits, "export const inwardLimits"],
    ["from the host", outwardLimits, "export const outwardLimits"],
  ] as const;
  return tableText(
    ["kind", "direction", "bytes", "a minute", "reason"],
    rows.flatMap(([direction, table, start]) =>
      Object.entries<FrameLimit>(table).map(([kind, { bytes, perMinute }]) => {
        const part = source.slice(source.indexOf(start));
        const reason = new RegExp(`^  "?${kind}"?: \\{[^}]*\\}, // (.+)$`, "m").exec(part)?.[1];
        if (reason === undefined) throw new Error(`frame ${kind} has no reason`);
        return [code(kind), direction, String(bytes), String(perMinute), reason];
      }),
    ),
  );
}

function endpointRows(): readonly (readonly string[])[] {
  return Object.entries<Endpoint>(endpoints).map(([name, { method, path, access, permission, touch }]) => [
    code(name),
    code(`${method} ${path}`),
    access,
    permission === undefined ? "" : code(permission),
    code(endpointRates[name as EndpointName]),
    `${touch.needed ? "yes" : "no"}: ${touch.why}`,
  ]);
}

function rateRows(): readonly (readonly string[])[] {
  return rateNames.map((name) => {
    const { by, quota, seconds, burst, why } = rates[name];
    return [code(name), by.replace("-", " "), String((quota * 60) / seconds), String(burst), why];
  });
}

function operationRows(): readonly (readonly string[])[] {
  return Object.entries<Operation>(operations).map(([name, row]) => [
    code(name),
    row.class,
    code(row.permission),
    row.expects.length === 0 ? "nothing" : row.expects.map(code).join(", "),
    row.sealed === undefined ? "" : "yes",
    operationWords[name as OperationName].effect("vps-1"),
  ]);
}

function readRows(): readonly (readonly string[])[] {
  return Object.entries<Read>(reads).map(([name, row]) => [
    code(name),
    code(row.permission),
    row.content === undefined ? "" : code(row.content),
    sentence(row.what),
  ]);
}

function permissionRows(): readonly (readonly string[])[] {
  const reasons = new Map(
    quotedMembers(read("protocol/roles.ts"), "export const permissions").map(({ name, comment }) => [name, comment]),
  );
  return permissions.map((permission) => [
    code(permission),
    reasons.get(permission) ?? "",
    ...matrixRoles.map((role) => (role.permissions.includes(permission) ? "yes" : "no")),
  ]);
}

const matrixRoles = [...builtInRoles, ...presetRoles];
const OTHERS = {
  open: "anybody",
  setup: "the setup link, before there is a workspace",
  automation: "the signature of a granted automation key",
  ticket: "a one-time ticket",
} as const;

/** Endpoints, operations and statements against the offered roles. */
function matrixRows(): readonly (readonly string[])[] {
  const byRole = (permission: Permission): readonly string[] =>
    matrixRoles.map((role) => (role.permissions.includes(permission) ? "yes" : "no"));
  const all = (text: string): readonly string[] => matrixRoles.map(() => text);
  const calls = Object.entries<Endpoint>(endpoints).map(([name, { access, permission }]) => {
    if (access === "open") return [code(name), ...all("yes"), OTHERS.open];
    if (access !== "session") return [code(name), ...all("-"), OTHERS[access]];
    return permission === undefined
      ? [code(name), ...all("yes"), "signed in"]
      : [code(name), ...byRole(permission), code(permission)];
  });
  const commanded = Object.entries<Operation>(operations).map(([name, { permission }]) => [
    code(name),
    ...byRole(permission),
    `${code(permission)} on the host`,
  ]);
  const stated = Object.entries(statementPermissions).map(([kind, permission]) => [
    code(kind),
    ...byRole(permission),
    code(permission),
  ]);
  return [...calls, ...commanded, ...stated];
}

function refusalRows(): readonly (readonly string[])[] {
  return refusalCodes.map((refusal) => {
    const { what, next } = explainRefusal(refusal);
    return [code(refusal), `${sentence(what)}.`, next];
  });
}

function trustRefusalRows(): readonly (readonly string[])[] {
  const members = quotedMembers(read("protocol/trust/refusals.ts"), "export type TrustRefusal");
  return members.map(({ name, comment }) => [code(name), comment === "" ? "bytes that are not a statement" : comment]);
}

const ACTIONS_START = "export const ledgerActions";
function actionRows(): readonly (readonly string[])[] {
  const reasons = new Map(quotedMembers(read("protocol/ledger.ts"), ACTIONS_START).map((m) => [m.name, m.comment]));
  return ledgerActions.map((action) => [code(action), reasons.get(action) ?? ""]);
}

function errorTable(rows: readonly ErrorSentence[]): string {
  return tableText(
    ["code", "what it says"],
    rows.map((row) => [code(row.code), row.sentence]),
  );
}

/** The status stands beside the sentence in the source. */
function problemTable(): string {
  const source = read("worker/http/problems.ts");
  const rows = tabled("worker/http/problems.ts", "PROBLEMS").map((row) => {
    const status = new RegExp(`^  ${row.code}: \\{\\s*status: (\\d+)`, "m").exec(source)?.[1];
    if (status === undefined) throw new Error(`problem ${row.code} has no status`);
    return [code(row.code), status, row.sentence];
  });
  return tableText(["code", "status", "what it says"], rows);
}

function commandRows(list: readonly Command[]): readonly (readonly string[])[] {
  return list.map(({ name, summary, options }) => [
    code(`clawhold ${name}`),
    Object.keys(options)
      .map((option) => code(`--${option}`))
      .join(", "),
    summary,
  ]);
}

const BROWSERS = "agent/edge/bind/browser-certificates.ts";

function operationSections(): readonly (readonly [string, string])[] {
  const explain = "agent/host/link/explain.ts";
  return [
    ["commands", tableText(["command", "options", "does"], commandRows(commands))],
    [
      "installed-commands",
      tableText(
        ["command", "options", "does"],
        commandRows(installedCommands.filter(({ name }) => !commands.some((one) => one.name === name))),
      ),
    ],
    ["edge-errors", errorTable(thrown("EdgeError"))],
    ["install-errors", errorTable(thrown("InstallError"))],
    ["host-errors", errorTable(thrown("HostError"))],
    ["demo-errors", errorTable(thrown("DemoError"))],
    ["signer-errors", errorTable(thrown("SignerError"))],
    ["automation-errors", errorTable(thrown("AutomationError"))],
    ["signer-problems", errorTable(tabled("agent/signer/problem.ts", "SIGNER_PROBLEMS"))],
    ["cli-errors", errorTable([...thrown("CliError"), ...thrown("TailscaleError")])],
    ["join-refusals", errorTable(tabled("agent/host/link/post-join.ts", "REFUSALS"))],
    ["tunnel-refusals", errorTable(tabled(explain, "EDGE_SENTENCES"))],
    ["tunnel-endings", errorTable(tabled(explain, "CLOSE_SENTENCES"))],
    ["network-refusals", errorTable(tabled(explain, "NETWORK_SENTENCES"))],
    ["problems", problemTable()],
    [
      "trust-problems",
      errorTable(trustRefusals.map((refusal) => ({ code: refusal, sentence: explainTrustRefusal(refusal) }))),
    ],
    ["front-problems", errorTable([...frontProblems(), ...tabled(BROWSERS, "SENTENCES")])],
  ];
}

/** Name of a section to its text. */
export async function sections(): Promise<ReadonlyMap<string, string>> {
  const { example, bent } = await exampleText();
  const roleNames = matrixRoles.map((role) => role.id);
  const lifetimes = matrixRoles.map((role) => `${role.sessionSeconds / 3_600} h`);
  return new Map([
    ["worked-example", example],
    ["bent", bent],
    ["limits", tableText(["limit", "value", "reason"], limitRows())],
    ["frame-limits", frameLimitTable()],
    ["endpoints", tableText(["name", "endpoint", "access", "permission", "rate", "touch"], endpointRows())],
    ["rates", tableText(["rate", "counted by", "a minute", "at once", "reason"], rateRows())],
    [
      "operations",
      tableText(["operation", "class", "permission", "must pin", "sealed", "what happens"], operationRows()),
    ],
    [
      "permissions",
      tableText(["permission", "for", ...roleNames], [...permissionRows(), ["longest session", "", ...lifetimes]]),
    ],
    ["reads", tableText(["read", "permission", "grant", "what"], readRows())],
    ["refusals", tableText(["code", "what happened", "next step"], refusalRows())],
    ["trust-refusals", tableText(["code", "meaning"], trustRefusalRows())],
    ["statements", tableText(["kind", "permission to approve", "people"], statementRows())],
    ["actions", tableText(["action", "when"], actionRows())],
    ["matrix", tableText(["what", ...matrixRoles.map(({ id }) => id), "asks for"], matrixRows())],
    ["file-findings", tableText(["code", "weight", "what", "next step"], fileFindingRows())],
    ["audit-findings", tableText(["code", "weight", "what", "next step"], auditFindingRows())],
    ["types", messageKinds.map((kind) => `- ${code(typeOf(kind))}`).join("\n")],
    ...operationSections(),
  ]);
}

function fileFindingRows(): readonly (readonly string[])[] {
  return Object.entries(fileRules).map(([name, { weight, what, next }]) => [code(name), weight, sentence(what), next]);
}

/** As it reads where the finding names nobody. */
function auditFindingRows(): readonly (readonly string[])[] {
  return (Object.keys(auditRules) as AuditCode[]).map((name) => {
    const { weight, what, next } = explainFinding({ code: name, index: 1 });
    return [code(name), weight, sentence(what), next];
  });
}

function statementRows(): readonly (readonly string[])[] {
  return Object.entries(statementPermissions).map(([kind, permission]) => [
    code(kind),
    code(permission),
    peopleText(kind),
  ]);
}

/** A workspace with one rule for two, in which nobody and nothing is known yet: whatever a statement names is new. */
function peopleText(kind: string): string {
  const policies = new Map([["two", { id: "two", operations: ["all"], hosts: ["all"], people: 2 }]]);
  const authority = { people: new Map(), policies } as unknown as Authority;
  const statement = { kind, body: { id: "new", person: "new", roles: ["new"] } } as unknown as Statement;
  return peopleFor(authority, statement) === 1 ? (EXCEPT[kind] ?? "1") : `n${EXCEPT[kind] ?? ""}`;
}
const EXCEPT: Readonly<Record<string, string>> = {
  "credential.add": "; one's own: 1",
  "role.assign": "; the same or fewer: 1",
  "policy.set": "1; looser: n",
};

/** Documents that hold such sections. */
export const DOCUMENTS = ["docs/PROTOCOL.md", "docs/OPERATE.md", "docs/VERIFY.md"] as const;

export async function regenerated(markdown: string): Promise<string> {
  const made = await sections();
  return sectionNames(markdown).reduce((text, name) => {
    const content = made.get(name);
    if (content === undefined) throw new Error(`nothing makes section "${name}"`);
    return withSection(text, name, content);
  }, markdown);
}

if (import.meta.main) {
  for (const path of DOCUMENTS) writeFileSync(join(ROOT, path), await regenerated(read(path)));
}
