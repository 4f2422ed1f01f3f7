/**
 * Copies of the log. The touch and the entry come first; then the copy leaves in parts for a page, or whole for a
 * program. May not: hand a byte to anybody but the session that asked, or after it ended.
 */
import * as v from "valibot";
import { edgeSeconds, randomId } from "../../durable-objects/clock.ts";
import type { ExportOrder } from "../../durable-objects/exports.ts";
import type { ExportRequest } from "../../protocol/contracts/exports.ts";
import { TICKET_HEADER } from "../../protocol/contracts/exports.ts";
import { id, nonce } from "../../protocol/fields.ts";
import { EXPORT_PART_CHARACTERS, EXPORT_SECONDS, MAX_EXPORT_PART_ROWS } from "../../protocol/limits.ts";
import { requireEdgeAction } from "../access/edge-action.ts";
import type { Operator } from "../access/operator.ts";
import type { Deps } from "../deps.ts";
import { encodeCursor, readCursor, type Cursor } from "../export/cursor.ts";
import { ExportFile } from "../export/file.ts";
import { rangeOf, requireSegment, type SealedSegment } from "../export/range.ts";
import { sourceFor } from "../export/source.ts";
import { mayGoOn } from "../export/still-allowed.ts";
import { partOf, streamExport } from "../export/stream.ts";
import { problem } from "../http/problems.ts";
import type { Call, Handler } from "../mount.ts";
import type { LedgerBooks } from "../ledger-books.ts";
import { currentWorkspace } from "../workspace.ts";

export const exportStart: Handler<"exportStart"> = async (call) => {
  const { authority, body, arrival, deps } = call;
  const { workspace, person, session, expires } = authority;
  const { format, filter, segment } = body.change;
  const books = deps.books(workspace);
  requireSensible(body.change);
  const sealed = segment === undefined ? undefined : await requireSegment(books, segment);
  // Our own format proves itself or is not made. The others are worth having just then.
  if (format === "jsonl" && (await books.refusal()) !== undefined) throw problem("checkpoint_refused");
  await requireEdgeAction(authority, body, {
    rule: { endpoint: "exportStart", permission: "ledger.read" },
    deps,
    arrival,
  });
  const name = randomId("x");
  await record(call, name, sealed);
  // After the entry, so that the copy holds it too.
  const checkpoint = await books.newest();
  if (checkpoint === undefined && format === "jsonl") throw problem("checkpoint_refused");
  const { first, last } = sealed ?? (await rangeOf(books, checkpoint?.size));
  const order: ExportOrder = {
    export: name,
    session,
    person,
    format,
    filter,
    first,
    last,
    expires: Math.min(edgeSeconds() + EXPORT_SECONDS, expires),
    ...(segment === undefined ? {} : { segment }),
    ...(checkpoint === undefined ? {} : { checkpoint: { size: checkpoint.size, note: checkpoint.note } }),
  };
  await deps.exports(workspace).start(order);
  return { body: { export: name, entries: Math.max(0, last - first + 1), expires: order.expires } };
};

/** Before the touch is judged and spent: a mistake in the question should not cost a second one. */
function requireSensible({ filter, segment }: ExportRequest): void {
  const { since, until } = filter;
  if (since !== undefined && until !== undefined && since >= until) throw problem("malformed_request", "until");
  // A segment is kept whole, to be dropped whole.
  if (segment !== undefined && Object.keys(filter).length > 0) throw problem("malformed_request", "filter");
}

async function record(
  { authority, body, arrival, deps }: Call<"exportStart">,
  name: string,
  sealed: SealedSegment | undefined,
): Promise<void> {
  const { workspace, person, session } = authority;
  const { format, purpose } = body.change;
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "ledger.exported",
    detail: { export: { id: name, format, purpose }, session, ...(sealed === undefined ? {} : { segment: sealed }) },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
}

export const exportPart: Handler<"exportPart"> = async ({ authority, params, arrival, deps }) => {
  const order = await requireOrder(authority, params["export"], deps);
  const file = new ExportFile(order, sourceFor(order.person, authority.trust, deps));
  const from = readCursor(arrival.query);
  let next: Cursor | undefined = from;
  let text = "";
  let steps = 0;
  // Whoever filters for what is nowhere still gets an answer in time, and asks on.
  while (next !== undefined && text.length < EXPORT_PART_CHARACTERS && steps < MAX_STEPS_PER_PART) {
    const step = await file.step(next, MAX_EXPORT_PART_ROWS);
    text += step.text;
    ({ next } = step);
    steps += 1;
  }
  const { workspace } = authority;
  const keep = keeperOf(order, deps.books(workspace));
  const whole = keep && (await deps.exports(workspace).follow(order.export, partOf(from, { text, next })));
  if (whole !== undefined) await keep?.(whole);
  return { body: { text, ...(next === undefined ? {} : { next: encodeCursor(next) }) } };
};

const MAX_STEPS_PER_PART = 12;

/** Who wants to know that a copy is whole: a segment can be dropped only when somebody has one that proves itself. */
function keeperOf(
  { segment, format }: ExportOrder,
  { segments }: LedgerBooks,
): ((digest: string) => Promise<void>) | undefined {
  if (segment === undefined || format !== "jsonl") return undefined;
  return (digest) => segments.setExported(segment, digest);
}

export const exportTicket: Handler<"exportTicket"> = async ({ authority, params, deps }) => {
  const { workspace, session } = authority;
  const order = await requireOrder(authority, params["export"], deps);
  const ticket = await deps.exports(workspace).issueTicket(order.export, session);
  if (ticket === undefined) throw problem("export_unknown");
  return { body: { ticket } };
};

async function requireOrder(
  { workspace, session }: Operator,
  name: string | undefined,
  deps: Deps,
): Promise<ExportOrder> {
  const order = v.is(id, name) ? await deps.exports(workspace).find(name, session) : undefined;
  if (order === undefined) throw problem("export_unknown");
  return order;
}

export const exportDownload: Handler<"exportDownload"> = async ({ request, deps }) => {
  const ticket = request.headers.get(TICKET_HEADER);
  const workspace = await currentWorkspace(deps);
  if (!v.is(nonce, ticket) || workspace === undefined) throw problem("unauthenticated", "ticket");
  const order = await deps.exports(workspace).redeemTicket(ticket);
  if (order === undefined) throw problem("unauthenticated", "ticket");
  const trust = await mayGoOn(order, workspace, deps);
  if (trust === undefined) throw problem("unauthenticated", "session");
  const file = new ExportFile(order, sourceFor(order.person, trust, deps));
  const keep = keeperOf(order, deps.books(workspace));
  const stream = streamExport({
    file,
    ...(keep === undefined ? {} : { onWhole: keep }),
    name: order.export,
    mayGoOn: async () => (await mayGoOn(order, workspace, deps)) !== undefined,
  });
  return new Response(stream, { headers: { "content-type": "application/octet-stream" } });
};
