/** One's own session. */
import type { Handler } from "../mount.ts";
import { sessionCookie } from "../http/arrival.ts";
import { describeMe } from "../open-session.ts";
import { closeSockets } from "../end-sessions.ts";

export const me: Handler<"me"> = async ({ authority, deps }) => ({ body: await describeMe(authority, deps) });

/** Recorded, ended, and its live sockets closed. */
export const signOut: Handler<"signOut"> = async ({ authority, arrival, deps, later }) => {
  const { workspace, person, session } = authority;
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "session.ended",
    detail: { session },
    subject: session,
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  await deps.sessions(workspace).end(session);
  later(closeSockets(workspace, [session], deps));
  return { body: { ok: true }, setCookie: sessionCookie("", 0) };
};
