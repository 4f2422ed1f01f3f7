/** How each check of what changes unseen is judged. */
import type { integrityChecks } from "../../../../protocol/posture/integrity.ts";
import type { Drift } from "../baseline.ts";
import type { Journal } from "../collectors/integrity/journal.ts";
import type { Pending, UpdateSettings } from "../collectors/integrity/updates.ts";
import { clause, type Judgement, type Shortfalls } from "../judge.ts";
import { configurationJudgements } from "./configuration.ts";

const DAY_SECONDS = 86_400;
/** PCI DSS asks for a year; break-ins are found after months. */
export const MIN_RETENTION_SECONDS = 365 * DAY_SECONDS;
/** Less is full within days on a host that is knocked at. */
const MIN_LOG_BYTES = 500 << 20;
/** Security updates within a week, and lists that are not older than that. */
const MAX_LIST_AGE_SECONDS = 7 * DAY_SECONDS;
const NAMED = 6;

function drifted(what: string) {
  return ({ added, changed, removed }: Drift): Shortfalls => [
    ...added.map((name) => `${what} that nobody approved: ${name}`),
    ...changed.map((name) => `changed since it was approved: ${name}`),
    ...removed.map((name) => `gone since it was approved: ${name}`),
  ];
}

/** A program that is gone runs as nobody. */
function setuidDrifted(drift: Drift): Shortfalls {
  return drifted("a program that runs as somebody else")({ ...drift, removed: [] });
}

function volatile({ isOnDisk, storage }: Journal): Shortfalls {
  return isOnDisk ? [] : [`the log is kept in memory alone (Storage=${storage}), and gone after a restart`];
}

function short({ isOnDisk, retentionSeconds, maxUse }: Journal): Shortfalls {
  const days = (seconds: number): string => String(Math.floor(seconds / DAY_SECONDS));
  return [
    ...(isOnDisk ? [] : ["the log is gone after a restart"]),
    ...(retentionSeconds === undefined ? ["MaxRetentionSec is not set: nobody said how long the log is kept"] : []),
    ...(retentionSeconds !== undefined && retentionSeconds !== 0 && retentionSeconds < MIN_RETENTION_SECONDS
      ? [`the log is deleted after ${days(retentionSeconds)} days, sooner than ${days(MIN_RETENTION_SECONDS)}`]
      : []),
    ...(maxUse !== undefined && maxUse < MIN_LOG_BYTES
      ? [`the log may take ${String(maxUse >> 20)} MiB at most, less than ${String(MIN_LOG_BYTES >> 20)}`]
      : []),
  ];
}

function byThemselves({ isInstalled, lists, upgrades, coversSecurity, idleTimers }: UpdateSettings): Shortfalls {
  if (!isInstalled) return ["unattended-upgrades is not installed"];
  return [
    ...(lists === 0 ? ["APT::Periodic::Update-Package-Lists is 0: apt never looks for updates"] : []),
    ...(upgrades === 0 ? ["APT::Periodic::Unattended-Upgrade is 0: updates are never installed"] : []),
    ...(coversSecurity ? [] : ["no origin of unattended-upgrades is the security archive"]),
    ...idleTimers.map((timer) => `${timer} is not active`),
  ];
}

function overdue({ security, listAge, restart }: Pending): Shortfalls {
  const rest = security.length > NAMED ? ` and ${String(security.length - NAMED)} more` : "";
  return [
    ...(security.length === 0 ? [] : [`security updates wait: ${security.slice(0, NAMED).join(", ")}${rest}`]),
    ...(listAge === undefined ? ["apt has no lists of packages"] : []),
    ...(listAge !== undefined && listAge > MAX_LIST_AGE_SECONDS
      ? [`apt last looked for updates ${String(Math.floor(listAge / DAY_SECONDS))} days ago`]
      : []),
    ...(restart.length === 0 ? [] : [`the machine must start again for ${restart.join(", ")}`]),
  ];
}

export const integrityJudgements = {
  ...configurationJudgements,
  "fs.suid-drift": { clauses: [clause("files.setuid.drift", setuidDrifted)] },
  "fs.world-writable": {
    clauses: [clause("files.walk", ({ writable }) => writable.map((path) => `${path} can be written by everybody`))],
  },
  "fim.baseline": { clauses: [clause("files.drift", drifted("a file"))] },
  "log.auditable": {
    clauses: [
      clause("log.journal", volatile),
      clause("log.clock", ({ isSynchronised }) => (isSynchronised ? [] : ["the clock is set by no time service"])),
    ],
  },
  "log.retention": { clauses: [clause("log.journal", short)] },
  "patch.auto": { clauses: [clause("updates.settings", byThemselves), clause("updates.pending", overdue)] },
} satisfies Record<keyof typeof integrityChecks, Judgement>;
