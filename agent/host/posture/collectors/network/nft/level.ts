/**
 * How surely something holds for packets that a stranger can send. `some`: for part of them (a rate, a half of the internet).
 * `maybe`: the rule uses what we cannot read, and then nothing is claimed: neither open nor closed.
 */
export const levels = ["no", "maybe", "some", "yes"] as const;
export type Level = (typeof levels)[number];

/** Both at once. */
export function both(one: Level, other: Level): Level {
  return levels.indexOf(one) <= levels.indexOf(other) ? one : other;
}

/** Either is enough. */
export function either(one: Level, other: Level): Level {
  return levels.indexOf(one) >= levels.indexOf(other) ? one : other;
}

export function not(level: Level): Level {
  if (level === "yes") return "no";
  return level === "no" ? "yes" : level;
}
