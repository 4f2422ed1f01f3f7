/**
 * Erases one personal value: the entry that says so first, then the value. What commits to it stays, and so does every
 * proof; who reads finds the value erased, by whom and when, and not simply missing.
 */
import type { Erasable } from "../../protocol/ledger.ts";
import { requireEdgeAction } from "../access/edge-action.ts";
import { eraseName, eraseValue, holdsName, holdsValue, type ValueHome } from "../db/erasure.ts";
import type { Deps } from "../deps.ts";
import { problem } from "../http/problems.ts";
import type { Handler } from "../mount.ts";

export const erase: Handler<"erase"> = async ({ authority, body, arrival, deps }) => {
  const { workspace, person, session } = authority;
  const { change } = body;
  // Before the touch is judged and spent: a mistake in a number should not cost a second one.
  if (!(await holds(change, workspace, deps))) throw problem("nothing_to_erase");
  await requireEdgeAction(authority, body, {
    rule: { endpoint: "erase", permission: "workspace.administer" },
    deps,
    arrival,
  });
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "ledger.erased",
    detail: { erased: change, session },
    ...(change.field === "name" ? { target: change.person } : {}),
    ...(arrival.sourceIp === undefined ? {} : { sourceIp: arrival.sourceIp }),
  });
  await (change.field === "name"
    ? eraseName(deps.db, workspace, change.person)
    : eraseValue(homeOf(workspace, deps), change));
  return { body: { ok: true } };
};

function holds(change: Erasable, workspace: string, deps: Deps): Promise<boolean> {
  return change.field === "name"
    ? holdsName(deps.db, workspace, change.person)
    : holdsValue(homeOf(workspace, deps), change);
}

function homeOf(workspace: string, deps: Deps): ValueHome {
  return { db: deps.db, workspace, books: deps.books(workspace) };
}
