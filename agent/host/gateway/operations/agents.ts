/** Agents and sessions. */
import { unsupported, type GatewayImplementation } from "./implementation.ts";

export const agentsRows = {
  "agent.create@1": unsupported,
  "agent.edit@1": unsupported,
  "agent.deploy@1": unsupported,
  "agent.delete@1": unsupported,
  "session.abort@1": unsupported,
  "session.reset@1": unsupported,
  "session.compact@1": unsupported,
} as const satisfies Record<string, GatewayImplementation>;
