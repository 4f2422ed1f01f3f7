/** `clawhold verify`: checks an exported activity log without asking anybody, and says what is wrong and where. */
import { readFileSync } from "node:fs";
import { systemCode } from "../shared/edge-error.ts";
import type { Command } from "./command.ts";
import { EXIT, usageError } from "./io.ts";
import { verifyExport, type Finding } from "./verify-export.ts";

export const verify: Command = {
  name: "verify",
  summary: "Check an exported activity log offline",
  help: `Usage: clawhold verify <file> [--workspace <id>] [--json]

Takes a proof file, as the page Activity saves it: the first line is the trust log ({"root": ..., "statements": [...]}),
each further line one row of the activity log, oldest first. Checked are: every statement and its touches, the chain of
entries, the openings of commitments, and each host's receipts with their signatures and their own chain.

  --workspace <id>   the workspace that the root must be; without it, the file only proves that it agrees with itself
  --json             one JSON object

Exit code 1 when something is wrong.`,
  options: { workspace: { type: "string" } },
  words: 1,
  run: async (input, io) => {
    const [path] = input.words;
    if (path === undefined)
      throw usageError("The file to check is missing. Type clawhold verify --help for what it takes.");
    const workspace = input.text("workspace");
    const result = await verifyExport(read(path), workspace);
    if (input.json) io.out(JSON.stringify({ pinned: workspace !== undefined, ...result }));
    else {
      for (const finding of result.findings) io.out(sentence(finding));
      io.out(conclusion(result.findings.length, result.entries, result.receipts));
      if (workspace === undefined && result.workspace !== undefined)
        io.out(`Workspace ${result.workspace}: compare it with the one you know, or give it with --workspace.`);
    }
    return result.findings.length === 0 ? EXIT.ok : EXIT.failed;
  },
};

function sentence({ line, what }: Finding): string {
  return `Line ${String(line)}: ${what}`;
}

function conclusion(findings: number, entries: number, receipts: number): string {
  const counted = `${numberOf(entries, "entry", "entries")}, ${numberOf(receipts, "receipt", "receipts")}`;
  if (findings === 0) return `Everything verifies: ${counted}.`;
  return `${numberOf(findings, "finding", "findings")} in ${counted}. Do not rely on what this file says.`;
}

function numberOf(count: number, one: string, many: string): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw usageError(`${path} cannot be read (${code}). Check its name. Proof files are saved on the page Activity.`);
  }
}
