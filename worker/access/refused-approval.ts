/**
 * What a signed-in person signed for the edge itself and was refused: counted each time, and written down while the session
 * has room for it. Decides nothing; whoever calls refuses afterwards, whatever becomes of the entry.
 */
import type { EndpointName } from "../../protocol/contracts.ts";
import type { Deps } from "../deps.ts";
import type { Arrival } from "../http/arrival.ts";
import type { Operator } from "./operator.ts";

export interface RefusedApproval {
  /** The rule that refused it. */
  readonly code: string;
  /** To which it was brought. */
  readonly endpoint: EndpointName;
  /** Whom it would have been about, where that is known. */
  readonly target?: string;
}

export interface RefusedAt {
  readonly arrival: Pick<Arrival, "sourceIp">;
  readonly deps: Deps;
}

/** @throws {LedgerUnavailable} so that nobody tries rules out while nothing is written */
export async function recordRefused(
  { workspace, person, session }: Pick<Operator, "workspace" | "person" | "session">,
  { code, endpoint, target }: RefusedApproval,
  { arrival: { sourceIp }, deps }: RefusedAt,
): Promise<void> {
  await deps.countRefusal(workspace, { code, session });
  if (!(await deps.sessions(workspace).takeRefusal(session))) return;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "approval.refused",
    ...(target === undefined ? {} : { target }),
    detail: { code, session, endpoint },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
}
