/**
 * `clawhold audit check`: whether a copy of the activity log contains what this host has seen. The one question that a copy
 * cannot answer by itself: everything in it may have been made anew by whoever holds the edge's keys.
 */
import { heldCheckpoint, readWitnessRecord, type WitnessRecord } from "../host/witness/witness-file.ts";
import { verifyChunks } from "../verify/read.ts";
import type { VerifyResult } from "../verify/verifier.ts";
import { dataOption, type Command } from "./command.ts";
import { CliError, EXIT, usageError } from "./io.ts";
import { heldBy, openTrust } from "./trust-state.ts";
import { readFileChunks } from "./verify-source.ts";
import { trustMarkOfHost } from "./verify-trust.ts";
import { jsonOf, saidOf } from "./verify-words.ts";

export const auditCheck: Command = {
  name: "audit check",
  summary: "Check whether a copy of the activity log contains what this host has seen",
  help: `Usage: clawhold audit check <file> [--data <directory>] [--json]

Takes a copy of the activity log in JSON lines, as the page Activity saves it. Everything that clawhold verify checks is
checked, against this host's own workspace; and the log in it must have, at the size of the checkpoint that this host
holds, that checkpoint's root. So a past that was made anew is found, also with every key of the edge. And the trust log
in it, by which hosts are counted, must hold every statement that this host holds.

  --data <directory>   where the state of this installation lies
  --json               one JSON object

Exit code 0 when the copy contains what this host has seen, 1 when it does not or something else in it is wrong,
2 when nothing could be read.`,
  options: dataOption,
  words: 1,
  run: async (input, io) => {
    const [path] = input.words;
    if (path === undefined)
      throw usageError("The file to check is missing. Type clawhold audit check --help for what it takes.");
    const opened = openTrust(input, io);
    const { state, host } = opened;
    const record = readWitnessRecord(state.files.witness);
    const held = record?.held;
    if (record === undefined || held === undefined)
      throw new CliError(
        "nothing_seen",
        "This host has seen nothing of the activity log yet, so there is nothing to compare with. Check the file by itself: clawhold verify",
      );
    const result = await verifyChunks(readFileChunks(path), {
      workspace: host.workspace,
      kept: held.note,
      trust: trustMarkOfHost(await heldBy(opened)),
    });
    const told = { ...result, pinned: true };
    if (input.json) io.out(jsonOf(told));
    else for (const line of [verdict(result, record), "", ...saidOf(told)]) io.out(line);
    return result.kept === "same" && result.report.count("wrong") === 0 ? EXIT.ok : EXIT.failed;
  },
};

function verdict({ kept, checkpoint, last }: VerifyResult, record: WitnessRecord): string {
  const size = heldCheckpoint(record)?.size ?? 0;
  const seen = `what this host has seen (${String(size)} entries)`;
  if (kept === "same") return `The log in this file contains ${seen}.`;
  if (kept === "other")
    return `The log in this file is not the one that this host has seen: after ${String(size)} entries it has another root. One of the two was made anew. Keep the file, and what clawhold audit show --json prints.`;
  if ((checkpoint?.size ?? last) < size)
    return `The log in this file ends before ${seen}. If it was taken earlier, take a new copy to compare; otherwise entries were cut off.`;
  return `This file does not reach back to ${seen}, so it says nothing about it. Take a copy of the whole log.`;
}
