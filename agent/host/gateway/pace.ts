/** How long to wait before looking at a gateway again, and what its silence or refusal means. Pure. */
import type { GatewayState } from "../../../protocol/telemetry.ts";
import type { GatewayTarget } from "./discover.ts";
import type { GatewayFault } from "./faults.ts";

/** A refused connection on loopback costs nothing, and people watch a restart: look again within a second. */
const QUICK_MILLISECONDS = 800;
/** Where no gateway was ever configured, there is no hurry. */
const ABSENT_MILLISECONDS = 4_000;
const FIRST_MILLISECONDS = 1_000;
/** A token that is not accepted, or a peer that misbehaves, is asked again at most this rarely. */
const LAST_MILLISECONDS = 30_000;

/** `attempt` counts failures in a row, from 0; `random` is in [0, 1). Waits are spread over their upper half. */
export function pauseMilliseconds(state: GatewayState, attempt: number, random: number): number {
  const spread = 0.5 + random / 2;
  if (state === "none") return Math.ceil(ABSENT_MILLISECONDS * spread);
  if (state === "stopped" || state === "starting" || state === "config_invalid")
    return Math.ceil(QUICK_MILLISECONDS * spread);
  return Math.ceil(Math.min(LAST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** Math.min(attempt, 10)) * spread);
}

export interface Silence {
  readonly target: GatewayTarget;
  readonly wasSeen: boolean;
  /** It announced a restart a moment ago. */
  readonly restarts: boolean;
  /** The gateway that we started ended with the exit code for a configuration that it cannot use. */
  readonly exitedOnConfiguration: boolean;
}

const statesOfFaults = {
  unreachable: "stopped",
  starting: "starting",
  timeout: "degraded",
  closed: "degraded",
  unauthorized: "unauthorized",
  scope: "unauthorized",
  foreign: "unauthorized",
  unsupported: "unsupported",
  // Whoever answers there, it is not a gateway that we can speak to.
  hostile: "unsupported",
  refused: "degraded",
  busy: "degraded",
} as const satisfies Record<GatewayFault, GatewayState>;

/** The state that a failed connection shows. */
export function stateOfFault(fault: GatewayFault, silence: Silence): GatewayState {
  if (fault === "closed" && silence.restarts) return "starting";
  if (fault !== "unreachable") return statesOfFaults[fault];
  if (silence.exitedOnConfiguration || silence.target.configuration === "invalid") return "config_invalid";
  return silence.target.isConfigured || silence.wasSeen ? "stopped" : "none";
}
