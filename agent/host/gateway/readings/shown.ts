/** From a claim of the gateway to a member of a reading: cut to its size, or left out. Never repaired, never a default. */
const MILLI = 1_000;
/** The year 9999. */
const MAX_SECONDS = 253_402_300_799;

/** At most so many characters. Undefined: it is no text, or an empty one. */
export function text(value: unknown, characters: number): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, characters) : undefined;
}

export function name(value: unknown): string | undefined {
  return text(value, 200);
}

/** A count that is one: whole, and not below zero. */
export function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** From milliseconds since 1970. */
export function seconds(value: unknown): number | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  const whole = Math.floor(value / MILLI);
  return whole >= 0 && whole <= MAX_SECONDS ? whole : undefined;
}

/** A duration that may have a fraction. */
export function milliseconds(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? count(Math.round(value)) : undefined;
}

/** Millionths, from dollars. */
export function micros(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? count(Math.round(value * 1_000_000)) : undefined;
}

/** Texts of a list, each cut, at most `length` of them. */
export function texts(value: unknown, characters: number, length: number): string[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, length).flatMap((item: unknown) => text(item, characters) ?? []);
}

type Known<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The members that are there: an absent one is absent, not undefined. */
export function present<T extends object>(members: T): Partial<Known<T>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<Known<T>>;
}
