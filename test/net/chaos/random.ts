/** Chance that a seed repeats: which fault comes next and how long it lasts. The processes under it keep their own time. */

export interface Random {
  /** [0, 1) */
  next(): number;
  /** A whole number below. */
  whole(below: number): number;
  between(from: number, to: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
  shuffled<T>(all: readonly T[]): T[];
  /** A stream of its own, so that what one part draws does not move another's. */
  fork(): Random;
}

/** mulberry32 */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const whole = (below: number): number => Math.floor(next() * below);
  return {
    next,
    whole,
    between: (from, to) => from + next() * (to - from),
    chance: (share) => next() < share,
    pick: (from) => {
      const picked = from[whole(from.length)];
      if (picked === undefined) throw new RangeError("nothing to pick from");
      return picked;
    },
    shuffled: (all) => {
      const deck = [...all];
      for (let i = deck.length - 1; i > 0; i -= 1) {
        const j = whole(i + 1);
        [deck[i], deck[j]] = [deck[j] as (typeof deck)[number], deck[i] as (typeof deck)[number]];
      }
      return deck;
    },
    fork: () => randomOf(Math.floor(next() * 4_294_967_296)),
  };
}
