/**
 * Posture as the warden of an installed host reaches it: reports that a timer's scans leave, and orders to units of their own,
 * because the warden has neither the network nor the rights to mend anything itself.
 */
import { execFile } from "node:child_process";
import { UNITS, type HostLayout } from "../units/layout.ts";
import type { PostureControl } from "./control-interface.ts";
import { postureControl } from "./control.ts";
import { unitCarrier } from "./door-carriers.ts";
import { postureDoor } from "./door.ts";
import { openPostureStore } from "./store.ts";

const SYSTEMCTL = "/usr/bin/systemctl";
const SCAN_MILLISECONDS = 60_000;

/** `now`: wall clock, seconds. */
export function installedPosture({ postureState: directory }: HostLayout, now: () => number): PostureControl {
  return postureControl({
    store: openPostureStore(directory),
    door: postureDoor(unitCarrier({ directory, template: UNITS.fix })),
    refresh: scanNow,
    now,
  });
}

/** Resolves when the scan's unit has ended, in whatever way: its report tells. */
function scanNow(): Promise<void> {
  return new Promise((resolve) => {
    execFile(SYSTEMCTL, ["start", "--", UNITS.posture], { timeout: SCAN_MILLISECONDS }, () => resolve());
  });
}
