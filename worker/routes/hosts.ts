/** Hosts: their rows, the live socket of one, and the request for a challenge. Metadata only. */
import * as v from "valibot";
import { listHosts } from "../../durable-objects/db/host-rows.ts";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { encodeOpening, SOCKET_HEADER } from "../../durable-objects/host/sockets.ts";
import { LIVE_SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX, type HostRow } from "../../protocol/contracts.ts";
import { id, nonce } from "../../protocol/fields.ts";
import { hasPermission } from "../../protocol/trust/state.ts";
import { authenticateTicket, type Operator } from "../access/operator.ts";
import type { Deps } from "../deps.ts";
import { askHost } from "../commands/prepare.ts";
import { problem } from "../http/problems.ts";
import type { Handler } from "../mount.ts";

export const hosts: Handler<"hosts"> = async ({ authority, deps }) => {
  const { workspace } = authority;
  const joined = (await listHosts(deps.db, workspace)).filter(({ host }) => maySee(authority, host));
  const rows = await Promise.all(joined.map(({ host }) => deps.host(workspace, host).row(workspace, host, true)));
  return { body: { hosts: rows.filter((row): row is HostRow => row !== undefined), now: edgeSeconds() } };
};

export const host: Handler<"host"> = async ({ authority, params, deps }) => {
  const name = requireVisible(authority, params["host"]);
  const row = await deps.host(authority.workspace, name).row(authority.workspace, name, true);
  if (row === undefined) throw problem("host_unknown");
  return { body: { host: row, now: edgeSeconds() } };
};

export const prepare: Handler<"prepare"> = async (call) => {
  const { authority, params, body } = call;
  const { session, trust, certificate } = authority;
  const { prepare: signed, successor } = body;
  const host = requireVisible(authority, params["host"]);
  return { body: { prepared: await askHost({ trust, host, signed, actor: session, certificate, successor }, call) } };
};

export const ticket: Handler<"ticket"> = async ({ authority, body, deps }) => {
  const { workspace, session } = authority;
  const name = requireVisible(authority, body.host);
  return { body: { ticket: await deps.sessions(workspace).issueTicket(session, name) } };
};

export const live: Handler<"live"> = async ({ params, arrival, request, deps }) => {
  if (request.headers.get("upgrade") !== "websocket") throw problem("method", "not an upgrade");
  const name = params["host"];
  const given = readTicket(request.headers.get("sec-websocket-protocol"));
  if (given === undefined || !v.is(id, name)) throw problem("unauthenticated", "ticket");
  const operator = await authenticateTicket({ ticket: given, host: name }, arrival, deps);
  const { workspace, session, person } = operator;
  if (!maySee(operator, name)) throw problem("forbidden", "metadata.read");
  await requireJoined(operator, name, deps);
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  headers.set(
    SOCKET_HEADER,
    encodeOpening({ kind: "page", workspace, host: name, session, person, expires: endOf(operator) }),
  );
  return deps.host(workspace, name).fetch(new Request(request, { headers }));
};

/** A socket must not outlive the session, nor the roles that let it look. */
function endOf({ trust, person, expires }: Operator): number {
  const until = trust.people.get(person)?.until ?? expires;
  // Roles that have ended and still count are the last administrator's.
  return until > edgeSeconds() ? Math.min(expires, until) : expires;
}

/** Exactly our protocol and one ticket; anything else is not our page. */
function readTicket(header: string | null): string | undefined {
  const offered = (header ?? "").split(/, */);
  const [protocol, second, ...rest] = offered;
  if (protocol !== LIVE_SUBPROTOCOL || second === undefined || rest.length > 0) return undefined;
  if (!second.startsWith(TICKET_SUBPROTOCOL_PREFIX)) return undefined;
  const given = second.slice(TICKET_SUBPROTOCOL_PREFIX.length);
  return v.is(nonce, given) ? given : undefined;
}

/** Without a row there is no object to wake: a made-up name must not create one. */
async function requireJoined({ workspace }: Operator, name: string, deps: Deps): Promise<void> {
  const rows = await listHosts(deps.db, workspace);
  if (!rows.some(({ host: joined }) => joined === name)) throw problem("host_unknown");
}

function maySee({ trust, person }: Operator, name: string): boolean {
  return hasPermission(trust, person, { permission: "metadata.read", host: name, now: edgeSeconds() });
}

export function requireVisible(operator: Operator, name: string | undefined): string {
  if (!v.is(id, name)) throw problem("host_unknown");
  if (!maySee(operator, name)) throw problem("forbidden", "metadata.read");
  return name;
}
