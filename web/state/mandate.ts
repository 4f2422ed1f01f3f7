/** Whether the person here may ask for an operation: the host's own rule, asked before a button invites in vain. Pure. */
import { operations } from "../../protocol/operations.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import type { OperationId } from "./backend.ts";
import type { TrustView } from "./people.ts";

export interface Asker {
  /** Undefined: not verified yet, and then nothing is claimed. */
  readonly view: TrustView | undefined;
  readonly person: string | undefined;
  /** Edge seconds. */
  readonly now: number;
}

/** Why not, for the words beside the button; undefined when the role covers it on every one of these hosts. */
export function mandateObstacle(
  { view, person, now }: Asker,
  operation: OperationId,
  hosts: readonly string[],
): string | undefined {
  if (view === undefined || person === undefined) return undefined;
  const { permission } = operations[operation];
  if (!hasPermission(view.state, person, { permission, now })) return "your role does not allow it";
  const outside = hosts.some((host) => !hasPermission(view.state, person, { permission, host, now }));
  return outside ? "your role does not cover it here" : undefined;
}
