/** `clawhold audit show`: what this host has seen of the activity log, from its own file. Asks nobody, changes nothing. */
import { readWitnessRecord } from "../host/witness/witness-file.ts";
import { auditedOf, CONFLICTS, type Audited } from "./audit-words.ts";
import { dataOption, type Command } from "./command.ts";
import { EXIT } from "./io.ts";
import { openTrust } from "./trust-state.ts";

export const auditShow: Command = {
  name: "audit show",
  summary: "Show what this host has seen of the activity log",
  help: `Usage: clawhold audit show [--data <directory>] [--json]

Every host is a witness of the activity log. It keeps the newest checkpoint that was proven to continue the one before
and to contain the host's own receipts, and cosigns no other. Shown are that checkpoint's size and root, since when it
is held, when it was cosigned, up to which receipt of this host it is complete, and every checkpoint that contradicted
it. Compare size and root with another host's, or with a copy of the log: clawhold audit check.

  --data <directory>   where the state of this installation lies
  --json               one JSON object, with the signed notes themselves

Exit code 4 when a checkpoint contradicted what was seen before, or a receipt is missing.`,
  options: dataOption,
  run: async (input, io) => {
    const { state, host } = openTrust(input, io);
    const record = readWitnessRecord(state.files.witness);
    const audited = record === undefined ? undefined : auditedOf(record);
    const { workspace, colocated } = host;
    if (input.json) io.out(JSON.stringify({ workspace, host: host.host, colocated, seen: audited }));
    else {
      for (const [name, value] of rows(audited)) io.out(`${name.padEnd(14)}${value}`);
      if (colocated)
        io.out("This host runs on the machine of the edge and falls with it, so it does not count as a witness.");
    }
    const isWell = audited === undefined || (audited.conflicts.length === 0 && audited.missing === undefined);
    return await Promise.resolve(isWell ? EXIT.ok : EXIT.refused);
  },
};

type Row = readonly [string, string];

function rows(audited: Audited | undefined): readonly Row[] {
  if (audited?.held === undefined)
    return [
      ["Seen", "nothing of the activity log yet; an admitted host is shown it when it connects"],
      ...conflictRows(audited),
    ];
  const { held, cosigned, provenTo, missing } = audited;
  return [
    ["Seen", `the activity log up to entry ${String(held.size)}`],
    ["Root", held.root],
    ["Since", timeOf(held.since)],
    ["Cosigned", cosigned === undefined ? "not yet" : `up to entry ${String(cosigned.size)}, ${timeOf(cosigned.at)}`],
    ["Receipts", provenTo === 0 ? "none proven yet" : `of this host are in it up to number ${String(provenTo)}`],
    ...(missing === undefined
      ? []
      : [
          [
            "Missing",
            `receipt ${String(missing)} of this host was not shown to be in it, so nothing is cosigned`,
          ] as const,
        ]),
    ...conflictRows(audited),
  ];
}

function conflictRows(audited: Audited | undefined): readonly Row[] {
  const conflicts = audited?.conflicts ?? [];
  if (conflicts.length === 0) return [];
  return [
    ...conflicts.flatMap(({ reason, at, held, shown }): readonly Row[] => [
      ["Refused", `${timeOf(at)}: ${CONFLICTS[reason]}`],
      ...(held === undefined ? [] : [["  held", `${String(held.size)} entries, root ${held.root}`] as const]),
      [
        "  shown",
        shown.size === undefined ? "no checkpoint" : `${String(shown.size)} entries, root ${shown.root ?? ""}`,
      ],
    ]),
    [
      "Next",
      "If a backup of the edge was restored, restore a newer one. Otherwise somebody rewrote the past: compare a copy of the log with clawhold audit check, and keep what --json prints.",
    ],
  ];
}

function timeOf(seconds: number): string {
  return `${new Date(seconds * 1_000).toISOString().replace("T", " ").slice(0, 19)} UTC`;
}
