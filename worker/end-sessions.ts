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
import { termOf } from "./session-term.ts";

/**
 * Whether the trust log still bears a session: its passkey, its person, its page, and its person's roles, of which at
 * least one is left and none allows less than what it was opened for. Hosts ask the same of its certificate, so a session
 * that outlives its role is not open here while everything it asks for is refused there.
 */
export function isBorne(trust: TrustState, record: SessionRecord, now: number): boolean {
  const { person, credential, origin, startedAt, expires } = record;
  if (!trust.people.has(person) || trust.credentials.get(credential)?.person !== person) return false;
  if (!trust.origins.some((listed) => listed.origin === origin)) return false;
  const limit = sessionLimit(trust, person, now);
  return limit > 0 && expires - startedAt <= limit;
}

/** After a change of the trust log. Their next request would be refused anyway; open sockets make none. */
export async function endUnborne(trust: TrustState, deps: Deps): Promise<void> {
  const { workspace } = trust;
  const sessions = deps.sessions(workspace);
  const now = edgeSeconds();
  const open = await sessions.list();
  const gone = open.filter((record) => !isBorne(trust, record, now));
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
  const stay = new Set(open.filter((record) => !gone.includes(record)).map(({ person }) => person));
  await sessions.setTerms([...stay].map((person) => termOf(trust, person, now)));
}

export async function closeSockets(workspace: string, sessions: readonly string[], deps: Deps): Promise<void> {
  if (sessions.length === 0) return;
  const rows = await listHosts(deps.db, workspace);
  const calls = rows.flatMap(({ host }) =>
    sessions.map((session) => deps.host(workspace, host).endSession({ workspace, host }, session)),
  );
  await Promise.all(calls);
}

/** Tells every host, at once where it is connected; what the sessions watched is closed. */
export async function tellEnd(
  workspace: string,
  { sessions, end }: { readonly sessions: readonly string[]; readonly end: SignedSessionEnd },
  deps: Deps,
): Promise<void> {
  const rows = await listHosts(deps.db, workspace);
  const calls = rows.flatMap(({ host }) =>
    sessions.map((session, i) =>
      // The word names all of them: it is said once.
      deps.host(workspace, host).endSession({ workspace, host }, session, i === 0 ? end : undefined),
    ),
  );
  await Promise.all(calls);
}
