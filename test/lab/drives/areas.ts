/** All drives, by the catalogue's areas. */
import type { CheckArea } from "../../../protocol/posture/words.ts";
import type { Area } from "./drive.ts";
import { gatewayDrives } from "./gateway.ts";
import { identityDrives } from "./identity.ts";
import { integrityDrives } from "./integrity.ts";
import { networkDrives } from "./network.ts";
import { secretsDrives } from "./secrets.ts";
import { sshDrives } from "./ssh.ts";

export const areas: Readonly<Record<CheckArea, Area>> = {
  gateway: gatewayDrives,
  ssh: sshDrives,
  network: networkDrives,
  identity: identityDrives,
  secrets: secretsDrives,
  integrity: integrityDrives,
};
