/** What `clawhold verify` says, in words and as JSON. */
import type { Finding } from "../verify/report.ts";
import type { SeenBy } from "../verify/witnesses.ts";
import type { VerifyResult } from "../verify/verifier.ts";

export interface Told extends VerifyResult {
  /** Whether the workspace was given, and not taken from the file. */
  readonly pinned: boolean;
}

/** Lines for a terminal. */
export function saidOf(told: Told): readonly string[] {
  const wrong = told.report.findings.filter(({ weight }) => weight === "wrong");
  const open = told.report.findings.filter(({ weight }) => weight === "open");
  return [
    ...listed(wrong, told),
    conclusion(told),
    ...coverage(told),
    ...witnesses(told.seenBy, told.last),
    ...trustLines(told),
    ...(told.kept === "same" ? ["It is the log that you kept a checkpoint of, and goes on from there."] : []),
    ...(open.length === 0 ? [] : ["", "Worth knowing:", ...listed(open, told)]),
    ...workspaceLines(told),
  ];
}

/** Each place, then each next step once. */
function listed(findings: readonly Finding[], { report }: Told): readonly string[] {
  if (findings.length === 0) return [];
  const steps = [...new Set(findings.map(({ next }) => next))];
  const codes = new Map(findings.map(({ code }) => [code, findings.filter((one) => one.code === code).length]));
  const unlisted = [...codes].flatMap(([code, shown]) => {
    const rest = (report.counts.get(code) ?? shown) - shown;
    return rest > 0 ? [`… and ${String(rest)} more of the kind ${code}`] : [];
  });
  return [...findings.map(sentence), ...unlisted, ...steps.map((step) => `  Next: ${step}`), ""];
}

function sentence({ line, index, what }: Finding): string {
  const places = [
    ...(line === 0 ? [] : [`line ${String(line)}`]),
    ...(index === undefined ? [] : [`entry ${String(index)}`]),
  ];
  const place = places.length === 0 ? "the file" : places.join(", ");
  return `${place.charAt(0).toUpperCase()}${place.slice(1)}: ${what}.`;
}

/** Whether as many hosts as count have seen all of it; undefined where none counts, or nothing says. */
export function isWitnessed({ seenBy, last }: Pick<Told, "seenBy" | "last">): boolean | undefined {
  return seenBy === undefined || seenBy.eligible.length === 0 ? undefined : seenBy.witnessedSize >= last;
}

function conclusion({ report, entries, receipts, seenBy, last }: Told): string {
  const wrong = report.count("wrong");
  const counted = `${numberOf(entries, "entry", "entries")}, ${numberOf(receipts, "receipt", "receipts")}`;
  if (wrong === 0 && isWitnessed({ seenBy, last }) === false)
    return `The file agrees with itself, but the hosts have not vouched for all of it: ${counted}.`;
  if (wrong === 0) return `Everything verifies: ${counted}.`;
  return `${numberOf(wrong, "finding", "findings")} in ${counted}. Do not rely on what this file says.`;
}

/** What is there; and, where nothing is wrong, what that proves. */
function formOf({ report, log, first, last }: Told): string {
  const [is, range] = [report.count("wrong") === 0, `${String(first)} and ${String(last)}`];
  if (log?.form === "chain")
    return `Entries ${range.replace("and", "to")}${is ? ", each linked to the one before" : ""}.`;
  return `Single entries between ${range}${is ? ", each with its own proof" : ""}; what lies between is not in the file.`;
}

function coverage(told: Told): readonly string[] {
  const { log, checkpoint, audit, evidence, dropped } = told;
  if (log === undefined || audit === undefined) return [];
  const form = formOf(told);
  const asked =
    log.filter === undefined ? [] : ["The file answers a filter: what the edge left out of it would not show."];
  const signed =
    checkpoint === undefined ? [] : [`The signed checkpoint covers ${numberOf(checkpoint.size, "entry", "entries")}.`];
  const commands =
    log.form === "chain" && audit.accepted > 0
      ? [
          `${numberOf(audit.accepted, "command", "commands")} accepted, ${String(audit.answered)} with the host's receipt, ${String(evidence)} with what the person signed.`,
        ]
      : [];
  const erased =
    audit.erased === 0 ? [] : [`${numberOf(audit.erased, "value was", "values were")} erased, and entries say so.`];
  const before =
    audit.unjudged === 0
      ? []
      : [
          `${numberOf(audit.unjudged, "receipt answers a command", "receipts answer commands")} from before the first entry.`,
        ];
  const gone =
    dropped === undefined
      ? []
      : [`Entries 1 to ${String(dropped.to)} were dropped by a policy; entry ${String(dropped.entry)} says so.`];
  return [form, ...gone, ...asked, ...signed, ...commands, ...before, ...erased];
}

function witnesses(seen: SeenBy | undefined, last: number): readonly string[] {
  if (seen === undefined) return [];
  const { eligible, needed, witnessedSize, cosigned, recent, silent, besideEdge } = seen;
  const beside = besideEdge.length === 0 ? [] : [`Beside the edge, so they do not count: ${besideEdge.join(", ")}.`];
  if (eligible.length === 0)
    return [
      "Not witnessed: no host stands apart from the edge, so nobody else remembers this log. Add a host on another machine.",
      ...beside,
    ];
  const head =
    witnessedSize >= last
      ? `Witnessed: at least ${String(needed)} of ${numberOf(eligible.length, "host", "hosts")} that count have seen all of it.`
      : `Not witnessed beyond entry ${String(witnessedSize)}: ${String(needed)} of ${numberOf(eligible.length, "host", "hosts")} that count must have seen an entry.`;
  return [
    head,
    ...cosigned.map(
      ({ host, size, at, covers }) =>
        `  ${host} cosigned ${numberOf(size, "entry", "entries")} on ${time(at)}, by its own clock${covers < size ? `: counted up to entry ${String(covers)}, because the next gives a later time` : ""}.`,
    ),
    ...(silent.length === 0
      ? []
      : [`  No cosignature here from the last 24 hours before the newest entry: ${silent.join(", ")}.`]),
    ...(recent.length === 0 ? [] : [`  Within those 24 hours: ${recent.join(", ")}.`]),
    ...beside,
  ];
}

/** By which hosts were counted: a file brings its own. */
function trustLines({ trust }: Told): readonly string[] {
  if (trust === undefined) return [];
  const { n, hash, statements, newest, compared } = trust;
  const counted = `  Counted by the trust log of ${numberOf(statements, "statement", "statements")}, newest ${time(newest)}; its head is ${String(n)}.${hash}`;
  if (compared === "holds") return [`${counted}, and holds everything of the one that you compare it with.`];
  if (compared === "lacks") return [`${counted}, and lacks some of the one that you compare it with.`];
  return [
    `${counted}.`,
    "  Whether that is the present one no file can say by itself: compare it with clawhold trust show --json on a host, or use --trust-head.",
  ];
}

function workspaceLines({ pinned, log }: Told): readonly string[] {
  if (pinned || log === undefined) return [];
  return [
    "",
    `Workspace ${log.workspace}: this id was taken from the file, so the file only proves that it agrees with itself.`,
    "Compare the id with the one you know, or give it with --workspace.",
  ];
}

function time(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
}

function numberOf(count: number, one: string, many: string): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

/** One object, for programs. */
export function jsonOf({ pinned, report, log, audit, seenBy, ...rest }: Told): string {
  return JSON.stringify({
    event: "verified",
    ok: report.count("wrong") === 0,
    pinned,
    workspace: log?.workspace,
    form: log?.form,
    filter: log?.filter,
    segment: log?.segment,
    ...rest,
    commands: audit === undefined ? undefined : { accepted: audit.accepted, answered: audit.answered },
    erased: audit?.erased,
    hosts: audit === undefined ? undefined : Object.fromEntries(audit.hosts),
    witnesses: seenBy,
    findings: report.findings,
    counts: Object.fromEntries(report.counts),
  });
}
