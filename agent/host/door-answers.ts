/** What the agent answers to this machine's own commands. They gain nothing here: door.ts says why. */
import { systemCode } from "../shared/edge-error.ts";
import type { DoorAnswer, DoorRequest } from "./door.ts";
import { HostError } from "./host-error.ts";
import { markReset } from "./reset.ts";
import type { HostFile, HostState } from "./state.ts";
import { AppendError } from "./warden/append-file.ts";
import { wallSeconds, type HostClock } from "./warden/clock.ts";
import type { Warden } from "./warden/warden.ts";

export interface Behind {
  readonly state: HostState;
  readonly host: HostFile;
  readonly clock: HostClock;
  readonly warden: Warden;
  readonly onFault: (error: unknown) => void;
}

export async function answerAtDoor(request: DoorRequest, behind: Behind): Promise<DoorAnswer> {
  const { state, host, clock, warden, onFault } = behind;
  if (request.kind === "trust") {
    try {
      const { added, refusal, passedOver } = await warden.takeTrust(request.page);
      return {
        kind: "taken",
        added,
        ...(refusal === undefined ? {} : { refusal }),
        ...(passedOver === undefined ? {} : { passedOver }),
      };
    } catch (error) {
      if (error instanceof AppendError) return { kind: "refused", code: "disk" };
      throw error;
    }
  }
  if (request.workspace !== host.workspace) return { kind: "refused", code: "workspace" };
  if (request.kind === "forget") {
    return forgetWitness(warden);
  }
  markReset(state, host.workspace, wallSeconds(clock));
  // The answer leaves first; whoever runs the agent then ends it, which does the rest.
  setImmediate(() => onFault(new HostError("host_reset", RESET_ENDED)));
  return { kind: "resetting" };
}

function forgetWitness(warden: Warden): DoorAnswer {
  try {
    warden.forgetWitness();
    return { kind: "forgotten" };
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return { kind: "refused", code: "disk" };
  }
}

const RESET_ENDED = "This host is being reset from another terminal, so its agent ends. It obeys nobody any more.";
