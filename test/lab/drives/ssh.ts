/** Drives of the checks of area ssh. */
import type { Area } from "./drive.ts";

export const sshDrives: Area = {
  drives: [],
  undriven: {},
};
