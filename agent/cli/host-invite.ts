/**
 * `clawhold host invite`: a join file for another machine. It holds a secret, so it goes to a new file of its owner alone
 * or to standard output, and into no log.
 */
import { dataDirectoryOf, dataOption, type Command, type CommandInput } from "./command.ts";
import { invitationFrom, LOCAL_ONLY } from "./invitation.ts";
import { EXIT, usageError, type CliIo } from "./io.ts";
import { writeNewFile } from "./new-file.ts";

export const hostInvite: Command = {
  name: "host invite",
  summary: "Make a join file for another machine",
  help: `Usage: clawhold host invite [--out <file>] [--data <directory>] [--json]

Says what another machine needs to join this workspace: where the edge is, which certificates and which workspace to
believe, and a token that works once, for 15 minutes. Carry it to that machine by a way you trust and give it to
clawhold join there.

With --out it goes into a new file that only you can read; a file that exists is left as it is. Without, it goes to
standard output, for a pipe that stores it nowhere: clawhold host invite | ssh vps clawhold join

  --out <file>         the join file to make, for example join.json
  --data <directory>   the data directory of the running clawhold up
  --json               one JSON object`,
  options: { ...dataOption, out: { type: "string" } },
  run: async (input, io) => {
    if (input.text("out") === "") throw usageError("--out needs a file.");
    const invitation = invitationFrom(dataDirectoryOf(input, io));
    await hand(invitation.joinFile, input, io);
    if (invitation.isLocalOnly) io.err(LOCAL_ONLY);
    return EXIT.ok;
  },
};

/** Into the file that --out names, or to standard output. */
async function hand(make: () => Promise<string>, input: CommandInput, io: CliIo): Promise<void> {
  const path = input.text("out");
  if (path === undefined) {
    const text = await make();
    io.out(input.json ? JSON.stringify({ event: "invite", joinFile: text }) : text);
    return;
  }
  await writeNewFile(path, async () => `${await make()}\n`);
  if (input.json) io.out(JSON.stringify({ event: "invite", file: path }));
  else
    io.out(
      `${path} is written, readable by you alone. It works once, for 15 minutes: carry it to the other machine by a way you trust, type there clawhold join --file and its name, then delete it on both.`,
    );
}
