/** Devices, pairings, channels, plugins. */
import { unsupported, type GatewayImplementation } from "./implementation.ts";

export const accessRows = {
  "device.revoke@1": unsupported,
  "device.rotate@1": unsupported,
  "pairing.approve@1": unsupported,
  "pairing.deny@1": unsupported,
  "channel.tighten@1": unsupported,
  "channel.loosen@1": unsupported,
  "channel.allow@1": unsupported,
  "channel.disallow@1": unsupported,
  "plugin.enable@1": unsupported,
  "plugin.disable@1": unsupported,
} as const satisfies Record<string, GatewayImplementation>;
