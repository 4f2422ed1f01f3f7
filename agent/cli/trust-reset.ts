/**
 * `clawhold trust reset`: this machine forgets whom it obeys. The way out when a workspace is lost or its keys are not to
 * be trusted any more; loud, because it must not be anybody's quiet way in: the edge records the last word of the old key.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import * as v from "valibot";
import { toBase64url } from "../../protocol/bytes.ts";
import { digest } from "../../protocol/fields.ts";
import { NONCE_BYTES } from "../../protocol/limits.ts";
import { askAtDoor } from "../host/door.ts";
import { HostError } from "../host/host-error.ts";
import { sayFarewell } from "../host/link/say-farewell.ts";
import { finishReset, markReset } from "../host/reset.ts";
import { requireJoined, type HostState, type ResetFile } from "../host/state.ts";
import { dataOption, type Command, type CommandInput } from "./command.ts";
import { CliError, EXIT, usageError, type CliIo } from "./io.ts";
import { holderOf } from "./running-edge.ts";
import { ownHostState } from "./trust-state.ts";

export const trustReset: Command = {
  name: "trust reset",
  summary: "Make this machine forget whom it obeys",
  help: `Usage: clawhold trust reset [--workspace=<id>] [--data <directory>] [--json]

Deletes the pinned workspace, the trust log and the keys of this host. From then on it obeys nobody: every command and
approval made for it is worth nothing. Its journal stays as evidence, with a signed last line, and the edge records it
where it can be reached. To use the machine again, join it with a fresh join file, type the workspace id yourself, and
let an administrator admit it as a new host.

It asks you to type the id of the workspace that this host belongs to; clawhold status shows it.

  --workspace=<id>     that id, where nobody can be asked
  --data <directory>   where the state of this installation lies
  --json               one JSON object`,
  options: { ...dataOption, workspace: { type: "string" } },
  run: async (input, io) => {
    const state = ownHostState(input, io);
    const workspace = state.reset()?.isDone === false ? undefined : await confirmed(state, input, io);
    const isRunning = holderOf(`${state.path}/lock`) !== undefined;
    const done = isRunning ? await resetAtDoor(state, io, workspace) : await resetHere(state, io, workspace);
    if (input.json)
      io.out(JSON.stringify({ event: "reset", host: done.host, workspace: done.workspace, told: done.isTold }));
    else for (const line of said(done, state)) io.out(line);
    return EXIT.ok;
  },
};

/** The workspace that a person named as the one to let go of. */
async function confirmed(state: HostState, input: CommandInput, io: CliIo): Promise<string> {
  const pinned = pinOf(state);
  if (pinned === undefined) requireJoined(state); // says why there is nothing to reset
  const typed = input.text("workspace") ?? (await asked(io));
  if (typed === undefined)
    throw usageError("Nobody can be asked here. Give the id of the workspace with --workspace=<id>.");
  if (v.is(digest, typed) && (pinned === "damaged" || typed === pinned)) return typed;
  throw new CliError(
    "workspace_typed",
    "That is not the id of the workspace that this host belongs to, so nothing was changed. clawhold status shows it.",
    EXIT.refused,
  );
}

/** A reset is the way out of a damaged state too: then the id that is typed is taken as it is. */
function pinOf(state: HostState): string | undefined {
  try {
    return state.host()?.workspace;
  } catch (error) {
    if (error instanceof HostError) return "damaged";
    throw error;
  }
}

async function asked(io: CliIo): Promise<string | undefined> {
  for (const line of WARNING) io.err(line);
  return (await io.ask?.("Workspace id: "))?.trim();
}

const WARNING = [
  "This machine will forget whom it obeys. Its keys, its trust log and its place in the workspace are deleted; nothing brings",
  "them back. The gateway is not touched. To go on, type the id of the workspace that it belongs to.",
];

/** The agent does it itself: it has the connection to the edge, and the files. */
async function resetAtDoor(state: HostState, io: CliIo, workspace: string | undefined): Promise<ResetFile> {
  if (workspace !== undefined) {
    const [answer] = (await askAtDoor(state.files.door, [{ kind: "reset", workspace }])) ?? [];
    // An answer may get lost; the mark does not.
    if (answer?.kind !== "resetting" && state.reset() === undefined)
      throw new CliError(
        "agent_silent",
        "The agent of this host runs and does not answer, so nothing was changed. Stop it, then type this again.",
        EXIT.unreachable,
      );
  }
  for (let look = 0; look < LOOKS; look += 1) {
    const reset = state.reset();
    if (reset?.isDone === true) return reset;
    // A warden without a network marks the host and ends: the rest, and telling the edge, is ours.
    if (reset !== undefined && holderOf(`${state.path}/lock`) === undefined) return resetHere(state, io, undefined);
    await wait(LOOK_MILLISECONDS);
  }
  throw new CliError(
    "reset_unfinished",
    "This host obeys nobody any more, but its agent has not deleted everything yet. Stop the agent, then type this again to finish.",
  );
}

/** Longer than a running command and a slow edge take together. */
const LOOKS = 300;
const LOOK_MILLISECONDS = 200;

async function resetHere(state: HostState, io: CliIo, workspace: string | undefined): Promise<ResetFile> {
  const lock = state.lock(() => new Date());
  try {
    const now = Math.floor(Date.now() / 1_000);
    if (workspace !== undefined) markReset(state, workspace, now);
    const nonce = (): string => toBase64url(randomBytes(NONCE_BYTES));
    return await finishReset(state, {
      now,
      log: (line) => io.err(JSON.stringify(line)),
      tell: (words) => sayFarewell(words, { nonce, environment: io.environment }),
    });
  } finally {
    lock.release();
  }
}

function said({ host, isTold }: ResetFile, { path }: HostState): readonly string[] {
  const name = host ?? "this host";
  return [
    "This host is reset. It obeys nobody any more.",
    isTold
      ? "The edge has recorded it, with the last word of the old key."
      : "The edge could not be told: say it to your administrators yourself.",
    `An administrator should remove ${name} on its page in the signer. What ran here is still written down in ${path}/warden/journal-${host ?? "unknown"}.jsonl.`,
    "",
    "To use the machine again: get a fresh join file from whoever runs the edge, then type",
    "",
    "  clawhold join --file <join file>",
    "",
    "It asks for the workspace id. On the machine that runs the edge, start clawhold up again instead: it asks the same.",
  ];
}
