/**
 * `clawhold host add`: the one command that makes another machine a host. Version and sums are those of the files beside this
 * program: the edge serves them, and chooses nothing.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pasteCommand } from "../install/paste.ts";
import { systemCode } from "../shared/edge-error.ts";
import { dataDirectoryOf, dataOption, type Command, type CommandInput } from "./command.ts";
import { invitationFrom, invitationIn, LOCAL_ONLY } from "./invitation.ts";
import { CliError, EXIT, type CliIo } from "./io.ts";
import { gatewayOf, labelOf, readJoinFile } from "./join.ts";
import { writeNewFile } from "./new-file.ts";

export const hostAdd: Command = {
  name: "host add",
  summary: "Print the command that makes another machine a host",
  help: `Usage: clawhold host add [--label <name>] [--gateway <url|none>] [--out <file>] [--data <directory>] [--json]
       clawhold host add --file <join.json> [options]

Prints one command to paste, as root, on a Debian 12 or 13 machine with systemd and Node 22 or newer. It fetches the
installer from this edge, runs it only if it is the one that this program has (SHA-256), and brings a token that works
once, for 15 minutes. The machine dials out to the edge, and waits in quarantine until you have compared six words.

The text holds the token: carry it by a way you trust, and to no page. It is in no argument list and no address. To see
what it would do, put --dry-run in front of its --workspace.

  --label <name>       the name under which people see the host; its host name unless given
  --gateway <url>      where its gateway listens, e.g. ws://127.0.0.1:18789; none: there is no gateway there
  --out <file>         write it into a new file that only you can read
  --file <join.json>   a join file that the signer's page made, for an edge that runs elsewhere: the command
                       fetches from that edge, and only what is the same as here
  --data <directory>   the data directory of the running clawhold up
  --json               one JSON object`,
  options: {
    ...dataOption,
    label: { type: "string" },
    gateway: { type: "string" },
    out: { type: "string" },
    file: { type: "string" },
  },
  run: async (input, io) => {
    const asked = optionsOf(input);
    const release = readRelease(io.bundle.release);
    const file = input.text("file");
    const invitation =
      file === undefined ? invitationFrom(dataDirectoryOf(input, io)) : invitationIn(readJoinFile(file));
    const { edge, workspace, hasOwnAuthority } = invitation;
    const { version, scriptSha256, bundleSha256 } = release;
    const make = async (): Promise<string> =>
      pasteCommand({ ...release, ...asked, edge, workspace, hasOwnAuthority, joinFile: await invitation.joinFile() });
    const facts = { event: "add", version, scriptSha256, bundleSha256, workspace, edge };
    await hand({ make, facts, path: input.text("out"), isJson: input.json }, io);
    if (invitation.isLocalOnly) io.err(LOCAL_ONLY);
    return EXIT.ok;
  },
};

interface Handing {
  readonly make: () => Promise<string>;
  readonly facts: object;
  readonly path: string | undefined;
  readonly isJson: boolean;
}

async function hand({ make, facts, path, isJson }: Handing, io: CliIo): Promise<void> {
  if (path !== undefined) {
    await writeNewFile(path, async () => `${await make()}\n`);
    if (isJson) io.out(JSON.stringify({ ...facts, file: path }));
    else io.out(`${path} is written, readable by you alone. What it says works once, for 15 minutes: delete it then.`);
    return;
  }
  const command = await make();
  if (isJson) return io.out(JSON.stringify({ ...facts, command }));
  // On standard output only what is to be pasted, so that it can go through a pipe: clawhold host add | ssh root@vps sh
  io.err("Paste this on the machine to add, as root. It works once, for 15 minutes, and holds a secret.");
  io.err("Then compare the six words that it prints with the page.");
  io.err("");
  io.out(command);
}

function optionsOf(input: CommandInput): { readonly label?: string; readonly gateway?: string } {
  const [label, gateway] = [input.text("label"), input.text("gateway")];
  gatewayOf(gateway); // refuses what is no address
  return {
    ...(label === undefined ? {} : { label: labelOf(label) }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

interface OwnRelease {
  readonly version: string;
  readonly scriptSha256: string;
  readonly bundleSha256: string;
}

function readRelease(directory: string): OwnRelease {
  try {
    const sum = (name: string): string =>
      createHash("sha256")
        .update(readFileSync(join(directory, name)))
        .digest("hex");
    const version = readFileSync(join(directory, "version"), "utf8").trim();
    return { version, scriptSha256: sum("install.sh"), bundleSha256: sum("clawhold.tar.gz") };
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    throw new CliError(
      "release_missing",
      `The files of the installer are missing (${directory}). The installation is incomplete: install Clawhold again.`,
    );
  }
}
