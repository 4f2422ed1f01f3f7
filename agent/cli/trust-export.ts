/** `clawhold trust export`: the whole trust log of this host as a file that another one can take. It holds no secret. */
import { dataOption, type Command } from "./command.ts";
import { CliError, EXIT, usageError } from "./io.ts";
import { writeNewFile } from "./new-file.ts";
import { heldBy, openTrust } from "./trust-state.ts";

export const trustExport: Command = {
  name: "trust export",
  summary: "Write down the trust log that this machine holds",
  help: `Usage: clawhold trust export [--out <file>] [--data <directory>] [--json]

Writes the trust log as this host has verified it, one line for the root and one for each statement: who may do
what, and who was revoked. Another host takes it with clawhold trust import, when its edge withholds something. It holds
no secret, and whoever takes it verifies every line against the workspace it belongs to.

  --out <file>         the file to make; a file that exists is left as it is. Without it, to standard output
  --data <directory>   where the state of this installation lies
  --json               one JSON object; the log itself goes to --out, or into "log"`,
  options: { ...dataOption, out: { type: "string" } },
  run: async (input, io) => {
    const path = input.text("out");
    if (path === "") throw usageError("--out needs a file.");
    const { lines, state } = await heldBy(openTrust(input, io));
    if (state === undefined)
      throw new CliError(
        "trust_missing",
        "This host has not received the trust log yet, so there is nothing to write. Start its agent and wait for the edge, or import the log from another host.",
        EXIT.unreachable,
      );
    const { n, hash } = state.head;
    if (path !== undefined) await writeNewFile(path, () => Promise.resolve(`${lines.join("\n")}\n`));
    if (input.json)
      io.out(JSON.stringify({ event: "exported", n, hash, ...(path === undefined ? { log: lines } : { file: path }) }));
    else if (path === undefined) io.out(lines.join("\n"));
    else
      io.out(
        `${path} holds the trust log up to statement ${String(n)}, with ${String(state.revocations.size)} revocations. Take it to another host and type there: clawhold trust import ${path}`,
      );
    return EXIT.ok;
  },
};
