/**
 * Numbers, sizes, money and times as people read them. Pure: the clock and the time zone come in as arguments.
 * Nothing here returns NaN, null or an empty string; an unknown value is `unknown`, and the caller says why.
 */

/** What stands where no value is known. The reason belongs beside it. */
export const unknown = "—";

/** Between a number and its unit: narrow, and never a line break. */
const gap = "\u202f";

const minute = 60;
const hour = 3_600;
const day = 86_400;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const plural = new Intl.PluralRules("en");

/** Three significant figures: 1.02, 14.2, 412. */
function three(value: number): string {
  if (value >= 99.95) return whole.format(value);
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

/** `1,024`, `412 k`, `14.2 M`. Exact below ten thousand, three figures above. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return unknown;
  if (Math.abs(value) < 10_000) return whole.format(value);
  for (const [size, unit] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
  ] as const) {
    // 999.5 k already reads as 1.00 M: never print a thousand of a smaller unit.
    if (value >= size * 0.9995) return `${three(value / size)}${gap}${unit}`;
  }
  return `${three(value / 1e3)}${gap}k`;
}

/** `18,414`: a number that names an entry is never rounded. */
export function formatIndex(index: number): string {
  return whole.format(index);
}

/** `1 entry`, `18,414 entries`. */
export function formatEntries(count: number): string {
  return `${formatIndex(count)} ${plural.select(count) === "one" ? "entry" : "entries"}`;
}

/** Millionths of a dollar as `$6.41`; what rounds to nothing but is not nothing is `<$0.01`. */
export function formatCost(micros: number): string {
  if (!Number.isFinite(micros)) return unknown;
  if (micros > 0 && micros < 10_000) return "<$0.01";
  return `$${money.format(micros / 1e6)}`;
}

/** Decimal units, as the kernel's own tools print sizes of memory for people: `612 MB`, `16.8 GB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return unknown;
  if (bytes < 1e6) return `${whole.format(bytes / 1e3)}${gap}kB`;
  if (bytes < 1e10) return `${whole.format(bytes / 1e6)}${gap}MB`;
  return `${three(bytes / 1e9)}${gap}GB`;
}

export function formatMilliseconds(value: number): string {
  if (!Number.isFinite(value)) return unknown;
  if (value < 1_000) return `${whole.format(value)}${gap}ms`;
  if (value < minute * 1_000) return `${(value / 1_000).toFixed(1)}${gap}s`;
  return formatSpan(value / 1_000);
}

export function formatPercent(share: number): string {
  return Number.isFinite(share) ? `${whole.format(share * 100)}${gap}%` : unknown;
}

/** One unit: `4 s`, `41 min`, `3 h`, `6 d`. */
export function formatAge(seconds: number): string {
  const age = Math.max(0, Math.floor(seconds));
  if (!Number.isFinite(age)) return unknown;
  if (age < minute) return `${age}${gap}s`;
  if (age < hour) return `${Math.floor(age / minute)}${gap}min`;
  if (age < day) return `${Math.floor(age / hour)}${gap}h`;
  return `${whole.format(Math.floor(age / day))}${gap}d`;
}

/** Two units where the second says something: `6 d 4 h`, `1 h 42 min`, `41 min`. */
export function formatSpan(seconds: number): string {
  const span = Math.max(0, Math.floor(seconds));
  if (!Number.isFinite(span)) return unknown;
  if (span < hour) return formatAge(span);
  const [unit, rest] = span < day ? [hour, span % hour] : [day, span % day];
  const second = formatAge(rest < minute ? 0 : rest);
  if (rest < minute || (unit === day && rest < hour)) return formatAge(span);
  return `${formatAge(span)} ${second}`;
}

/** A zone in IANA form; absent: the browser's. */
export interface Zone {
  readonly timeZone?: string;
}

/** Relative up to a day, then a date, with the year when it is another one. Without "ago". */
export function formatRelative(at: number, now: number, zone: Zone = {}): string {
  if (now - at < day) return formatAge(now - at);
  const sameYear = part(at, { year: "numeric" }, zone) === part(now, { year: "numeric" }, zone);
  return part(at, { day: "numeric", month: "short", ...(sameYear ? {} : { year: "numeric" }) }, zone);
}

/** `07:18` */
export function formatClock(at: number, zone: Zone = {}): string {
  return part(at, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone);
}

/** `20 Nov 2026, 07:18:02 UTC`: for proofs and exports. */
export function formatExact(at: number): string {
  return `${formatMoment(at, { timeZone: "UTC" })} UTC`;
}

/** The exact moment with its zone, for the title of a relative time. */
export function formatTitle(at: number, zone: Zone = {}): string {
  return `${formatMoment(at, zone)} ${part(at, { timeZoneName: "short" }, zone).split(", ").at(-1) ?? ""}`.trim();
}

/** For `datetime` attributes. */
export function formatIso(at: number): string {
  return new Date(at * 1_000).toISOString().replace(".000Z", "Z");
}

/** Groups a day's entries: two moments of one day in that zone have one key. */
export function dayKey(at: number, zone: Zone = {}): string {
  return part(at, { year: "numeric", month: "2-digit", day: "2-digit" }, zone);
}

/** `Today`, `Yesterday, 19 November`, `18 November`, with the year when it is another one. */
export function formatDay(at: number, now: number, zone: Zone = {}): string {
  const key = dayKey(at, zone);
  if (key === dayKey(now, zone)) return "Today";
  const sameYear = part(at, { year: "numeric" }, zone) === part(now, { year: "numeric" }, zone);
  const date = part(at, { day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) }, zone);
  return key === dayKey(now - day, zone) ? `Yesterday, ${date}` : date;
}

/** `1 session`, `9 sessions`. */
export function formatNumberOf(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${plural.select(value) === "one" ? one : many}`;
}

/** First and last of a long hex string in groups of four: `9f2c 61d0 … e41b`. */
export function formatHash(hex: string): string {
  if (hex.length <= 24) return groups(hex);
  return `${groups(hex.slice(0, 16))} … ${hex.slice(-4)}`;
}

/** A boot or host id, short enough to compare at a glance. Never for anything that is signed. */
export function formatShortId(id: string): string {
  return id.length > 8 ? id.slice(0, 8) : id;
}

/** `a`, `a and b`, `a, b and c`. */
export function formatList(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? "";
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1) ?? ""}`;
}

function groups(hex: string): string {
  return hex.replace(/(.{4})(?=.)/g, "$1 ");
}

function formatMoment(at: number, zone: Zone): string {
  const date = part(at, { day: "numeric", month: "short", year: "numeric" }, zone);
  const time = part(at, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }, zone);
  return `${date}, ${time}`;
}

/** Making a formatter takes longer than using it a hundred times, and a list of entries needs ten for each row. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function part(at: number, options: Intl.DateTimeFormatOptions, zone: Zone): string {
  const key = JSON.stringify([options, zone]);
  const formatter = formatters.get(key) ?? new Intl.DateTimeFormat("en-GB", { ...options, ...zone });
  formatters.set(key, formatter);
  return formatter.format(at * 1_000);
}
