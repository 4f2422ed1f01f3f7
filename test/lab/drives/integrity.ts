/** Drives of the checks of area integrity. */
import type { Area } from "./drive.ts";

export const integrityDrives: Area = {
  drives: [],
  undriven: {},
};
