/** Drives of the checks of area secrets. */
import type { Area } from "./drive.ts";

export const secretsDrives: Area = {
  drives: [],
  undriven: {},
};
