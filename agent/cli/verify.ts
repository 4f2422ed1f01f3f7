/** `clawhold verify`: checks a copy of the activity log without asking anybody, and says what is wrong and where. */
import { verifyChunks } from "../verify/read.ts";
import type { VerifyOptions } from "../verify/verifier.ts";
import type { Command, CommandInput } from "./command.ts";
import { EXIT, usageError } from "./io.ts";
import { isAddress, readAddress, readFileChunks, readKeptNote } from "./verify-source.ts";
import { trustMarkOf } from "./verify-trust.ts";
import { isWitnessed, jsonOf, saidOf } from "./verify-words.ts";

const WORKSPACE = /^[A-Za-z0-9_-]{43}$/;

export const verify: Command = {
  name: "verify",
  summary: "Check a copy of the activity log offline",
  help: `Usage: clawhold verify <file|address> [--workspace=<id>] [--checkpoint <file>] [--trust-head <head|file>]
                       [--witnessed] [--ticket-file <file>] [--json]

Takes a copy of the activity log in JSON lines, as the page Activity saves it: the whole log, a part of it, or the
proof of one command. Checked are: the trust log from its root, the checkpoint's signature, the chain of entries and the
tree over them (or each entry's proof), the values that entries commit to, each host's receipts, their signatures and
their own chain, what people signed, and which hosts have witnessed it. Files of any size; nobody is asked.

  --workspace=<id>      the workspace that it must be of; without it, the file only proves that it agrees with itself
  --checkpoint <file>   a checkpoint that you kept, or an earlier copy: the log must contain it; a file that cannot be
                        compared with it is not found to be fine
  --trust-head <head|file>
                        how far the trust log must go at least: a head such as this command prints, or a file that
                        clawhold trust export wrote on a host; without it an old trust log looks like the present one
  --witnessed           not fine unless more than half of the hosts that count have seen all of it
  --ticket-file <file>  for an address that gives a download against a one-time ticket
  --json                one JSON object

Exit code 0 when everything verifies, 1 when something is wrong, 2 when nothing could be read.`,
  options: {
    workspace: { type: "string" },
    checkpoint: { type: "string" },
    "trust-head": { type: "string" },
    witnessed: { type: "boolean" },
    "ticket-file": { type: "string" },
  },
  words: 1,
  run: async (input, io) => {
    const [from] = input.words;
    if (from === undefined)
      throw usageError("The file to check is missing. Type clawhold verify --help for what it takes.");
    const ticketFile = input.text("ticket-file");
    if (ticketFile !== undefined && !isAddress(from))
      throw usageError("--ticket-file goes with an address. Give the address of the download instead of a file.");
    const chunks = isAddress(from) ? readAddress(from, ticketFile) : readFileChunks(from);
    const expected = await expectedBy(input);
    const result = await verifyChunks(chunks, expected);
    const told = { ...result, pinned: expected.workspace !== undefined };
    if (input.json) io.out(jsonOf(told));
    else for (const line of saidOf(told)) io.out(line);
    const isEnough = !input.flag("witnessed") || isWitnessed(result) === true;
    return result.report.count("wrong") === 0 && isEnough ? EXIT.ok : EXIT.failed;
  },
};

/** What the file is held against, as far as somebody knows it. Throws a usage error for what is nothing of the kind. */
async function expectedBy(input: CommandInput): Promise<VerifyOptions> {
  const workspace = input.text("workspace");
  if (workspace !== undefined && !WORKSPACE.test(workspace))
    throw usageError("That is no workspace id: it has 43 letters, digits, - or _. Copy it whole.");
  const checkpoint = input.text("checkpoint");
  const trustHead = input.text("trust-head");
  return {
    ...(workspace === undefined ? {} : { workspace }),
    ...(checkpoint === undefined ? {} : { kept: await readKeptNote(checkpoint) }),
    ...(trustHead === undefined ? {} : { trust: trustMarkOf(trustHead) }),
  };
}
