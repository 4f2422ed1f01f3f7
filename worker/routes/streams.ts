/** Far ends that follow the log live: set by a touch, tested, sent again. The object decides what is sent when. */
import * as v from "valibot";
import { edgeSeconds, randomId } from "../../durable-objects/clock.ts";
import { parseTarget } from "../../durable-objects/outbound/target.ts";
import type { StreamChange, StreamRow } from "../../protocol/contracts/streams.ts";
import { id } from "../../protocol/fields.ts";
import type { LedgerDetail } from "../../protocol/ledger.ts";
import { MAX_STREAMS } from "../../protocol/limits.ts";
import { requireEdgeAction } from "../access/edge-action.ts";
import { problem } from "../http/problems.ts";
import type { Call, Handler } from "../mount.ts";

export const streams: Handler<"streams"> = async ({ authority, deps }) => {
  const { workspace } = authority;
  return { body: { streams: await deps.streams(workspace).list(workspace), now: edgeSeconds() } };
};

export const streamChange: Handler<"streamChange"> = async (call) => {
  const { authority, body, arrival, deps } = call;
  const { workspace } = authority;
  const object = deps.streams(workspace);
  requireSensible(body.change, await object.list(workspace));
  await requireEdgeAction(authority, body, {
    rule: { endpoint: "streamChange", permission: "workspace.administer" },
    deps,
    arrival,
  });
  const { change } = body;
  const stream = change.setting === "streamAdd" ? randomId("s") : change.stream;
  await record(call, { action: "setting.changed", detail: { setting: change.setting, stream } });
  if (change.setting === "streamAdd") await object.add(workspace, stream, change);
  else if (!(await object.change(workspace, change))) throw problem("stream_unknown");
  return { body: { streams: await object.list(workspace), now: edgeSeconds() } };
};

/** Before the touch is judged and spent: a mistake should not cost a second one. */
function requireSensible(change: StreamChange, rows: readonly StreamRow[]): void {
  if (change.setting === "streamAdd") {
    if (parseTarget(change.url) === undefined) throw problem("stream_target");
    if (rows.length >= MAX_STREAMS) throw problem("streams_many");
    return;
  }
  const row = rows.find(({ stream }) => stream === change.stream);
  if (row === undefined) throw problem("stream_unknown");
  // Forward would be to leave entries out, and nobody would see that they are missing.
  if (change.setting === "streamRewind" && change.from > row.cursor + 1) throw problem("stream_ahead");
}

type ChangeCall = Call<"streamChange"> | Call<"streamReplay">;

async function record(
  { authority, arrival, deps }: ChangeCall,
  entry: { readonly action: "setting.changed" | "stream.replayed"; readonly detail: LedgerDetail },
): Promise<void> {
  const { workspace, person, session } = authority;
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: entry.action,
    detail: { ...entry.detail, session },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
}

export const streamTest: Handler<"streamTest"> = async ({ authority, params, deps }) => {
  const { workspace } = authority;
  const stream = requireName(params["stream"]);
  const tested = await deps.streams(workspace).sendTest(workspace, stream);
  if (tested === undefined) throw problem("stream_unknown");
  return { body: tested };
};

export const streamReplay: Handler<"streamReplay"> = async (call) => {
  const { authority, params, deps } = call;
  const { workspace } = authority;
  const stream = requireName(params["stream"]);
  const object = deps.streams(workspace);
  const asides = await object.asides(workspace, stream);
  const [oldest] = asides;
  if (oldest === undefined) throw problem("stream_nothing");
  const range = { first: oldest.first, last: Math.max(...asides.map(({ last }) => last)) };
  await record(call, { action: "stream.replayed", detail: { stream, range } });
  await object.replay(workspace, stream);
  return { body: { ok: true } };
};

function requireName(name: string | undefined): string {
  if (!v.is(id, name)) throw problem("stream_unknown");
  return name;
}
