/** `clawhold host words`: the six words of this host, to compare with the page before it is admitted. */
import { wordsOf } from "../host/join.ts";
import { existingHostState, requireJoined } from "../host/state.ts";
import { readHostKeys } from "../host/warden/keys.ts";
import { dataOption, hostDirectoryOf, type Command } from "./command.ts";
import { CliError, EXIT } from "./io.ts";

export const hostWordsCommand: Command = {
  name: "host words",
  summary: "Show the six words of this machine",
  help: `Usage: clawhold host words [--data <directory>] [--json]

Shows the six words that name this host's key in its workspace. Whoever admits the host compares them with the words on
the page: if one differs, somebody stands between.

  --data <directory>   where the state of this installation lies
  --json               one JSON object`,
  options: dataOption,
  run: (input, io) => {
    const state = existingHostState(hostDirectoryOf(input, io));
    const { host } = requireJoined(state);
    const keys = readHostKeys(state.files.keys);
    if (keys === undefined)
      throw new CliError(
        "state_damaged",
        `The keys of this host are missing from ${state.files.keys}. Restore them from a backup.`,
      );
    const words = wordsOf(keys, host.workspace);
    io.out(input.json ? JSON.stringify({ host: host.host, workspace: host.workspace, words }) : words.join(" "));
    return Promise.resolve(EXIT.ok);
  },
};
