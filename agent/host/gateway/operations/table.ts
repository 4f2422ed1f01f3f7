/** The table of what this agent does with a gateway; a new operation of the protocol does not compile without its row. */
import type { GatewayOperationName } from "../control-interface.ts";
import { accessRows } from "./access.ts";
import { agentsRows } from "./agents.ts";
import { configurationRows } from "./configuration.ts";
import { execRows } from "./exec.ts";
import { processRows } from "./process.ts";
import { scheduleRows } from "./schedule.ts";
import type { GatewayImplementation } from "./implementation.ts";

export const gatewayImplementations: Readonly<Record<GatewayOperationName, GatewayImplementation>> = {
  ...processRows,
  ...configurationRows,
  ...scheduleRows,
  ...agentsRows,
  ...accessRows,
  ...execRows,
};
