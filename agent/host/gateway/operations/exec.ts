/** Answers to the gateway's questions before a command. */
import { unsupported, type GatewayImplementation } from "./implementation.ts";

export const execRows = {
  "exec.deny@1": unsupported,
  "exec.allow-once@1": unsupported,
  "exec.allow-always@1": unsupported,
  "exec.watch-on@1": unsupported,
  "exec.watch-off@1": unsupported,
  "exec.policy@1": unsupported,
} as const satisfies Record<string, GatewayImplementation>;
