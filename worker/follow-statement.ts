/** What follows at the edge itself from a statement that was accepted. The log alone decides; these rows only follow it. */
import { revokeCertificates } from "../durable-objects/certificates/issue.ts";
import { edgeSeconds } from "../durable-objects/clock.ts";
import { listHosts } from "../durable-objects/db/host-rows.ts";
import { commit } from "../protocol/ledger.ts";
import type { TrustState } from "../protocol/trust/state.ts";
import type { Statement } from "../protocol/trust/statements.ts";
import { settleInvitation } from "./db/invitations.ts";
import { assignPasskey } from "./db/passkeys.ts";
import { removeStatementProposals } from "./db/proposals.ts";
import { saveName } from "./db/statements.ts";
import type { Deps } from "./deps.ts";
import { endUnborne } from "./end-sessions.ts";
import { credentialsOf, type AddedCredential } from "./judge-statement.ts";

/** `after`: the state with the statement. */
export async function followStatement(statement: Statement, after: TrustState, deps: Deps): Promise<void> {
  const { workspace } = statement;
  for (const added of credentialsOf(statement)) await follow(added, after, deps);
  await removeStatementProposals(deps.db, workspace);
  await endUnborne(after, deps);
  // What the new key signs covers this very change: no witness waits for the next entry to see it in force.
  if (statement.kind === "ledger-key.rotate" || statement.kind === "root.rotate") await deps.books(workspace).newest();
  // Last, because only this needs the ledger. The host is out without it: the log says so at every connection.
  if (statement.kind === "host.remove") await takeCertificates(workspace, statement.body.host, deps);
}

/** The passkey belongs to somebody now; if they enrolled with an invitation, their name is theirs. */
async function follow({ person, credential }: AddedCredential, after: TrustState, deps: Deps): Promise<void> {
  const { workspace } = after;
  const { credentialId } = credential;
  await assignPasskey(deps.db, { credentialId, workspace, person });
  const invitation = await settleInvitation(deps.db, workspace, { credentialId, person });
  if (invitation === undefined || invitation.nameSalt === null || invitation.nameValue === null) return;
  const opening = { salt: invitation.nameSalt, value: invitation.nameValue };
  // The statement may have committed to another name.
  if (commit({ field: "name", ...opening }) === after.people.get(person)?.name)
    await saveName(deps.db, { workspace, person, ...opening });
}

/** Every certificate of a host, each with an entry first; its tunnel closes. */
export async function takeCertificates(workspace: string, host: string, deps: Deps): Promise<void> {
  const { db } = deps;
  const append = deps.ledger(workspace);
  await revokeCertificates({ workspace, host }, () => true, { db, append, now: edgeSeconds() });
  await deps.host(workspace, host).closeTunnel({ workspace, host });
}

export async function tellHosts(workspace: string, deps: Deps): Promise<void> {
  const rows = await listHosts(deps.db, workspace);
  await Promise.all(rows.map(({ host }) => deps.host(workspace, host).trustChanged({ workspace, host })));
}
