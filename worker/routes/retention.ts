/**
 * How long the log is kept, and the end of what is over. Only a whole sealed segment goes, the oldest first, when the
 * policy says that it is due and somebody has a copy: the touch names its number and the copy's digest. Nothing goes by
 * itself.
 */
import type { SegmentRecord } from "../../migrations/schema.ts";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { Retention, RetentionChange, Segment } from "../../protocol/contracts/ledger.ts";
import { requireEdgeAction } from "../access/edge-action.ts";
import { problem } from "../http/problems.ts";
import type { LedgerBooks } from "../ledger-books.ts";
import type { Call, Handler } from "../mount.ts";

type Drop = Extract<RetentionChange, { readonly setting: "ledgerDropSegment" }>;

const DAY_SECONDS = 86_400;

export const retention: Handler<"retention"> = async ({ authority, deps }) => ({
  body: await standing(deps.books(authority.workspace)),
});

export const retentionChange: Handler<"retentionChange"> = async (call) => {
  const { authority, body, arrival, deps } = call;
  const { change } = body;
  const books = deps.books(authority.workspace);
  // Before the touch is judged and spent: what cannot be dropped should not cost one.
  const segment = change.setting === "ledgerDropSegment" ? await requireDue(books, change) : undefined;
  await requireEdgeAction(authority, body, {
    rule: { endpoint: "retentionChange", permission: "workspace.administer" },
    deps,
    arrival,
  });
  if (segment === undefined) await setPolicy(call, books);
  else await drop(call, segment);
  return { body: await standing(books) };
};

async function standing({ segments }: LedgerBooks): Promise<Retention> {
  const [days, listed] = await Promise.all([segments.retentionDays(), segments.list()]);
  const moved = listed.filter(({ movedAt }) => movedAt !== null);
  return {
    ...(days === undefined ? {} : { days }),
    segments: moved.map(segmentToWire),
    openFrom: (moved.at(-1)?.last ?? 0) + 1,
  };
}

function segmentToWire({ n, first, last, hash, sealedAt, newest, exported, droppedAt }: SegmentRecord): Segment {
  return {
    n,
    first,
    last,
    hash,
    sealedAt,
    newest,
    ...(exported === null ? {} : { exported }),
    ...(droppedAt === null ? {} : { droppedAt }),
  };
}

/** @throws {ProblemError} `segment_unknown`, `segment_older`, `segment_kept`, `segment_copy` or `segment_moving` */
async function requireDue({ segments }: LedgerBooks, { n, exported }: Drop): Promise<SegmentRecord> {
  const [days, listed] = await Promise.all([segments.retentionDays(), segments.list()]);
  const kept = listed.filter(({ droppedAt }) => droppedAt === null);
  const segment = kept.find((one) => one.n === n);
  if (segment === undefined || segment.movedAt === null) throw problem("segment_unknown");
  if (kept[0] !== segment) throw problem("segment_older");
  if (days === undefined || segment.newest + days * DAY_SECONDS > edgeSeconds()) throw problem("segment_kept");
  if (segment.exported !== exported) throw problem("segment_copy");
  if (await segments.hasOpenRows(segment.last)) throw problem("segment_moving");
  return segment;
}

async function setPolicy(
  { authority, body, arrival, deps }: Call<"retentionChange">,
  books: LedgerBooks,
): Promise<void> {
  const { workspace, person, session } = authority;
  const { change } = body;
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "setting.changed",
    detail: { setting: change.setting, session },
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  await books.segments.setRetention(change.setting === "ledgerRetention" ? change.days : undefined);
}

/** The entry first; the object carries the rest through, whatever dies in between. */
async function drop({ authority, arrival, deps }: Call<"retentionChange">, segment: SegmentRecord): Promise<void> {
  const { workspace, person, session } = authority;
  const { n, first, last, hash, exported } = segment;
  const { sourceIp } = arrival;
  await deps.ledger(workspace)({
    actor: { kind: "person", id: person },
    action: "ledger.dropped",
    detail: { segment: { n, first, last, hash, ...(exported === null ? {} : { exported }) }, session },
    // Whoever tries again after a lost answer drops the same segment.
    subject: String(n),
    ...(sourceIp === undefined ? {} : { sourceIp }),
  });
  await deps.books(workspace).segment(n).drop();
}
