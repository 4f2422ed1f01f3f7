/**
 * A month's bill from what was counted: what a day consists of is assumed here, each assumption a named number; what each
 * part of it costs was counted by count.ts. Pure, so that a test can hold the document against it.
 */
import { checkpointSeconds } from "../../../protocol/checkpoint.ts";
import {
  HISTORY_SECONDS,
  KEEP_ALIVE_SECONDS,
  TELEMETRY_SECONDS,
  UNWATCHED_TELEMETRY_SECONDS,
} from "../../../protocol/limits.ts";
import { pollMilliseconds } from "../../../web/client/fleet-pace.ts";
import type { Units } from "./count.ts";
import { NOTHING, type Counted } from "./counts.ts";
import { MESSAGES_A_REQUEST, OBJECT_GB, PLAN_A_MONTH, PRICES, type Charged } from "./prices.ts";

export interface Fleet {
  readonly hosts: number;
  /** Of each host, in a day. */
  readonly commands: number;
  /** Hours a day in which one page shows the whole fleet; two people for four hours are eight. */
  readonly watchedHours: number;
}

const DAYS = 30;
const DAY_SECONDS = 86_400;
/** A network that changes, an update, a nightly restart. */
const CONNECTIONS_A_DAY = 1;
/** A gateway that restarts says so twice. */
const CHANGES_A_DAY = 2;
/** While somebody looks, figures are written down this often (durable-objects/host/telemetry.ts). */
const KEPT_SECONDS = 60;
/** While somebody looks, samples are said this often (agent/host/link/histories.ts). */
const WATCHED_HISTORY_SECONDS = 300;
/**
 * Not counted, because this machine's milliseconds are not Cloudflare's: how long an object is at work for one request,
 * message or alarm, with its waits for the database and for other objects.
 */
const OBJECT_SECONDS = 0.03;
/** Likewise: the Worker's own processor time for one request. */
const WORKER_MS = 5;

export type Bill = Readonly<Record<Charged, number>>;

/** Keep-alives of a month, as requests: the pages do not say whether one that the runtime answers is charged as a message. */
export function keepAliveRequests(hosts: number): number {
  return (hosts * DAYS * DAY_SECONDS) / KEEP_ALIVE_SECONDS / MESSAGES_A_REQUEST;
}

/** What is used in a month. */
export function usageOf(fleet: Fleet, units: Units): Bill {
  const { hosts, commands, watchedHours } = fleet;
  const beats = DAY_SECONDS / UNWATCHED_TELEMETRY_SECONDS + CHANGES_A_DAY;
  const watchedSeconds = watchedHours * 3_600;
  const batches = (DAY_SECONDS - watchedSeconds) / HISTORY_SECONDS + watchedSeconds / WATCHED_HISTORY_SECONDS;
  const polls = (watchedSeconds * 1_000) / pollMilliseconds(hosts);
  const period = checkpointSeconds(hosts);
  // Entries come at any time of the day: a period with none signs nothing.
  const entries = hosts * (2 * commands + 2 * CONNECTIONS_A_DAY);
  const checkpoints = (DAY_SECONDS / period) * (1 - Math.exp((-entries * period) / DAY_SECONDS));
  const day = sum([
    times(units.telemetry, hosts * (beats + watchedSeconds / KEPT_SECONDS)),
    times(units.telemetryAgain, hosts * watchedSeconds * (1 / TELEMETRY_SECONDS - 1 / KEPT_SECONDS)),
    times(units.historyHour, hosts * 24),
    times(units.history, hosts * (batches - 24)),
    times(units.command, hosts * commands),
    times(units.connection, hosts * CONNECTIONS_A_DAY),
    times(units.checkpoint, checkpoints),
    times(units.checkpointHost, checkpoints * hosts),
    times(units.poll, polls),
    times(units.pollHost, polls * hosts),
  ]);
  return chargedOf(times(day, DAYS));
}

function chargedOf(counted: Counted): Bill {
  const events = counted.objectRequests + counted.messages + counted.alarms;
  return {
    requests: counted.requests,
    processor: counted.requests * WORKER_MS,
    objectRequests: counted.objectRequests + counted.alarms + counted.messages / MESSAGES_A_REQUEST,
    duration: events * OBJECT_SECONDS * OBJECT_GB,
    objectRowsRead: counted.objectRowsRead,
    objectRowsWritten: counted.objectRowsWritten,
    databaseRowsRead: counted.databaseRowsRead,
    databaseRowsWritten: counted.databaseRowsWritten,
  };
}

/** US dollars beyond the plan, part by part. */
export function priceOf(usage: Bill): Bill {
  const priced = Object.entries(PRICES).map(([name, { included, million }]) => {
    const beyond = Math.max(0, usage[name as Charged] - included);
    return [name, (beyond / 1e6) * million] as const;
  });
  return Object.fromEntries(priced) as unknown as Bill;
}

export function totalOf(priced: Bill): number {
  return PLAN_A_MONTH + Object.values(priced).reduce((total, part) => total + part, 0);
}

function times(counted: Counted, factor: number): Counted {
  return combine(counted, NOTHING, (one) => one * factor);
}

function sum(parts: readonly Counted[]): Counted {
  return parts.reduce((total, part) => combine(total, part, (one, other) => one + other), NOTHING);
}

function combine(one: Counted, other: Counted, by: (one: number, other: number) => number): Counted {
  const keys = Object.keys(NOTHING) as (keyof Counted)[];
  return Object.fromEntries(keys.map((key) => [key, by(one[key], other[key])])) as unknown as Counted;
}
