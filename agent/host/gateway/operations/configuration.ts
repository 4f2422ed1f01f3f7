/** Changes of the configuration. */
import { unsupported, type GatewayImplementation } from "./implementation.ts";

export const configurationRows = {
  "config.set@1": unsupported,
  "config.rollback@1": unsupported,
  "gateway.lockdown@1": unsupported,
  "gateway.bind-loopback@1": unsupported,
  "gateway-token.rotate@1": unsupported,
} as const satisfies Record<string, GatewayImplementation>;
