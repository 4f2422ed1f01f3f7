/** Puts watch, door and control together for an agent that is one process: the program that looks and mends is its child. */
import type { PostureFigures, Telemetry } from "../../../protocol/telemetry.ts";
import type { PostureControl } from "./control-interface.ts";
import { postureControl } from "./control.ts";
import { childCarrier } from "./door-carriers.ts";
import { postureDoor } from "./door.ts";
import { openPostureStore } from "./store.ts";
import { scanByChild, startPostureWatch } from "./watch.ts";

export interface PostureDeps {
  /** Starts `posture.cjs`, e.g. `[node, "/opt/clawhold/current/posture.cjs"]`. */
  readonly program: readonly string[];
  /** Reports, waivers, transactions. */
  readonly directory: string;
  readonly log: (code: string) => void;
  readonly onChange: () => void;
  /** Wall clock, seconds. */
  readonly now: () => number;
}

export interface HostPosture {
  figures(): PostureFigures | undefined;
  readonly control: PostureControl;
  stop(): Promise<void>;
}

export function openPosture({ program, directory, log, onChange, now }: PostureDeps): HostPosture {
  const store = openPostureStore(directory);
  const scan = scanByChild([...program, "scan", "--directory", directory]);
  const watch = startPostureWatch({ store, scan, log, onChange, now });
  const door = postureDoor(childCarrier([...program, "order", "--directory", directory]));
  return {
    figures: () => watch.figures(),
    control: postureControl({ store, door, refresh: () => watch.refresh(), now }),
    stop: () => watch.stop(),
  };
}

export function withPosture(
  telemetry: Telemetry | undefined,
  posture: PostureFigures | undefined,
): Telemetry | undefined {
  return telemetry === undefined || posture === undefined ? telemetry : { ...telemetry, posture };
}
