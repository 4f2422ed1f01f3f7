/** Ends sessions before their time: recorded where it can be, and what they still watch is closed. */
import { edgeSeconds } from "../durable-objects/clock.ts";
import { listHosts } from "../durable-objects/db/host-rows.ts";
import { LedgerUnavailable } from "../durable-objects/ledger-client.ts";
import { logFault } from "../durable-objects/log.ts";
import { endedByEdge } from "../durable-objects/sessions.ts";
import type { SessionRecord } from "../durable-objects/session-table.ts";
import { sessionLimit, type TrustState } from "../protocol/trust/state.ts";
import type { SignedSessionEnd } from "../protocol/messages.ts";
import type { Deps } from "./deps.ts";

/** Whether the trust log still bears a session: its passkey, its person, its page, and its roles' longest session. */
export function isBorne(trust: TrustState, record: SessionRecord, now: number): boolean {
  const { person, credential, origin, startedAt } = record;
  if (!trust.people.has(person) || trust.credentials.get(credential)?.person !== person) return false;
  if (!trust.origins.some((listed) => listed.origin === origin)) return false;
  // Who holds no role can see that and nothing else.
  const limit = sessionLimit(trust, person, now);
  return limit === 0 || now - startedAt <= limit;
}

/** After a change of the trust log. Their next request would be refused anyway; open sockets make none. */
export async function endUnborne(trust: TrustState, deps: Deps): Promise<void> {
  const { workspace } = trust;
  const sessions = deps.sessions(workspace);
  const now = edgeSeconds();
  const gone = (await sessions.list()).filter((record) => !isBorne(trust, record, now));
  for (const { session, person } of gone) {
    await sessions.end(session);
    try {
      await deps.ledger(workspace)(endedByEdge(session, person));
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      logFault("session_end_unrecorded", error, { session }); // it ends all the same: the statement says why
    }
  }
  await closeSockets(
    workspace,
    gone.map(({ session }) => session),
    deps,
  );
}

export async function closeSockets(workspace: string, sessions: readonly string[], deps: Deps): Promise<void> {
  if (sessions.length === 0) return;
  const rows = await listHosts(deps.db, workspace);
  const calls = rows.flatMap(({ host }) =>
    sessions.map((session) => deps.host(workspace, host).endSession({ workspace, host }, session)),
  );
  await Promise.all(calls);
}

/** Tells every host, at once where it is connected; what the session watched is closed. */
export async function tellEnd(
  workspace: string,
  { session, end }: { readonly session: string; readonly end: SignedSessionEnd },
  deps: Deps,
): Promise<void> {
  const rows = await listHosts(deps.db, workspace);
  await Promise.all(rows.map(({ host }) => deps.host(workspace, host).endSession({ workspace, host }, session, end)));
}
