import { describe, expect, it } from "vitest";
import { endpoints, type Endpoint, type EndpointName } from "../../protocol/contracts.ts";
import {
  BAN_SECONDS,
  countCall,
  endpointRates,
  rateLimitFields,
  rateNames,
  rates,
  scaled,
  type Counted,
  type RateName,
} from "../../protocol/rates.ts";

const start = 1_800_000_000_000;

function last(made: readonly Counted[]): Counted["standing"] {
  const counted = made.at(-1);
  if (counted === undefined) throw new Error("no call");
  return counted.standing;
}

/** So many calls, one after the other, at one moment. */
function calls(name: RateName, count: number, { full = 0, now = start } = {}): readonly Counted[] {
  const made: Counted[] = [];
  for (let i = 0; i < count; i += 1) made.push(countCall(name, rates[name], { full: made.at(-1)?.full ?? full, now }));
  return made;
}

describe("counting", () => {
  it.each(rateNames)("%s lets its burst through at once, and then one for each interval", (name) => {
    const { burst, quota, seconds } = rates[name];
    const made = calls(name, burst + 1);
    expect(made.map(({ standing }) => standing.isAllowed)).toEqual([...Array(burst).fill(true), false]);
    expect(last(made)).toMatchObject({ remaining: 0, waitSeconds: Math.ceil(seconds / quota) });
    const full = made.at(-1)?.full ?? 0;
    const later = start + Math.ceil((seconds * 1_000) / quota) + 1;
    expect(calls(name, 2, { full, now: later }).map(({ standing }) => standing.isAllowed)).toEqual([true, false]);
  });

  it("gives back what the quota says, over hours", () => {
    let allowed = 0;
    let full = 0;
    for (let second = 0; second < 3_600; second += 1) {
      const counted = countCall("authenticated", rates.authenticated, { full, now: start + second * 1_000 });
      ({ full } = counted);
      if (counted.standing.isAllowed) allowed += 1;
      const another = countCall("authenticated", rates.authenticated, { full, now: start + second * 1_000 });
      ({ full } = another);
      if (another.standing.isAllowed) allowed += 1;
    }
    expect(allowed).toBeGreaterThanOrEqual(6_000);
    expect(allowed).toBeLessThanOrEqual(6_000 + rates.authenticated.burst);
  });

  it("uses nothing up when it refuses", () => {
    const made = calls("sign-in", 50);
    expect(made.at(-1)?.full).toBe(made[4]?.full);
  });

  it("starts anew after a clock was set back by more than a bucket", () => {
    const [{ full } = { full: 0 }] = calls("sign-in", 5).slice(-1);
    expect(calls("sign-in", 1, { full, now: start - 3_600_000 })[0]?.standing).toMatchObject({ isAllowed: true });
  });

  it("is more by a factor, in the same time", () => {
    expect(scaled(rates.unauthenticated, 3)).toEqual({ quota: 30, seconds: 60, burst: 30 });
  });
});

describe("the fields", () => {
  it("are the draft's: a policy and how it stands, the tightest first", () => {
    const standings = [calls("step-up", 3), calls("authenticated", 1)].map(last);
    expect(rateLimitFields(standings)).toEqual({
      "ratelimit-policy": '"step-up";q=60;w=120, "authenticated";q=300;w=180',
      ratelimit: '"step-up";r=57;t=6, "authenticated";r=299;t=1',
    });
  });

  it("say of a refusal when to come back, as Retry-After does", () => {
    const standing = last(calls("sign-in", 6));
    expect(rateLimitFields([standing])["ratelimit"]).toBe('"sign-in";r=0;t=12');
  });

  it("are absent where nothing was counted", () => {
    expect(rateLimitFields([])).toEqual({});
  });
});

describe("the table", () => {
  const names = Object.keys(endpoints) as EndpointName[];

  it("promises what the product promises", () => {
    const perMinute = (name: RateName): number => (rates[name].quota * 60) / rates[name].seconds;
    expect(perMinute("unauthenticated")).toBe(10);
    expect(perMinute("authenticated")).toBe(100);
    expect(perMinute("administrator")).toBe(300);
    for (const name of ["sign-in", "registration", "setup"] as const) expect(perMinute(name)).toBeLessThan(10);
    for (const name of ["step-up", "export", "invitation", "passkey"] as const)
      expect(perMinute(name)).toBeLessThan(perMinute("authenticated"));
    expect(BAN_SECONDS).toEqual([60, 300, 1_800, 14_400, 86_400]);
  });

  it.each(names)("counts %s by what its caller has proven", (name) => {
    const { access }: Endpoint = endpoints[name];
    const by = {
      open: "address",
      setup: "address",
      ticket: "address",
      session: "session",
      automation: "automation-key",
    };
    expect(rates[endpointRates[name]].by).toBe(by[access]);
  });

  it.each(names.filter((name) => endpoints[name].touch.needed))("holds %s, which a touch approves, to less", (name) => {
    expect(["step-up", "passkey", "sign-in", "registration", "setup", "export", "automation"]).toContain(
      endpointRates[name],
    );
  });
});
