import { describe, expect, it } from "vitest";
import { BackOff, LONGEST_MILLISECONDS, STABLE_MILLISECONDS } from "../../../../agent/host/link/back-off.ts";
import { DRAIN_SPREAD_SECONDS } from "../../../../protocol/limits.ts";
import { randomOf } from "../../../protocol/campaign.ts";

const never = { openMilliseconds: 0 };

describe("back-off", () => {
  it("doubles up to its longest, jittered over its whole length, and never waits for nothing", () => {
    const low = new BackOff(() => 0);
    const high = new BackOff(() => 1);
    const waits = Array.from({ length: 10 }, () => [low.after(never), high.after(never)]);
    expect(waits.map(([least]) => least)).toEqual([63, 125, 250, 500, 1_000, 2_000, 4_000, 7_500, 7_500, 7_500]);
    expect(waits.at(-1)?.[1]).toBe(LONGEST_MILLISECONDS * 1.75);
  });

  it("starts again only after a connection that lasted, or when somebody says that the past does not count", () => {
    const backOff = new BackOff(() => 0.5);
    for (let i = 0; i < 5; i += 1) backOff.after(never);
    // Two clones that throw each other out are open for a moment each time.
    expect(backOff.after({ openMilliseconds: STABLE_MILLISECONDS - 1 })).toBe(8_000);
    expect(backOff.after({ openMilliseconds: STABLE_MILLISECONDS })).toBe(250);
    for (let i = 0; i < 5; i += 1) backOff.after(never);
    backOff.reset();
    expect(backOff.after(never)).toBe(250);
  });

  it("spreads over what the edge asked for, and a hostile edge that drains for ever gains nothing", () => {
    const last = new BackOff(() => 0.999);
    expect(last.after({ openMilliseconds: STABLE_MILLISECONDS, spreadMilliseconds: 10_000 })).toBe(9_990);
    const first = new BackOff(() => 0);
    const waits = Array.from({ length: 8 }, () => first.after({ openMilliseconds: 100, spreadMilliseconds: 10_000 }));
    expect(waits.at(-1)).toBe(7_500);
  });
});

/** So many hosts, each with its own back-off, dial in each second after all lost one edge in the same instant. */
interface Herd {
  readonly perSecond: readonly number[];
  readonly inAll: number;
}

const HOSTS = 5_000;
/** What an edge on one small machine answers in a second; more than that is refused, and comes again. */
const CAPACITY = 800;

/** `downSeconds`: until the edge is there again. */
function storm(downSeconds: number, spreadMilliseconds?: number): Herd {
  const random = randomOf(5_000);
  const chance = (): number => random(1_000_000) / 1_000_000;
  const seconds = new Map<number, { at: number; backOff: BackOff }[]>();
  const dialAt = (at: number, backOff: BackOff): void => {
    const second = Math.floor(at / 1_000);
    const there = seconds.get(second) ?? [];
    there.push({ at, backOff });
    seconds.set(second, there);
  };
  for (let i = 0; i < HOSTS; i += 1) {
    const backOff = new BackOff(chance);
    const lasted = { openMilliseconds: STABLE_MILLISECONDS };
    dialAt(backOff.after(spreadMilliseconds === undefined ? lasted : { ...lasted, spreadMilliseconds }), backOff);
  }
  const perSecond: number[] = [];
  for (let second = 0, left = HOSTS; left > 0; second += 1) {
    let dials = 0;
    // One that is refused may be here again within the same second.
    for (let now = seconds.get(second); now !== undefined && now.length > 0; now = seconds.get(second)) {
      seconds.delete(second);
      for (const { at, backOff } of now) {
        if (second >= downSeconds) dials += 1;
        if (second >= downSeconds && dials <= CAPACITY) left -= 1;
        else dialAt(at + backOff.after(never), backOff);
      }
    }
    perSecond.push(dials);
  }
  return { perSecond, inAll: perSecond.length };
}

describe("5,000 hosts that lose one edge together", () => {
  it("come back smoothly when it asked for it", () => {
    const { perSecond, inAll } = storm(0, DRAIN_SPREAD_SECONDS * 1_000);
    expect(Math.max(...perSecond)).toBeLessThan(600); // 500 a second would be perfectly even
    expect(inAll).toBeLessThanOrEqual(DRAIN_SPREAD_SECONDS + 1);
  });

  it("and all come back when it was killed, whatever it can take", () => {
    const { perSecond, inAll } = storm(2);
    expect(inAll).toBeLessThan(60);
    expect(Math.max(...perSecond)).toBeLessThan(HOSTS);
  });
});
