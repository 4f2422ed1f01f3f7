/**
 * The gateway's own security audit. Only in a deep scan that a person asked for, as the gateway's user and without a network: it
 * changes state and would install packages otherwise. What it finds is evidence of ours; its ids and severities are kept, not its words.
 */
import { dirname, join } from "node:path";
import * as v from "valibot";
import type { Collector, Setting } from "../../collector.ts";
import { unknown, type Fact } from "../../fact.ts";
import type { Machine } from "../../machine.ts";
import type { GatewayFacts, GatewayRow } from "../gateway.ts";
import { factOf, type Look } from "./rows.ts";

export interface NativeAudit {
  readonly critical: readonly string[];
  readonly warnings: readonly string[];
  /** Findings that the configuration hides. */
  readonly suppressed: number;
}

/** Without a network it tries to fetch for a minute before it goes on. */
const NATIVE_MILLISECONDS = 180_000;
const MAX_IDS = 100;
/** There while systemd is the machine's first process. */
const SYSTEMD = "/run/systemd/system";
/** Known to be wrong where the audit sees neither the gateway's environment nor its network. */
const BLIND: ReadonlySet<string> = new Set(["gateway.probe_failed", "gateway.probe_auth_secretref_unavailable"]);

/** And where its secret is a variable of the gateway's process, which is in no command line of ours. */
const WITHOUT_SECRET: ReadonlySet<string> = new Set([
  "gateway.loopback_no_auth",
  "gateway.http.no_auth",
  "gateway.bind_no_auth",
]);

const finding = v.object({
  checkId: v.pipe(v.string(), v.regex(/^[a-z][A-Za-z0-9_.<>-]{1,79}$/)),
  severity: v.picklist(["critical", "warn", "info"]),
});
const answerSchema = v.object({
  findings: v.pipe(v.array(finding), v.maxLength(500)),
  suppressedFindings: v.optional(v.array(v.unknown())),
});

export function nativeCollector(): Collector {
  return {
    name: "gateway.native",
    lane: "slow",
    gives: ["gateway.native"],
    after: ["gateway.found", "gateway.version", "gateway.settings"],
    collect,
  };
}

async function collect({
  machine,
  soFar,
}: Setting): Promise<{ readonly "gateway.native": Fact<GatewayFacts["gateway.native"]> }> {
  const found = soFar["gateway.found"];
  if (found?.kind !== "known") return { "gateway.native": unknown("not_root", "openclaw security audit") };
  const versions = soFar["gateway.version"];
  const looks: Look<GatewayFacts["gateway.native"][number]>[] = [];
  for (const row of found.value) {
    const path =
      versions?.kind === "known" ? versions.value.find(({ gateway }) => gateway === row.gateway)?.path : undefined;
    const settings = soFar["gateway.settings"];
    const written =
      settings?.kind === "known" ? settings.value.find(({ gateway }) => gateway === row.gateway) : undefined;
    const look = await auditOf(machine, row, path);
    const isBlind = written?.secret.source === "environment" || written?.secret.source === "reference";
    looks.push("row" in look && isBlind ? { row: withoutBlind(look.row) } : look);
  }
  const rows = looks.flatMap((look) => ("row" in look ? [look.row] : []));
  const excerpt = rows
    .map(({ critical, warnings }) => `critical: ${critical.join(", ") || "none"}; warnings: ${String(warnings.length)}`)
    .join("; ");
  const source = "openclaw security audit --json, without a network";
  return { "gateway.native": factOf(looks, { level: "effective", source, at: machine.now(), excerpt }) };
}

type Row = GatewayFacts["gateway.native"][number];

function withoutBlind(row: Row): Row {
  return { ...row, critical: row.critical.filter((id) => !WITHOUT_SECRET.has(id)) };
}

async function auditOf(
  machine: Machine,
  row: GatewayRow,
  manifest: string | undefined,
): Promise<Look<GatewayFacts["gateway.native"][number]>> {
  const source = `openclaw security audit of the gateway of ${row.gateway}`;
  if (!machine.isRoot) return { gap: { why: "not_root", source } };
  const [node] = machine.self;
  if (manifest === undefined || manifest === "" || node === undefined) return { gap: { why: "missing_tool", source } };
  const program = [node, join(dirname(manifest), "openclaw.mjs")];
  const hasSystemd = (await machine.look(SYSTEMD))?.kind === "directory";
  const command = hasSystemd ? unitCommand(row, program) : spaceCommand(row, program);
  const ran = await machine.run(command, { milliseconds: NATIVE_MILLISECONDS });
  if (ran.kind === "missing") return { gap: { why: "missing_tool", source: command[0] ?? "" } };
  if (ran.kind !== "ran") return { gap: { why: ran.kind === "timeout" ? "timeout" : "failed", source } };
  const audit = readAudit(ran.stdout);
  return audit === undefined ? { gap: { why: "malformed", source } } : { row: { gateway: row.gateway, ...audit } };
}

const ENTRY = ["security", "audit", "--json"] as const;

function environmentOf({ home, directory, configurationPath }: GatewayRow): Readonly<Record<string, string>> {
  return {
    HOME: home,
    OPENCLAW_STATE_DIR: directory,
    OPENCLAW_CONFIG_PATH: configurationPath,
    DO_NOT_TRACK: "1",
  };
}

/** A unit of its own: no network at all, the gateway's user, and nothing writable but what that user may write. */
function unitCommand(row: GatewayRow, program: readonly string[]): readonly string[] {
  const properties = {
    PrivateNetwork: "yes",
    NoNewPrivileges: "yes",
    ProtectSystem: "strict",
    ReadWritePaths: row.directory,
    PrivateTmp: "yes",
    RuntimeMaxSec: String(NATIVE_MILLISECONDS / 1_000),
    MemoryMax: "2G",
  };
  return [
    "systemd-run",
    "--quiet",
    "--wait",
    "--pipe",
    "--collect",
    `--uid=${String(row.uid)}`,
    `--gid=${String(row.gid)}`,
    ...Object.entries(properties).map(([name, value]) => `--property=${name}=${value}`),
    ...Object.entries(environmentOf(row)).map(([name, value]) => `--setenv=${name}=${value}`),
    ...program,
    ...ENTRY,
  ];
}

/** The same without systemd: a network of its own that holds nothing, and no way back to rights. */
function spaceCommand(row: GatewayRow, program: readonly string[]): readonly string[] {
  return [
    "unshare",
    "--net",
    "--",
    "setpriv",
    `--reuid=${String(row.uid)}`,
    `--regid=${String(row.gid)}`,
    "--clear-groups",
    "--no-new-privs",
    "env",
    ...Object.entries(environmentOf(row)).map(([name, value]) => `${name}=${value}`),
    ...program,
    ...ENTRY,
  ];
}

export function readAudit(text: string): NativeAudit | undefined {
  let answer: unknown;
  try {
    // It may say something before it answers.
    answer = JSON.parse(text.slice(Math.max(0, text.indexOf("{"))));
  } catch {
    return undefined;
  }
  const result = v.safeParse(answerSchema, answer);
  if (!result.success) return undefined;
  const { findings, suppressedFindings = [] } = result.output;
  const ids = (severity: string): readonly string[] =>
    [
      ...new Set(
        findings.filter((one) => one.severity === severity && !BLIND.has(one.checkId)).map(({ checkId }) => checkId),
      ),
    ].slice(0, MAX_IDS);
  return { critical: ids("critical"), warnings: ids("warn"), suppressed: suppressedFindings.length };
}
