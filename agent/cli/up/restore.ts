/** `clawhold up restore`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import { dataOption, type Command } from "../command.ts";

export const upRestore: Command = {
  name: "up restore",
  summary: "Make a data directory from a backup",
  help: `Usage: clawhold up restore <backup> [options]

Checks every file of the backup against its manifest and makes the data directory from it, whole or not at all. The data
directory must not exist, or be empty: what is there is never replaced. Then start clawhold up.

Hosts and browsers remember what they have seen. Where that is more than the backup holds, they say so, on purpose:
docs/OPERATE.md, "After a lost disk", says what to type on them.

  --data <directory>    the data directory to make (default: $XDG_DATA_HOME/clawhold or ~/.local/share/clawhold)
  --json                one JSON object on standard output`,
  options: { ...dataOption },
  words: 1,
  run: async (input, io) => {
    const { runRestore } = await import("./backup-restore.ts");
    return runRestore(input, io);
  },
};
