/**
 * `clawhold audit reset`: this host forgets what it has seen of the activity log and witnesses anew. For the owner of the
 * machine, after a backup of the edge was restored on purpose; loud, because a rewritten past would need it too.
 */
import { askAtDoor } from "../host/door.ts";
import type { HostFile, HostState } from "../host/state.ts";
import { forgetWitness } from "../host/witness/witness-file.ts";
import { dataOption, type Command, type CommandInput } from "./command.ts";
import { CliError, EXIT, usageError, type CliIo } from "./io.ts";
import { holderOf } from "./running-edge.ts";
import { openTrust } from "./trust-state.ts";

export const auditReset: Command = {
  name: "audit reset",
  summary: "Make this host forget what it has seen of the activity log",
  help: `Usage: clawhold audit reset [--workspace=<id>] [--data <directory>] [--json]

The checkpoint that this host holds, and every one that contradicted it, are forgotten; receipts from before are not
insisted on any more. The next checkpoint that the edge shows is believed as the first one was. Do this only after a
backup of the edge was restored on purpose and you accept what is lost: whoever rewrote the log would want you to. The
edge is told, writes it into the log and raises an alert on every screen; so does the log of this agent.

Save what clawhold audit show --json prints first. It asks you to type the id of the workspace; clawhold status shows
it.

  --workspace=<id>     that id, where nobody can be asked
  --data <directory>   where the state of this installation lies
  --json               one JSON object`,
  options: { ...dataOption, workspace: { type: "string" } },
  run: async (input, io) => {
    const { state, host } = openTrust(input, io);
    await confirm(host, input, io);
    const isRunning = holderOf(`${state.path}/lock`) !== undefined;
    if (isRunning) await forgetAtDoor(state, host);
    else forgetHere(state, io);
    if (input.json) io.out(JSON.stringify({ event: "witness_reset", host: host.host, running: isRunning }));
    else
      io.out(
        `This host has forgotten what it had seen of the activity log. The edge is told ${isRunning ? "now" : "when the agent runs again"}; every screen shows it.`,
      );
    return EXIT.ok;
  },
};

async function confirm({ workspace }: HostFile, input: CommandInput, io: CliIo): Promise<void> {
  const typed = input.text("workspace") ?? (await asked(io));
  if (typed === undefined)
    throw usageError("Nobody can be asked here. Give the id of the workspace with --workspace=<id>.");
  if (typed === workspace) return;
  throw new CliError(
    "workspace_typed",
    "That is not the id of the workspace that this host belongs to, so nothing was changed. clawhold status shows it.",
    EXIT.refused,
  );
}

async function asked(io: CliIo): Promise<string | undefined> {
  for (const line of WARNING) io.err(line);
  return (await io.ask?.("Workspace id: "))?.trim();
}

const WARNING = [
  "This host will forget what it has seen of the activity log, and believe what it is shown next. Nothing brings it back. To go",
  "on, type the id of the workspace that it belongs to.",
];

/** The agent does it itself: it holds the file, and the tunnel on which to say so. */
async function forgetAtDoor({ files }: HostState, { workspace }: HostFile): Promise<void> {
  const [answer] = (await askAtDoor(files.door, [{ kind: "forget", workspace }])) ?? [];
  if (answer?.kind === "forgotten") return;
  if (answer?.kind === "refused" && answer.code === "disk")
    throw new CliError(
      "disk",
      "The disk did not take it, so this host has forgotten nothing. Free some space, then type this again.",
    );
  throw new CliError(
    "agent_silent",
    "The agent of this host runs and does not answer, so nothing was changed. Stop it, then type this again.",
    EXIT.unreachable,
  );
}

function forgetHere(state: HostState, io: CliIo): void {
  const lock = state.lock(() => new Date());
  try {
    forgetWitness(state.files.witness, Math.floor(Date.now() / 1_000));
    io.err(JSON.stringify({ event: "witness_reset" }));
  } finally {
    lock.release();
  }
}
