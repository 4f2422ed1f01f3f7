/** What the trust commands share: whose state it is, what it holds, and who may ask. Changes nothing. */
import { lstatSync } from "node:fs";
import type { HeldTrust } from "../host/trust-file.ts";
import { readHeldTrust } from "../host/trust-file.ts";
import { existingHostState, requireJoined, type HostFile, type HostState } from "../host/state.ts";
import { systemCode } from "../shared/edge-error.ts";
import { hostDirectoryOf, type CommandInput } from "./command.ts";
import { CliError, EXIT, type CliIo } from "./io.ts";

export interface OpenedTrust {
  readonly state: HostState;
  readonly host: HostFile;
}

/** @throws {HostError} when this machine has not joined, or was reset. */
export function openTrust(input: CommandInput, io: CliIo): OpenedTrust {
  const state = ownHostState(input, io);
  return { state, host: requireJoined(state).host };
}

/** The state directory decides whom this machine obeys: only its owner touches it. */
export function ownHostState(input: CommandInput, io: CliIo): HostState {
  const path = hostDirectoryOf(input, io);
  const owner = ownerOf(path);
  if (owner !== undefined && owner !== io.uid)
    throw new CliError(
      "not_owner",
      `${path} belongs to the user with uid ${String(owner)}, and only that user may do this. Type it as that user: sudo -u '#${String(owner)}' clawhold, and the rest as before.`,
      EXIT.refused,
    );
  return existingHostState(path);
}

function ownerOf(path: string): number | undefined {
  try {
    return lstatSync(path).uid;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

export function heldBy({ state, host }: OpenedTrust): Promise<HeldTrust> {
  return readHeldTrust({ path: state.files.trust, pin: { workspace: host.workspace } });
}
