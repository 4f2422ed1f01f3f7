/** `clawhold up link`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import { dataOption, type Command } from "../command.ts";

export const upLink: Command = {
  name: "up link",
  summary: "Show a fresh setup link of the edge that runs here",
  help: `Usage: clawhold up link [options]

Asks the running edge of this machine for a link that makes the workspace, and shows it once, here. It works once and
for 15 minutes; a link that was shown before ends. For an edge that a service manager runs (clawhold up --no-link): what
that one says goes to a log, and the link is a secret.

  --data <directory>    the data directory of the running edge
  --json                one JSON object on standard output`,
  options: { ...dataOption },
  run: async (input, io) => {
    const { runLink } = await import("./ask-link.ts");
    return runLink(input, io);
  },
};
