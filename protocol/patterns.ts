/**
 * Entries of the log that are worth a second look: named rules, each over what one actor did before. A marker accuses
 * nobody and allows nothing; it says why an entry stands out. Pure and incremental: entries come in order, the state is
 * small, and a reader who begins in the middle misses markers but invents none.
 */
import type { LedgerAction, LedgerActor } from "./ledger.ts";

/** Before a person has signed in this often, everything is new about them, and a marker would say nothing. */
export const FAMILIAR_SIGN_INS = 3;
/** Hours are judged once three working weeks of sign-ins are known; with fewer, a late evening would be odd. */
export const FAMILIAR_HOURS_SIGN_INS = 15;
/** Somebody who begins at nine begins at seven or at eleven too. */
export const HOUR_TOLERANCE = 2;
/** Different commands of one person within a minute: each takes a look and a touch, so ten are not made by hand. */
export const BURST_COMMANDS = 10;
export const BURST_SECONDS = 60;
/** One refusal is a late press, two are a mistake. Ten minutes are longer than anybody retries by hand. */
export const REFUSALS_BEFORE = 3;
export const REFUSALS_SECONDS = 600;
/** Countries, devices and moments kept for one actor: the oldest goes first. */
export const MAX_REMEMBERED = 64;
/** Actors and addresses kept at once: somebody who floods with made-up ones loses the oldest, not the memory. */
export const MAX_ACTORS = 2_048;

export const patternRules = ["new-country", "new-device", "odd-hour", "burst", "refused-then-accepted"] as const;
export type PatternRule = (typeof patternRules)[number];

/** What a rule looks at, of one entry. */
export interface PatternEvent {
  readonly index: number;
  /** Edge clock, seconds. */
  readonly at: number;
  readonly action: LedgerAction;
  readonly actor: LedgerActor;
  /** Personal values where they are open and fit their commitments. */
  readonly country?: string;
  readonly device?: string;
  readonly source?: string;
  readonly intent?: string;
}

export type Pattern =
  | { readonly rule: "new-country"; readonly index: number; readonly country: string; readonly before: Known }
  | { readonly rule: "new-device"; readonly index: number; readonly device: string; readonly before: Known }
  | { readonly rule: "odd-hour"; readonly index: number; readonly hour: number; readonly signIns: number }
  | { readonly rule: "burst"; readonly index: number; readonly commands: number }
  | { readonly rule: "refused-then-accepted"; readonly index: number; readonly refusals: number };

/** Values seen before, the newest last. */
type Known = readonly string[];

interface Past {
  readonly signIns: number;
  readonly countries: Known;
  readonly devices: Known;
  /** Sign-ins by hour of the day, UTC. */
  readonly hours: readonly number[];
  /** Newest commands: one moment for each intent. */
  readonly commands: readonly { readonly intent: string; readonly at: number }[];
  /** A burst is marked once, until it is over. */
  readonly inBurst: boolean;
}

export interface PatternState {
  readonly people: ReadonlyMap<string, Past>;
  /** Moments of refusals, by who was refused. */
  readonly refusals: ReadonlyMap<string, readonly number[]>;
}

export const NO_PAST: PatternState = { people: new Map(), refusals: new Map() };
const STRANGER: Past = {
  signIns: 0,
  countries: [],
  devices: [],
  hours: Array.from({ length: 24 }, () => 0),
  commands: [],
  inBurst: false,
};

/** The only actions that rules look at: whoever fetches entries for them needs no others. */
export const patternActions = [
  "session.started",
  "session.refused",
  "command.accepted",
  "command.refused",
  "approval.refused",
] as const;

export interface Observed {
  readonly state: PatternState;
  readonly found: readonly Pattern[];
}

/** The next entry, in the order of the log. */
export function observe(state: PatternState, event: PatternEvent): Observed {
  switch (event.action) {
    case "session.refused":
    case "command.refused":
    case "approval.refused":
      return { state: { ...state, refusals: withRefusal(state.refusals, event) }, found: [] };
    case "session.started":
      return afterRefusals(observeSignIn(state, event), event);
    case "command.accepted":
      return afterRefusals(observeCommand(state, event), event);
    default:
      return { state, found: [] };
  }
}

function observeSignIn(state: PatternState, event: PatternEvent): Observed {
  const { actor, country, device, index } = event;
  if (actor.kind !== "person") return { state, found: [] };
  const past = state.people.get(actor.id) ?? STRANGER;
  const hour = Math.floor(event.at / 3_600) % 24;
  const found: Pattern[] = [];
  if (past.signIns >= FAMILIAR_SIGN_INS) {
    if (isNew(country, past.countries)) found.push({ rule: "new-country", index, country, before: past.countries });
    if (isNew(device, past.devices)) found.push({ rule: "new-device", index, device, before: past.devices });
  }
  if (past.signIns >= FAMILIAR_HOURS_SIGN_INS && !isUsualHour(past.hours, hour))
    found.push({ rule: "odd-hour", index, hour, signIns: past.signIns });
  const next: Past = {
    ...past,
    signIns: past.signIns + 1,
    countries: remember(past.countries, country),
    devices: remember(past.devices, device),
    hours: past.hours.with(hour, (past.hours[hour] ?? 0) + 1),
  };
  return { state: { ...state, people: kept(state.people, actor.id, next) }, found };
}

function observeCommand(state: PatternState, { actor, at, index, intent }: PatternEvent): Observed {
  // An automation key has a rate of its own in the trust log, and working fast is what it is for.
  if (actor.kind !== "person" || intent === undefined) return { state, found: [] };
  const past = state.people.get(actor.id) ?? STRANGER;
  const recent = past.commands.filter((one) => at - one.at < BURST_SECONDS && one.intent !== intent);
  const commands = [...recent, { intent, at }].slice(-MAX_REMEMBERED);
  const inBurst = commands.length >= BURST_COMMANDS;
  const found: readonly Pattern[] =
    inBurst && !past.inBurst ? [{ rule: "burst", index, commands: commands.length }] : [];
  return { state: { ...state, people: kept(state.people, actor.id, { ...past, commands, inBurst }) }, found };
}

/** What succeeds after it was refused again and again: guessing, or somebody at the edge of what they may do. */
function afterRefusals({ state, found }: Observed, event: PatternEvent): Observed {
  const refused = refusedAs(event);
  if (refused === undefined) return { state, found };
  const moments = recentOf(state.refusals.get(refused), event.at);
  const refusals = new Map(state.refusals);
  refusals.delete(refused);
  const { index } = event;
  const marked: readonly Pattern[] =
    moments.length < REFUSALS_BEFORE
      ? found
      : [...found, { rule: "refused-then-accepted", index, refusals: moments.length }];
  return { state: { ...state, refusals }, found: marked };
}

function withRefusal(refusals: PatternState["refusals"], event: PatternEvent): PatternState["refusals"] {
  const refused = refusedAs(event);
  if (refused === undefined) return refusals;
  return kept(refusals, refused, [...recentOf(refusals.get(refused), event.at), event.at].slice(-MAX_REMEMBERED));
}

/** A refused sign-in proves nobody's identity, so those are told apart by address; commands by who signed them. */
function refusedAs({ action, actor, source }: PatternEvent): string | undefined {
  if (action.startsWith("session.")) return source === undefined ? undefined : `from ${source}`;
  return "id" in actor ? `by ${actor.id}` : undefined;
}

function recentOf(moments: readonly number[] | undefined, at: number): readonly number[] {
  return (moments ?? []).filter((moment) => at - moment < REFUSALS_SECONDS);
}

/** What was never told before (an older log, an erased value) makes nothing new. */
function isNew(value: string | undefined, known: Known): value is string {
  return value !== undefined && known.length > 0 && !known.includes(value);
}

function isUsualHour(hours: readonly number[], hour: number): boolean {
  for (let away = -HOUR_TOLERANCE; away <= HOUR_TOLERANCE; away += 1)
    if ((hours[(hour + away + 24) % 24] ?? 0) > 0) return true;
  return false;
}

function remember(known: Known, value: string | undefined): Known {
  if (value === undefined) return known;
  return [...known.filter((one) => one !== value), value].slice(-MAX_REMEMBERED);
}

/** A new map in which this one is the newest; the oldest goes when there are too many. */
function kept<T>(map: ReadonlyMap<string, T>, key: string, value: T): ReadonlyMap<string, T> {
  const next = new Map(map);
  next.delete(key);
  next.set(key, value);
  const [oldest] = next.keys();
  if (next.size > MAX_ACTORS && oldest !== undefined) next.delete(oldest);
  return next;
}

/** Why the entry stands out, for people. */
export function explainPattern(pattern: Pattern): string {
  switch (pattern.rule) {
    case "new-country":
      return `First sign-in of this person from ${pattern.country}; before it was ${spoken(pattern.before)}.`;
    case "new-device":
      return `First sign-in of this person with ${pattern.device}; before it was ${spoken(pattern.before)}.`;
    case "odd-hour":
      return `This person signed in ${pattern.signIns} times before, never within two hours of ${clock(pattern.hour)} UTC.`;
    case "burst":
      return `${pattern.commands} different commands of one person within a minute, faster than reading and touching.`;
    case "refused-then-accepted":
      return `It was accepted after ${pattern.refusals} refusals within ten minutes.`;
  }
}

/** The newest few, the newest first. */
function spoken(known: Known): string {
  const newest = known.slice(-3).toReversed();
  return newest.length < known.length ? `${newest.join(", ")} and others` : newest.join(" or ");
}

function clock(hour: number): string {
  return `${String(hour).padStart(2, "0")}:00`;
}
