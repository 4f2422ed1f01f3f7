/**
 * The one table of what a host can do. An operation has one class, never by argument: where arguments would
 * change the class there are two operations. A new row fails to compile until the host implements it.
 */
import { accessOperations } from "./operations/access.ts";
import { agentOperations } from "./operations/agents.ts";
import { configurationOperations } from "./operations/configuration.ts";
import { execOperations } from "./operations/exec.ts";
import { gatewayOperations } from "./operations/gateway.ts";
import type { Operation } from "./operations/operation.ts";
import { postureOperations } from "./operations/posture.ts";
import { scheduleOperations } from "./operations/schedule.ts";
import { updateOperations } from "./operations/update.ts";

export type { Operation, OperationClass } from "./operations/operation.ts";

export const operations = {
  ...gatewayOperations,
  ...configurationOperations,
  ...scheduleOperations,
  ...agentOperations,
  ...accessOperations,
  ...execOperations,
  ...postureOperations,
  ...updateOperations,
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
