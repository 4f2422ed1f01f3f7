/** Drives of the checks of area gateway. */
import type { Area } from "./drive.ts";

export const gatewayDrives: Area = {
  drives: [],
  undriven: {},
};
