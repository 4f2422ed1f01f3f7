/**
 * Finds the command that was typed, runs it, and turns whatever stops it into one sentence and an exit code. It knows no
 * command: the whole program hands it all of them, the agent's own program one.
 */
import { AutomationError, type AutomationErrorCode } from "../automation/trouble.ts";
import { DemoError } from "../host/demo/trouble.ts";
import { GatewayAddressError } from "../host/gateway/discover.ts";
import { HostError, type HostErrorCode } from "../host/host-error.ts";
import { InstallError, type InstallErrorCode } from "../install/install-error.ts";
import { EdgeError, systemCode } from "../shared/edge-error.ts";
import { holderIn } from "../shared/lock.ts";
import { SignerError, type SignerErrorCode } from "../signer/signer-error.ts";
import { parseCommand, type Command } from "./command.ts";
import { CliError, EXIT, usageError, type CliIo, type ExitCode } from "./io.ts";

type Commands = readonly Command[];

export async function runCommands(argv: readonly string[], io: CliIo, commands: Commands): Promise<ExitCode> {
  try {
    return await dispatch(argv, io, commands);
  } catch (error) {
    const { code, message, exit } = describe(error);
    const holder = error instanceof EdgeError ? holderIn(error) : undefined;
    if (argv.includes("--json")) io.out(JSON.stringify({ event: "error", code, message, holder }));
    else io.err(message);
    return exit;
  }
}

async function dispatch(argv: readonly string[], io: CliIo, commands: Commands): Promise<ExitCode> {
  const [first] = argv;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    io.out(overview(io, commands));
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  if (first === "--version") {
    io.out(io.version);
    return EXIT.ok;
  }
  const found = findCommand(argv, commands);
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (found === undefined && group.length > 0 && (argv[1] === "--help" || argv[1] === "-h")) {
    io.out(listOf(group).join("\n"));
    return EXIT.ok;
  }
  if (found === undefined) {
    throw usageError(unknownCommand(argv, commands));
  }
  const parsed = parseCommand(found.command, found.rest);
  if (parsed.kind === "run") return found.command.run(parsed.input, io);
  io.out(found.command.help);
  return EXIT.ok;
}

function findCommand(
  argv: readonly string[],
  commands: Commands,
): { readonly command: Command; readonly rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const name = argv.slice(0, length).join(" ");
    const command = commands.find((candidate) => candidate.name === name);
    if (command !== undefined) return { command, rest: argv.slice(length) };
  }
  return undefined;
}

/** Half of a two-word command is answered with its other halves. */
function unknownCommand([first = ""]: readonly string[], commands: Commands): string {
  const begun = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => `clawhold ${name}`);
  if (begun.length > 0) return `${first} needs a second word. Type one of: ${begun.join(", ")}.`;
  return `There is no command ${shown(first)}. Type clawhold --help for the list.`;
}

/** What somebody typed, fit to be printed back. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

function listOf(commands: Commands): readonly string[] {
  const width = Math.max(...commands.map((command) => command.name.length));
  return commands.map((command) => `  ${command.name.padEnd(width)}   ${command.summary}`);
}

function overview(io: CliIo, commands: Commands): string {
  return [
    `Clawhold ${io.version}: the security control plane for OpenClaw hosts.`,
    "",
    "Usage: clawhold <command> [options]",
    "",
    ...listOf(commands),
    "",
    "Every command has --help and --json.",
    "Exit codes: 0 done, 1 failed, 2 not understood, 3 not reachable or not running, 4 refused.",
  ].join("\n");
}

const HOST_EXITS: Partial<Record<HostErrorCode, ExitCode>> = {
  edge_unreachable: EXIT.unreachable,
  host_reset: EXIT.unreachable,
  not_joined: EXIT.unreachable,
  edge_certificate: EXIT.refused,
  edge_fingerprint: EXIT.refused,
  join_file: EXIT.usage,
  join_refused: EXIT.refused,
  join_token: EXIT.refused,
  joined_elsewhere: EXIT.refused,
  trust_file: EXIT.usage,
  workspace_typed: EXIT.refused,
};

const INSTALL_EXITS: Partial<Record<InstallErrorCode, ExitCode>> = {
  not_installed: EXIT.unreachable,
  step_failed: EXIT.failed,
};

const SIGNER_EXITS: Partial<Record<SignerErrorCode, ExitCode>> = {
  authority_unusable: EXIT.usage,
  certificate_unusable: EXIT.usage,
  edge_address: EXIT.usage,
  edge_ambiguous: EXIT.usage,
  token_unusable: EXIT.usage,
  workspace_unknown: EXIT.usage,
};

/** Whatever was being written: what was whole on disk before is whole still. */
const DISK_SENTENCES: Readonly<Record<string, string>> = {
  EDQUOT: "This user may not store more on the disk. Free some of its space, then type this again. Nothing was lost.",
  EIO: "The disk could not be read or written. Look at the kernel's messages (dmesg), then type this again.",
  ENOSPC: "The disk is full. Free some space, then type this again. Nothing that was stored before is lost.",
  EROFS: "The disk can only be read. Make it writable, or choose another directory with --data.",
};

const AUTOMATION_EXITS: Readonly<Record<AutomationErrorCode, ExitCode>> = {
  edge_answer: EXIT.failed,
  edge_unreachable: EXIT.unreachable,
  host_unknown: EXIT.usage,
  key_exposed: EXIT.refused,
  key_file: EXIT.usage,
  not_granted: EXIT.refused,
  refused: EXIT.refused,
  trust: EXIT.refused,
};

interface Described {
  readonly code: string;
  readonly message: string;
  readonly exit: ExitCode;
}

function describe(error: unknown): Described {
  if (error instanceof CliError) return error;
  if (error instanceof AutomationError)
    return { code: error.detail ?? error.code, message: error.message, exit: AUTOMATION_EXITS[error.code] };
  if (error instanceof HostError)
    return { code: error.code, message: error.message, exit: HOST_EXITS[error.code] ?? EXIT.failed };
  if (error instanceof InstallError)
    return { code: error.code, message: error.message, exit: INSTALL_EXITS[error.code] ?? EXIT.refused };
  if (error instanceof SignerError)
    return { code: error.code, message: error.message, exit: SIGNER_EXITS[error.code] ?? EXIT.refused };
  if (error instanceof GatewayAddressError) return { code: error.code, message: error.message, exit: EXIT.usage };
  if (error instanceof EdgeError || error instanceof DemoError)
    return { code: error.code, message: error.message, exit: EXIT.failed };
  const disk = DISK_SENTENCES[systemCode(error) ?? ""];
  if (disk !== undefined) return { code: "disk", message: disk, exit: EXIT.failed };
  throw error; // a mistake of ours: main prints it with its place in the code
}
