/** One stream: where it goes, how far it has come, what it is sending now; and as people are told of it. */
import type { DeliveryFault } from "../../protocol/alerts.ts";
import type { LedgerFilter } from "../../protocol/contracts/ledger.ts";
import type { StreamRow } from "../../protocol/contracts/streams.ts";
import type { ExportFormat } from "../../protocol/ledger.ts";
import type { Range } from "./batch.ts";

export interface NewStream {
  readonly stream: string;
  readonly label: string;
  readonly to: string;
  readonly sealed: string;
  readonly format: ExportFormat;
  readonly filter: LedgerFilter;
  /** Everything up to here is not sent. */
  readonly cursor: number;
}

/** One message on its way: the same name and the same entries at every attempt. */
export interface Pending extends Range {
  readonly message: string;
  /** Set where it was set aside before. */
  readonly aside: number | undefined;
}

export interface StoredStream extends NewStream {
  readonly since: number;
  readonly paused: boolean;
  readonly lastSentAt: number | undefined;
  readonly fault: DeliveryFault | undefined;
  readonly attempts: number;
  readonly refusals: number;
  readonly retryAt: number | undefined;
  readonly failingSince: number | undefined;
  /** An alert about it is open, as far as this object knows. */
  readonly alerted: boolean;
  readonly overlapUntil: number | undefined;
  /** How many messages it has named. */
  readonly named: number;
  readonly pending: Pending | undefined;
}

export interface Aside extends Range {
  readonly id: number;
  readonly fault: DeliveryFault;
  readonly at: number;
}

/** As people are told. `head`: index of the newest entry. */
export function describeStream(
  stream: StoredStream,
  { asides, head, now }: { readonly asides: readonly Aside[]; readonly head: number; readonly now: number },
): StreamRow {
  const { lastSentAt, fault, retryAt, overlapUntil, paused } = stream;
  const isWaiting = retryAt !== undefined && stream.pending !== undefined;
  return {
    stream: stream.stream,
    label: stream.label,
    to: stream.to,
    format: stream.format,
    filter: stream.filter,
    since: stream.since,
    state: paused ? "paused" : isWaiting ? "waiting" : "live",
    cursor: stream.cursor,
    head: Math.max(head, stream.cursor),
    ...(lastSentAt === undefined ? {} : { lastSentAt }),
    ...(fault === undefined ? {} : { fault }),
    attempts: stream.attempts,
    ...(retryAt === undefined || paused ? {} : { retryAt }),
    ...(overlapUntil === undefined || overlapUntil <= now ? {} : { overlapUntil }),
    setAside: asides.map(({ first, last, fault: why, at }) => ({ first, last, fault: why, at })),
  };
}
