/** Drives of the checks of area network. */
import type { Area } from "./drive.ts";

export const networkDrives: Area = {
  drives: [],
  undriven: {},
};
