/** Scheduled jobs. */
import { unsupported, type GatewayImplementation } from "./implementation.ts";

export const scheduleRows = {
  "cron.add@1": unsupported,
  "cron.edit@1": unsupported,
  "cron.enable@1": unsupported,
  "cron.disable@1": unsupported,
  "cron.run@1": unsupported,
  "cron.remove@1": unsupported,
} as const satisfies Record<string, GatewayImplementation>;
