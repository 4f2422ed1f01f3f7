/** `clawhold up new-key`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import { dataOption, type Command } from "../command.ts";

export const upNewKey: Command = {
  name: "up new-key",
  summary: "Make a new dispatch or ledger key for the edge here, which waits until it is changed to",
  help: `Usage: clawhold up new-key dispatch|ledger [options]

Makes a second key beside the one that the edge signs with, and shows its public half. Nothing changes yet: hosts obey
the key that the trust log names. Change to the new one in the dashboard, under Keys of the edge; at its next start
after that the edge removes the old key from its data directory.

  dispatch    signs every delivery to a host
  ledger      signs the checkpoints of the log

An edge that runs takes the new key at once: its runtime is started again, which takes some seconds. Hosts come back by
themselves, and commands that wait are not lost.

  --data <directory>    the data directory of the edge (default: $XDG_DATA_HOME/clawhold or ~/.local/share/clawhold)
  --json                one JSON object on standard output`,
  options: { ...dataOption },
  words: 1,
  run: async (input, io) => {
    const { runNewKey } = await import("./make-key.ts");
    return runNewKey(input, io);
  },
};
