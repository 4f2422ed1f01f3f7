/** Files and units of an update, which an installed host has beside those of the layout. Pure. */
import type { HostLayout } from "../../host/units/layout.ts";

export const UPDATE_UNITS = {
  /** Fetches as the link's user: it may dial, and can neither execute nor decide anything. */
  fetch: "clawhold-fetch.service",
  /** Changes the version, as root, and goes back unless the new one reaches the edge. */
  update: "clawhold-update.service",
  /** After a power cut in the middle: settles what was begun. */
  guard: "clawhold-update-guard.service",
  /** Not a file: made by systemd-run for the minutes of a change. */
  deadMan: "clawhold-update-back",
} as const;

/** Longer than a cold start of the agent and a few dials; shorter than anybody's patience. */
export const WELL_SECONDS = 90;
/** Goes back when the program that watches over the change is gone itself. */
export const DEAD_MAN_SECONDS = 150;

export function updatePlaces({ state, linkState, wardenState }: HostLayout) {
  const directory = `${state}/update`;
  return {
    /** Root's; others may read what is asked for. */
    directory,
    order: `${directory}/order.json`,
    /** Held against order and key; root's alone. */
    archive: `${directory}/clawhold.tar.gz`,
    /** A change that has begun and is not settled. */
    pending: `${directory}/pending.json`,
    /** How the last one went. */
    last: `${directory}/last.json`,
    /** The link's: whatever it put there. */
    incoming: `${linkState}/incoming`,
    /** Pinned by hand at an installation. */
    releaseKey: `${wardenState}/release-key.json`,
  } as const;
}
export type UpdatePlaces = ReturnType<typeof updatePlaces>;
