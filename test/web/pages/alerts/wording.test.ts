import { describe, expect, it } from "vitest";
import { alertSeverities, type AlertDelivery, type AlertKind } from "../../../../protocol/alerts.ts";
import { deliveriesOf, measureOf, rateName, ruleMeaning, stepsOf } from "../../../../web/pages/alerts/wording.ts";
import { titleOf } from "../../../../web/pages/alerts/title.ts";
import type { AlertView } from "../../../../web/state/alerts.ts";

const now = 1_795_159_086;
const view = (kind: AlertKind, more: Partial<AlertView> = {}): AlertView => ({
  alert: "a-1",
  kind,
  state: "open",
  detail: {},
  raisedAt: now - 60,
  times: 1,
  lastAt: now - 60,
  deliveries: [],
  severity: alertSeverities[kind],
  names: new Map([["p-ada", "Ada"]]),
  mayAct: true,
  ...more,
});

/** Numbers and units stand together by narrow spaces. */
const plain = (text: string | undefined): string | undefined => text?.replaceAll("\u202f", " ");

describe("an alert in words", () => {
  it.each(Object.keys(alertSeverities) as AlertKind[])("%s has a heading that names its host or person", (kind) => {
    const title = titleOf(
      view(kind, { host: "h-one", hostLabel: "vps-1", person: "p-ada", detail: { by: "host" } }),
      now,
    );
    // Of the log itself no host and no person is meant.
    const isOfLog = kind === "ledger.rewritten" || kind === "stream.failing";
    const known = isOfLog ? /the activity log/i : kind === "address.banned" ? /An address/ : /vps-1|Ada/;
    expect(title).toMatch(known);
    expect(title).not.toMatch(/[.!]$/);
  });

  it("names both views where two logs were shown", () => {
    const detail = { held: { size: 5, root: "a".repeat(43) }, shown: { size: 1, root: "b".repeat(43) } };
    expect(plain(measureOf(view("witness.refused", { detail }), now))).toBe(
      "Held: 5 entries, root aaaaaaaaaaaa. Shown: 1 entry, root bbbbbbbbbbbb.",
    );
  });

  it("falls back to ids, never to the edge's own word for a host", () => {
    expect(titleOf(view("host.cloned", { host: "h-abcdef012345" }), now)).toBe(
      "A second machine came with the key of h-abcdef",
    );
    expect(titleOf(view("grant.ending", { person: "p-7f3a91c0" }), now)).toBe("The roles of p-7f3a91 end soon");
  });

  it("says that something has ended once it has", () => {
    expect(titleOf(view("grant.ending", { person: "p-ada", detail: { until: now } }), now)).toBe(
      "The roles of Ada have ended",
    );
    expect(measureOf(view("grant.ending", { detail: { until: now } }), now)).toBeUndefined();
    expect(plain(measureOf(view("grant.ending", { detail: { until: now + 90_000 } }), now))).toBe("1 d 1 h are left.");
  });

  it("measures refusals, forks and repetitions", () => {
    const detail = { by: "rule", name: "clock", refusals: 1, windowSeconds: 3_600 } as const;
    expect(measureOf(view("refusals.many", { detail }), now)).toBe("1 refusal within an hour.");
    expect(measureOf(view("trust.forked", { detail: { place: 4 } }), now)).toBe("The two part at statement 4.");
    expect(plain(measureOf(view("host.cloned", { times: 3 }), now))).toBe("It happened 3 times, last 1 min ago.");
    expect(measureOf(view("host.cloned"), now)).toBeUndefined();
  });

  it("says who has it and who closed it, or that nobody had to", () => {
    const steps = { acknowledged: { at: now, by: "p-ada" }, resolved: { at: now } };
    expect(stepsOf(view("host.cloned", steps))).toEqual(["Ada has it", "resolved by itself: the reason is gone"]);
    expect(stepsOf(view("host.cloned", { resolved: { at: now, by: "p-unknown99" } }))).toEqual([
      "resolved by p-unknow",
    ]);
  });

  it("says what became of its messages", () => {
    const one = (more: Partial<AlertDelivery>): AlertDelivery => ({
      channel: "webhook",
      state: "sent",
      attempts: 1,
      at: now,
      ...more,
    });
    const told = (...deliveries: AlertDelivery[]) => deliveriesOf(deliveries, now).map(plain);
    expect(told(one({}), one({ channel: "ntfy" }))).toEqual(["sent to webhook and ntfy"]);
    expect(told(one({ state: "waiting", attempts: 0 }))).toEqual(["on its way to webhook"]);
    expect(told(one({ state: "waiting", attempts: 2, fault: "timeout", at: now + 30 }))).toEqual([
      "webhook is tried again in 30 s: it took longer than 10 seconds",
    ]);
    expect(told(one({ state: "failed", attempts: 8, fault: "status" }))).toEqual([
      "not sent to webhook after 8 attempts: it answered with an error",
    ]);
  });

  it("has a meaning for every rule of the protocol", () => {
    expect(ruleMeaning("clock")).toBe("it was approved too late");
    expect(ruleMeaning("nonce")).toBeUndefined();
  });

  it("names whose refusals are counted", () => {
    const labels = new Map([["h-one", "vps-1"]]);
    expect(rateName("host", "h-one", labels)).toBe("vps-1");
    expect(rateName("host", "h-unknown-host", labels)).toBe("h-unknow");
    expect(rateName("session", "q4Zk2J4b8mB1", labels)).toBe("sign-in q4Zk2J4b");
    expect(rateName("rule", "clock", labels)).toBe("clock");
    expect(rateName("session", "others", labels)).toBe("all others together");
  });
});
