/** The gateway's process: stop, start, kill. */
import { unsupported, type GatewayImplementation } from "./implementation.ts";

export const processRows = {
  "gateway.stop@1": unsupported,
  "gateway.start@1": unsupported,
  "gateway.kill@1": unsupported,
} as const satisfies Record<string, GatewayImplementation>;
