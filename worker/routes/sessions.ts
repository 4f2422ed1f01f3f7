/** Sign-ins that are open: one's own, and for administrators everybody's. Ending some is a signed word that hosts hear too. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { SessionRecord } from "../../durable-objects/session-table.ts";
import type { SessionRow } from "../../protocol/contracts/sessions.ts";
import { MAX_FRAME_BYTES } from "../../protocol/limits.ts";
import { signedSessionEndCodec } from "../../protocol/messages.ts";
import { utf8Text } from "../../protocol/bytes.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import { verifySessionEnd, type EndingSession } from "../../protocol/verify/session-end.ts";
import type { Operator } from "../access/operator.ts";
import { recordRefused } from "../access/refused-approval.ts";
import type { Opening } from "../../durable-objects/db/ledger-reader.ts";
import type { Deps } from "../deps.ts";
import { tellEnd } from "../end-sessions.ts";
import { sessionCookie } from "../http/arrival.ts";
import { commandProblem, problem } from "../http/problems.ts";
import type { Handler } from "../mount.ts";

/** For what a frame says beside the end itself. */
const FRAME_ROOM = 1_024;

export const sessions: Handler<"sessions"> = async ({ authority, deps }) => {
  const { workspace } = authority;
  const now = edgeSeconds();
  const visible = (await deps.sessions(workspace).list()).filter(({ person }) => maySee(authority, person));
  const openings = await deps.books(workspace).reader.openings(visible.map(({ ledgerIndex }) => ledgerIndex));
  const rows = visible.map((record) =>
    describe(record, { operator: authority, source: openings.get(record.ledgerIndex)?.source }),
  );
  const originUse = maySeeAll(authority) ? await deps.sessions(workspace).originUse() : undefined;
  return { body: { sessions: rows, ...(originUse === undefined ? {} : { originUse }), now } };
};

function maySee(operator: Operator, of: string): boolean {
  return of === operator.person || maySeeAll(operator);
}

function maySeeAll({ trust, person }: Operator): boolean {
  return hasPermission(trust, person, { permission: "workspace.administer", now: edgeSeconds() });
}

function describe(
  { session, person, certificate, startedAt, lastSeen, expires, origin, device }: SessionRecord,
  { operator, source }: { readonly operator: Operator; readonly source: Opening | undefined },
): SessionRow {
  return {
    session,
    person,
    certificate,
    startedAt,
    lastSeenAt: lastSeen,
    expires,
    origin,
    device,
    ...(source === undefined ? {} : { source }),
    current: session === operator.session,
  };
}

/** Each recorded, ended here, and told to every host. Ending one twice is no mistake. */
export const sessionEnd: Handler<"sessionEnd"> = async ({ authority, arrival, body, deps, later }) => {
  const { workspace, trust, person } = authority;
  const verdict = await verifySessionEnd(body, { trust, now: edgeSeconds() });
  const refuse = async (code: RefusalCode, target?: string): Promise<never> => {
    const about = target === undefined ? {} : { target };
    await recordRefused(authority, { code, endpoint: "sessionEnd", ...about }, { arrival, deps });
    throw commandProblem(code);
  };
  if (verdict.kind === "refused") return refuse(verdict.code);
  // Nobody brings the word of somebody else.
  if (verdict.by !== person) return refuse("people", verdict.end.person);
  const bytes = signedSessionEndCodec.encode(body);
  // Hosts hear it as one frame; what does not fit could never be told.
  if (bytes.length > MAX_FRAME_BYTES - FRAME_ROOM) throw problem("too_large");
  const { ended } = verdict;
  if (!(await areTheirs(verdict.end.person, ended, deps.sessions(workspace))))
    return refuse("people", verdict.end.person);
  const { sourceIp } = arrival;
  const append = deps.ledger(workspace);
  await Promise.all(
    ended.map(({ session }) =>
      append({
        actor: { kind: "person", id: person },
        action: "session.revoked",
        target: verdict.end.person,
        detail: { session },
        subject: session,
        ...(sourceIp === undefined ? {} : { sourceIp }),
      }),
    ),
  );
  await deps.sessions(workspace).revoke(ended, utf8Text(bytes));
  const sessions = ended.map(({ session }) => session);
  later(tellEnd(workspace, { sessions, end: body }, deps));
  return sessions.includes(authority.session)
    ? { body: { ok: true }, setCookie: sessionCookie("", 0) }
    : { body: { ok: true } };
};

/**
 * The bytes of a sign-in name nobody: who saw somebody else's (an export shows them) can sign them again with a passkey of
 * their own, and would end that session as if it were theirs. Whose it is was written down when it was opened.
 */
async function areTheirs(
  person: string,
  ended: readonly EndingSession[],
  sessions: ReturnType<Deps["sessions"]>,
): Promise<boolean> {
  const named = new Set(ended.map(({ session }) => session));
  const open = await sessions.list();
  return open.every((record) => !named.has(record.session) || record.person === person);
}
