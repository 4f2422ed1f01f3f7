/** `clawhold join`: makes this machine a host of a workspace. The token comes by file or standard input, never by argv. */
import { readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { openDataDirectory } from "../edge/data-directory.ts";
import { systemCode } from "../shared/edge-error.ts";
import { parseGatewayAddress } from "../host/gateway/discover.ts";
import { joinHost } from "../host/join.ts";
import { openHostState, standingReset, type GatewayReference, type HostState } from "../host/state.ts";
import { dataDirectoryOf, dataOption, type Command, type CommandInput } from "./command.ts";
import { EXIT, usageError, type CliIo } from "./io.ts";
import { MAX_LABEL_CHARACTERS } from "../../protocol/limits.ts";

/** A join file is under 500 bytes. */
const MAX_JOIN_FILE_BYTES = 8_192;
const NEWLINE = 0x0a;

export const join: Command = {
  name: "join",
  summary: "Make this machine a host of a workspace",
  help: `Usage: clawhold join [--file <path>] [--data <directory>] [--gateway <url|none>] [--label <name>]
                     [--workspace=<id>] [--json]

Reads a join file (from standard input unless --file names one), gets this host its certificate, and prints six words.
The file holds a token that works once and for 15 minutes: it is never given on the command line, where other users of
the machine could read it. A joined host waits in quarantine until an administrator admits it.

  --file <path>        the join file
  --data <directory>   where to keep the state of this installation
  --gateway <url>      the gateway of this machine, e.g. ws://127.0.0.1:18789; without it, the gateway's own
                       configuration says where it is; none: there is no gateway here
  --label <name>       the name under which people see this host; the host name unless given
  --workspace=<id>     the workspace that the file must be for; after clawhold trust reset it has to be typed
  --json               one JSON object

Then start the agent with: clawhold host run`,
  options: {
    ...dataOption,
    file: { type: "string" },
    gateway: { type: "string" },
    label: { type: "string" },
    workspace: { type: "string" },
  },
  run: async (input, io) => {
    const gateway = gatewayOf(input.text("gateway"));
    const label = labelOf(input.text("label") ?? io.hostname);
    const bytes = await givenJoinFile(input, io);
    const data = openDataDirectory(dataDirectoryOf(input, io), () => new Date());
    try {
      const state = openHostState(joinPath(data.path, "host"));
      const typedWorkspace = input.text("workspace") ?? (await askWorkspace(state, io));
      const joined = await joinHost(bytes, {
        state,
        label,
        colocated: false,
        gateway,
        environment: io.environment,
        ...(typedWorkspace === undefined ? {} : { typedWorkspace }),
      });
      if (input.json) io.out(JSON.stringify({ event: "joined", ...joined }));
      else for (const line of said(joined.words, input.text("data"))) io.out(line);
    } finally {
      data.close();
    }
    return EXIT.ok;
  },
};

/** After a reset the id comes from a person, not only from the file: the file's way may be why it was reset. */
export async function askWorkspace(state: HostState, io: CliIo): Promise<string | undefined> {
  if (standingReset(state) === undefined || io.ask === undefined) return undefined;
  io.err(
    "This machine was reset. It joins only the workspace whose id you type; clawhold status shows it on any other host.",
  );
  return (await io.ask("Workspace id: ")).trim();
}

function said(words: readonly string[], data: string | undefined): readonly string[] {
  return [
    "This machine has joined and waits to be admitted. Compare these six words with the ones on the page:",
    "",
    `  ${words.join(" ")}`,
    "",
    `Start its agent with: clawhold host run${data === undefined ? "" : ` --data ${data}`}`,
  ];
}

export function gatewayOf(text: string | undefined): GatewayReference {
  if (text === undefined) return { kind: "local" };
  if (text === "none") return { kind: "none" };
  return { kind: "local", url: parseGatewayAddress(text).url };
}

/** A label is shown to everybody who administers; what the field does not take is refused when a person chose it. */
export function labelOf(text: string): string {
  if (text.length > MAX_LABEL_CHARACTERS || !/^[^\s\p{C}]([^\p{C}]*[^\s\p{C}])?$/u.test(text)) {
    throw usageError(
      `--label takes 1 to ${String(MAX_LABEL_CHARACTERS)} visible characters, without spaces at the ends.`,
    );
  }
  return text;
}

async function givenJoinFile(input: CommandInput, io: CliIo): Promise<Uint8Array> {
  const path = input.text("file");
  return path === undefined ? withoutNewline(await io.readInput(MAX_JOIN_FILE_BYTES)) : readJoinFile(path);
}

/** The newline that ends a text file is the file's, not the message's. */
function withoutNewline(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes;
}

/** The bytes of one, not judged yet. @throws {CliError} */
export function readJoinFile(path: string): Uint8Array {
  return withoutNewline(readFile(path));
}

function readFile(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw usageError(
      `The join file ${path} cannot be read (${code}). Check its name, or give the file on standard input: clawhold join < file`,
    );
  }
  if (bytes.length <= MAX_JOIN_FILE_BYTES) return bytes;
  throw usageError(`${path} is too large for a join file. Give the file that the edge's machine printed.`);
}
