/**
 * Rolls a host's samples up into steps. Pure. The host may be hostile: what it says about itself can be wrong, and still
 * takes no more room than an honest host's, breaks no answer, and counts nothing twice.
 */
import { historyRanges, type HistoryPoint, type HistoryRange, type Sample } from "../../protocol/history.ts";
import { MAX_SAMPLES, MAX_SHARES, SAMPLE_SECONDS, SESSION_SKEW_SECONDS } from "../../protocol/limits.ts";

/** A batch that was on its way for a while, after an absence as long as what a host remembers. */
const LATE_SECONDS = (MAX_SAMPLES + 30) * SAMPLE_SECONDS;
/** A gateway's day begins at its own midnight: it is within two days of everybody's, or it is no day. */
const MAX_DAYS_APART = 2;
const DAY_SECONDS = 86_400;
/** Models or agents of one day whose counters are remembered; of others only the total is counted. */
const MAX_TAGS = 64;
/** Named apart in a stored step, so that what is cut when steps are added up is small. */
const KEPT_SHARES = 2 * MAX_SHARES;
/** What a figure may be at most (protocol/history.ts); sums stop there. */
const MAX_FIGURE = 1e15;

export type Ring = readonly Step[];
/** [tag, tokens, millionths of a dollar] */
type Share = readonly [tag: string, tokens: number, costMicros: number];
/** Of what goes up and down: added up, and how often. */
type Mean = readonly [sum: number, samples: number];

/** What was used in one step, and how it stood. */
export interface Step {
  readonly at: number;
  readonly samples: number;
  readonly up: number;
  readonly restarts: number;
  readonly tokens: number;
  readonly costMicros: number;
  readonly jobsOk: number;
  readonly jobsFailed: number;
  readonly sessions?: Mean;
  readonly rssBytes?: Mean;
  readonly loopMs?: Mean;
  readonly loopMsWorst?: number;
  readonly models: readonly Share[];
  readonly agents: readonly Share[];
}

/** The highest that was said of a day: a counter that falls back is counted on from there. */
interface Counters {
  readonly day: string;
  readonly tokens: number;
  readonly costMicros: number;
  readonly models: readonly Share[];
  readonly agents: readonly Share[];
}

/** Where the samples got to. */
export interface Course {
  /** The minute of the newest sample. */
  readonly last: number;
  readonly boot?: string;
  readonly counters?: Counters;
}

type Used = Pick<Step, "tokens" | "costMicros" | "models" | "agents">;
const NOTHING: Used = { tokens: 0, costMicros: 0, models: [], agents: [] };

const capped = (value: number): number => Math.min(value, MAX_FIGURE);

/** The step of one new sample; undefined for one that is known, too old, or of a time that has not come. */
export function stepOf(course: Course, sample: Sample, now: number): { course: Course; step: Step } | undefined {
  const at = sample.at - (sample.at % SAMPLE_SECONDS);
  if (at <= course.last || sample.at > now + SESSION_SKEW_SECONDS || sample.at < now - LATE_SECONDS) return undefined;
  const { used, counters } = usedSince(course.counters, sample);
  const boot = sample.boot ?? course.boot;
  const isRestart = course.boot !== undefined && boot !== course.boot;
  return {
    course: { last: at, ...(boot === undefined ? {} : { boot }), ...(counters === undefined ? {} : { counters }) },
    step: { at, samples: 1, restarts: isRestart ? 1 : 0, ...used, ...standingOf(sample) },
  };
}

type Standing = Omit<Step, "at" | "samples" | "restarts" | keyof Used>;

function standingOf({ state, sessions, rssBytes, loopMs, jobs }: Sample): Standing {
  return {
    up: state === "running" || state === "degraded" ? 1 : 0,
    jobsOk: capped(jobs?.ok ?? 0),
    jobsFailed: capped(jobs?.failed ?? 0),
    ...(sessions === undefined ? {} : { sessions: [sessions, 1] }),
    ...(rssBytes === undefined ? {} : { rssBytes: [rssBytes, 1] }),
    ...(loopMs === undefined ? {} : { loopMs: [loopMs, 1], loopMsWorst: loopMs }),
  };
}

interface Since {
  readonly used: Used;
  readonly counters: Counters | undefined;
}

/**
 * From counters of a day to what was used since the last ones. The first that are ever said are where counting begins:
 * when their tokens were used nobody knows.
 */
function usedSince(before: Counters | undefined, { at, usage }: Sample): Since {
  if (usage === undefined || !isNear(usage.day, at)) return { used: NOTHING, counters: before };
  if (before !== undefined && usage.day < before.day) return { used: NOTHING, counters: before };
  const { day, tokens, costMicros } = usage;
  const high = before?.day === day ? before : { day, tokens: 0, costMicros: 0, models: [], agents: [] };
  const total = { tokens: Math.max(0, tokens - high.tokens), costMicros: Math.max(0, costMicros - high.costMicros) };
  const models = sharesSince(high.models, usage.models, total);
  const agents = sharesSince(high.agents, usage.agents, total);
  const counters: Counters = {
    day,
    tokens: Math.max(tokens, high.tokens),
    costMicros: Math.max(costMicros, high.costMicros),
    models: models.counters,
    agents: agents.counters,
  };
  if (before === undefined) return { used: NOTHING, counters };
  return { used: { ...total, models: models.used, agents: agents.used }, counters };
}

function isNear(day: string, at: number): boolean {
  const begins = Date.parse(`${day}T00:00:00Z`) / 1_000;
  return Math.abs(begins + DAY_SECONDS / 2 - at) <= MAX_DAYS_APART * DAY_SECONDS; // false for no date at all
}

type Said = NonNullable<Sample["usage"]>["models"];

/** No share is larger than the whole: a model that was not named before brings the counter of its whole day. */
function sharesSince(
  before: readonly Share[],
  said: Said,
  total: Pick<Used, "tokens" | "costMicros">,
): { readonly used: readonly Share[]; readonly counters: readonly Share[] } {
  const high = new Map(before.map((share) => [share[0], share]));
  const used: Share[] = [];
  for (const { tag, tokens, costMicros } of said) {
    const known = high.get(tag);
    if (known === undefined && high.size >= MAX_TAGS) continue;
    const [, atTokens, atCost] = known ?? [tag, 0, 0];
    const moreTokens = Math.min(Math.max(0, tokens - atTokens), total.tokens);
    const moreCost = Math.min(Math.max(0, costMicros - atCost), total.costMicros);
    high.set(tag, [tag, Math.max(tokens, atTokens), Math.max(costMicros, atCost)]);
    if (moreTokens > 0 || moreCost > 0) used.push([tag, moreTokens, moreCost]);
  }
  return { used: largest(addShares([], used)), counters: [...high.values()] };
}

function addShares(some: readonly Share[], more: readonly Share[]): readonly Share[] {
  const sums = new Map(some.map((share) => [share[0], share]));
  for (const [tag, tokens, cost] of more) {
    const [, before, costBefore] = sums.get(tag) ?? [tag, 0, 0];
    sums.set(tag, [tag, capped(before + tokens), capped(costBefore + cost)]);
  }
  return [...sums.values()];
}

const largest = (shares: readonly Share[]): readonly Share[] =>
  shares.toSorted((a, b) => b[1] - a[1] || b[2] - a[2]).slice(0, KEPT_SHARES);

/** Later steps come last: `step` belongs to the newest of the ring or after it. */
export function append(ring: Ring, { seconds, step: length }: (typeof historyRanges)[HistoryRange], step: Step): Ring {
  const at = step.at - (step.at % length);
  const newest = ring.at(-1);
  if (newest?.at === at) return [...ring.slice(0, -1), added(newest, step)];
  return [...ring.filter((kept) => kept.at > at - seconds - length), { ...step, at }];
}

function added(a: Step, b: Step): Step {
  const worst = Math.max(a.loopMsWorst ?? 0, b.loopMsWorst ?? 0);
  return {
    at: a.at,
    samples: a.samples + b.samples,
    up: a.up + b.up,
    restarts: a.restarts + b.restarts,
    tokens: capped(a.tokens + b.tokens),
    costMicros: capped(a.costMicros + b.costMicros),
    jobsOk: capped(a.jobsOk + b.jobsOk),
    jobsFailed: capped(a.jobsFailed + b.jobsFailed),
    ...meanAs("sessions", a, b),
    ...meanAs("rssBytes", a, b),
    ...meanAs("loopMs", a, b),
    ...(a.loopMsWorst === undefined && b.loopMsWorst === undefined ? {} : { loopMsWorst: worst }),
    models: largest(addShares(a.models, b.models)),
    agents: largest(addShares(a.agents, b.agents)),
  };
}

type MeanName = "sessions" | "rssBytes" | "loopMs";

function meanAs(name: MeanName, a: Step, b: Step): { readonly [N in MeanName]?: Mean } {
  const [first, second] = [a[name], b[name]];
  if (first === undefined || second === undefined) return { [name]: first ?? second };
  return { [name]: [first[0] + second[0], first[1] + second[1]] };
}

/** Every step of the range up to now, oldest first. Where nothing was heard there is a gap. */
export function pointsOf(ring: Ring, range: HistoryRange, now: number): HistoryPoint[] {
  const { seconds, step: length } = historyRanges[range];
  const byTime = new Map(ring.map((step) => [step.at, step]));
  const last = now - (now % length);
  const points: HistoryPoint[] = [];
  for (let at = last - seconds; at <= last; at += length) points.push(pointOf(byTime.get(at) ?? gapAt(at)));
  return points;
}

const gapAt = (at: number): Step => ({ at, samples: 0, up: 0, restarts: 0, ...NOTHING, jobsOk: 0, jobsFailed: 0 });

function pointOf(step: Step): HistoryPoint {
  const { sessions, rssBytes, loopMs, models, agents, ...rest } = step;
  return {
    ...rest,
    ...meanOf("sessions", sessions),
    ...meanOf("rssBytes", rssBytes),
    ...meanOf("loopMs", loopMs),
    models: named(models),
    agents: named(agents),
  };
}

function meanOf(name: MeanName, mean: Mean | undefined): { readonly [N in MeanName]?: number } {
  return mean === undefined ? {} : { [name]: capped(Math.round(mean[0] / mean[1])) };
}

const named = (shares: readonly Share[]): HistoryPoint["models"] =>
  shares.slice(0, MAX_SHARES).map(([tag, tokens, costMicros]) => ({ tag, tokens, costMicros }));
