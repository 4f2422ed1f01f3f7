/** `clawhold up backup`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import { dataOption, type Command } from "../command.ts";

export const upBackup: Command = {
  name: "up backup",
  summary: "Back up the data directory, also while the edge runs",
  help: `Usage: clawhold up backup <directory> [options]

Makes the directory, which must not exist yet, and puts everything into it that cannot be made again: keys, database,
the storage of its objects, the state of this machine's agent, what a signer here remembers. The edge and its agent
stand still for some milliseconds, so that all of it is from one moment; nobody is disconnected. The digests of all
files are in its manifest.json.

Whoever holds a backup holds the edge's keys: keep it as private as the data directory.

  --data <directory>    the data directory to back up (default: $XDG_DATA_HOME/clawhold or ~/.local/share/clawhold)
  --json                one JSON object on standard output`,
  options: { ...dataOption },
  words: 1,
  run: async (input, io) => {
    const { runBackup } = await import("./backup-restore.ts");
    return runBackup(input, io);
  },
};
