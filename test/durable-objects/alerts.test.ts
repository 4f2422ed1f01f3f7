import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { alertsOf, countRefusal, keepAlert, raiseAlert, settleAlert } from "../../durable-objects/alert-client.ts";
import { ALERT_RETRY_SECONDS } from "../../durable-objects/alerts/delivery-table.ts";
import { BUCKET_SECONDS, MAX_NAMES_PER_BUCKET, RefusalCounts } from "../../durable-objects/alerts/refusal-counts.ts";
import { Seals } from "../../durable-objects/outbound/seal.ts";
import type { AlertRow } from "../../protocol/alerts.ts";
import { ALERT_REFUSALS_PER_HOUR, ALERT_REFUSALS_PER_MINUTE } from "../../protocol/limits.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { ledgerBodies } from "../worker/client.ts";
import { env } from "../worker/environment.ts";

const person = "p-ada";
const alertsIn = (workspace: string): Promise<AlertRow[]> => alertsOf(env, workspace).list(workspace);
const clone = { kind: "host.cloned", subject: "h-one", host: "h-one" } as const;
const webhook = {
  setting: "alertWebhook",
  url: "https://hooks.example/",
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
} as const;

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Does what waits, whether or not its alarm was first. */
const work = (workspace: string): Promise<void> =>
  runInDurableObject(alertsOf(env, workspace), (object) => object.alarm());

/** What the ledger has about alerts, in order. */
async function entriesIn(workspace: string): Promise<readonly (readonly [unknown, unknown])[]> {
  await work(workspace);
  const bodies = await ledgerBodies(workspace);
  return bodies.map(({ action, detail }) => [action, (detail as { alert?: string }).alert]);
}

describe("an alert", () => {
  it("is raised once, however often the same thing happens, and lives through an eviction", async () => {
    const workspace = nonceOf("once");
    await raiseAlert(env, workspace, clone);
    await raiseAlert(env, workspace, clone);
    await evictDurableObject(alertsOf(env, workspace));
    await raiseAlert(env, workspace, clone);
    const [alert, ...others] = await alertsIn(workspace);
    expect(others).toEqual([]);
    expect(alert).toMatchObject({ kind: "host.cloned", state: "open", host: "h-one", times: 3, detail: {} });
    expect(await entriesIn(workspace)).toEqual([["alert.raised", alert?.alert]]);
  });

  it("is another one for another subject, another kind, and after it was resolved", async () => {
    const workspace = nonceOf("others");
    const alerts = alertsOf(env, workspace);
    const alert = await alerts.raise(workspace, clone);
    await raiseAlert(env, workspace, { ...clone, subject: "h-two" });
    await raiseAlert(env, workspace, { ...clone, kind: "host.reset" });
    expect(await alerts.resolve(workspace, { alert, person })).toBe("done");
    await raiseAlert(env, workspace, clone);
    const states = (await alertsIn(workspace)).map(({ state }) => state);
    expect(states).toEqual(["open", "open", "open", "resolved"]);
  });

  it("is acknowledged and resolved by people, once each, and every step is an entry", async () => {
    const workspace = nonceOf("steps");
    const alerts = alertsOf(env, workspace);
    const alert = await alerts.raise(workspace, { ...clone, kind: "host.reset" });
    expect(await alerts.acknowledge(workspace, { alert, person })).toBe("done");
    expect(await alerts.acknowledge(workspace, { alert, person: "p-bob" })).toBe("done");
    expect(await alerts.resolve(workspace, { alert, person: "p-bob" })).toBe("done");
    expect(await alerts.resolve(workspace, { alert, person })).toBe("done");
    expect(await alerts.acknowledge(workspace, { alert, person })).toBe("done");
    const [row] = await alertsIn(workspace);
    expect(row).toMatchObject({ state: "resolved", acknowledged: { by: person }, resolved: { by: "p-bob" } });
    expect(await entriesIn(workspace)).toEqual([
      ["alert.raised", alert],
      ["alert.acknowledged", alert],
      ["alert.resolved", alert],
    ]);
  });

  it("is over when it is resolved: nobody acknowledges it afterwards", async () => {
    const workspace = nonceOf("over");
    const alerts = alertsOf(env, workspace);
    const alert = await alerts.raise(workspace, clone);
    expect(await alerts.resolve(workspace, { alert, person })).toBe("done");
    expect(await alerts.acknowledge(workspace, { alert, person })).toBe("done");
    expect((await entriesIn(workspace)).map(([action]) => action)).toEqual(["alert.raised", "alert.resolved"]);
  });

  it("names one person, in the ledger too, when two take it in the same moment", async () => {
    const workspace = nonceOf("race");
    const alerts = alertsOf(env, workspace);
    const alert = await alerts.raise(workspace, clone);
    await Promise.all([
      alerts.acknowledge(workspace, { alert, person }),
      alerts.acknowledge(workspace, { alert, person: "p-bob" }),
    ]);
    const [row] = await alertsIn(workspace);
    const entries = (await ledgerBodies(workspace)).filter(({ action }) => action === "alert.acknowledged");
    expect(entries.map(({ actor }) => actor)).toEqual([{ kind: "person", id: row?.acknowledged?.by }]);
  });

  it("is not acknowledged while the ledger cannot be written", async () => {
    const workspace = nonceOf("no ledger");
    const alerts = alertsOf(env, workspace);
    const alert = await alerts.raise(workspace, clone);
    vi.spyOn(env.LEDGER, "getByName").mockImplementation(() => {
      throw new Error("down");
    });
    expect(await alerts.acknowledge(workspace, { alert, person })).toBe("ledger_unavailable");
    expect((await alertsIn(workspace))[0]?.state).toBe("open");
    vi.restoreAllMocks();
    expect(await alerts.acknowledge(workspace, { alert, person })).toBe("done");
  });

  it("resolves itself when the edge sees that its reason is gone", async () => {
    const workspace = nonceOf("settled");
    const fork = { kind: "trust.forked", subject: "h-one", host: "h-one" } as const;
    await raiseAlert(env, workspace, fork);
    await settleAlert(env, workspace, { ...fork, subject: "h-two" });
    expect((await alertsIn(workspace))[0]?.state).toBe("open");
    await settleAlert(env, workspace, fork);
    const [alert] = await alertsIn(workspace);
    expect(alert).toMatchObject({ state: "resolved", resolved: { at: expect.any(Number) } });
    expect(alert?.resolved).not.toHaveProperty("by");
    expect((await entriesIn(workspace)).map(([action]) => action)).toEqual(["alert.raised", "alert.resolved"]);
  });

  it("is raised anew while it goes on after somebody resolved it, and not counted while it is known", async () => {
    const workspace = nonceOf("goes on");
    const fork = { kind: "trust.forked", subject: "h-one", host: "h-one" } as const;
    await keepAlert(env, workspace, fork);
    await keepAlert(env, workspace, fork);
    const [first] = await alertsIn(workspace);
    expect(first).toMatchObject({ state: "open", times: 1 });
    await alertsOf(env, workspace).acknowledge(workspace, { alert: first?.alert ?? "", person });
    await keepAlert(env, workspace, fork);
    expect(await alertsIn(workspace)).toHaveLength(1);
    await alertsOf(env, workspace).resolve(workspace, { alert: first?.alert ?? "", person });
    await keepAlert(env, workspace, fork);
    expect((await alertsIn(workspace)).map(({ state }) => state).toSorted()).toEqual(["open", "resolved"]);
  });

  it("never breaks whoever raises it", async () => {
    vi.spyOn(env.ALERTS, "getByName").mockImplementation(() => {
      throw new Error("down");
    });
    await raiseAlert(env, nonceOf("down"), clone);
    await keepAlert(env, nonceOf("down"), clone);
    await countRefusal(env, nonceOf("down"), { code: "role" });
    await settleAlert(env, nonceOf("down"), clone);
  });

  it("belongs to one workspace", async () => {
    await runInDurableObject(alertsOf(env, nonceOf("mine")), async (object) => {
      await object.raise(nonceOf("mine"), clone);
      await expect(object.raise(nonceOf("other"), clone)).rejects.toThrow("another workspace");
    });
  });
});

describe("too many refusals", () => {
  it.each(["host", "session", "rule"] as const)("of one %s raise one alert, at the threshold", async (by) => {
    const workspace = nonceOf(`many ${by}`);
    const name = { host: "h-one", session: nonceOf("session"), rule: "role" }[by];
    const refuse = (i: number) =>
      countRefusal(env, workspace, {
        code: by === "rule" ? name : `rule.${"abcdefgh"[i]}`,
        ...(by === "rule" ? {} : { [by]: name }),
      });
    for (let i = 1; i < ALERT_REFUSALS_PER_MINUTE; i++) await refuse(i);
    expect(await alertsIn(workspace)).toEqual([]);
    await refuse(0);
    await refuse(1);
    const alerts = await alertsIn(workspace);
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({
      kind: "refusals.many",
      times: 2,
      detail: { by, name, refusals: ALERT_REFUSALS_PER_MINUTE + 1, windowSeconds: 60 },
    });
    if (by !== "rule") expect(alerts[0]).toMatchObject({ [by]: name });
  });

  it("are counted in a sliding minute and hour, and forgotten", async () => {
    await runInDurableObject(alertsOf(env, nonceOf("windows")), (_, { storage }) => {
      const counts = new RefusalCounts(storage.sql);
      const start = 1_800_000_000;
      const rate = (at: number) => counts.add({ code: "role" }, at)[0];
      expect(rate(start)).toEqual({ by: "rule", name: "role", minute: 1, hour: 1 });
      expect(rate(start + 59)).toMatchObject({ minute: 2, hour: 2 });
      expect(rate(start + 60)).toMatchObject({ minute: 2, hour: 3 });
      expect(rate(start + 600)).toMatchObject({ minute: 1, hour: 4 });
      expect(counts.perMinute(start + 600).filter((count) => count > 0)).toEqual([2, 1, 1]);
      expect(rate(start + 3_600)).toMatchObject({ minute: 1, hour: 4 });
      counts.add({ code: "role" }, start + 9_000);
      const kept = storage.sql.exec("SELECT * FROM refusal_counts").toArray();
      expect(kept).toHaveLength(1);
    });
  });

  it("reach the threshold of an hour slowly, too", async () => {
    const workspace = nonceOf("slow");
    vi.useFakeTimers({ toFake: ["Date"], now: 1_800_000_000_000 });
    for (let i = 0; i < ALERT_REFUSALS_PER_HOUR; i++) {
      expect(await alertsIn(workspace)).toEqual([]);
      await countRefusal(env, workspace, { code: "role" });
      vi.setSystemTime(Date.now() + 120_000);
    }
    expect((await alertsIn(workspace))[0]?.detail).toMatchObject({
      refusals: ALERT_REFUSALS_PER_HOUR,
      windowSeconds: 3_600,
    });
  });

  it("never fill the memory with names", async () => {
    await runInDurableObject(alertsOf(env, nonceOf("names")), (_, { storage }) => {
      const counts = new RefusalCounts(storage.sql);
      const now = 1_800_000_000 - (1_800_000_000 % BUCKET_SECONDS);
      for (let i = 0; i < MAX_NAMES_PER_BUCKET + 10; i++) counts.add({ code: "role", host: `h-${i}` }, now);
      const [row] = storage.sql
        .exec("SELECT COUNT(*) AS names, MAX(refusals) AS most FROM refusal_counts WHERE kind = 'host'")
        .toArray();
      expect(row).toEqual({ names: MAX_NAMES_PER_BUCKET + 1, most: 10 });
      expect(counts.add({ code: "role", host: "h-0" }, now)).toContainEqual({
        by: "host",
        name: "h-0",
        minute: 2,
        hour: 2,
      });
    });
  });
});

describe("a message", () => {
  it("is tried again, later each time, and then counts as failed", async () => {
    const workspace = nonceOf("tries");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const send = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(null, { status: 503 }));
    const alerts = alertsOf(env, workspace);
    await alerts.change(workspace, webhook);
    await raiseAlert(env, workspace, clone);
    const waits: number[] = [];
    for (let i = 0; i <= ALERT_RETRY_SECONDS.length; i++) {
      await work(workspace);
      const delivery = (await alertsIn(workspace))[0]?.deliveries[0];
      expect(delivery).toMatchObject({ channel: "webhook", attempts: i + 1, fault: "status" });
      waits.push(Number(delivery?.at) - Math.floor(Date.now() / 1_000));
      vi.setSystemTime(Number(delivery?.at) * 1_000);
    }
    expect(waits).toEqual([...ALERT_RETRY_SECONDS, 0]);
    expect((await alertsIn(workspace))[0]?.deliveries[0]?.state).toBe("failed");
    await work(workspace);
    expect(send).toHaveBeenCalledTimes(ALERT_RETRY_SECONDS.length + 1);
  });

  it("is not tried again where the far end is gone for good", async () => {
    const workspace = nonceOf("gone");
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(null, { status: 410 }));
    const alerts = alertsOf(env, workspace);
    await alerts.change(workspace, webhook);
    await raiseAlert(env, workspace, clone);
    await work(workspace);
    expect((await alertsIn(workspace))[0]?.deliveries).toMatchObject([{ state: "failed", fault: "gone", attempts: 1 }]);
  });

  it("waits through an eviction", async () => {
    const workspace = nonceOf("evicted");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    let status = 503;
    vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response(null, { status }));
    const alerts = alertsOf(env, workspace);
    await alerts.change(workspace, webhook);
    await raiseAlert(env, workspace, clone);
    await work(workspace);
    await evictDurableObject(alerts);
    status = 200;
    vi.setSystemTime(Date.now() + Number(ALERT_RETRY_SECONDS[0]) * 1_000);
    await work(workspace);
    expect((await alertsIn(workspace))[0]?.deliveries).toMatchObject([{ state: "sent", attempts: 2 }]);
  });
});

describe("a sealed text", () => {
  const key = nonceOf("key");
  it("opens with its key, workspace and name, and with no other", async () => {
    const seals = new Seals(key, "w-one");
    const sealed = await seals.seal("webhook", "hush");
    expect(sealed).not.toContain("hush");
    expect(await seals.seal("webhook", "hush")).not.toBe(sealed);
    expect(await seals.open("webhook", sealed)).toBe("hush");
    expect(await seals.open("ntfy", sealed)).toBeUndefined();
    expect(await new Seals(key, "w-two").open("webhook", sealed)).toBeUndefined();
    expect(await new Seals(nonceOf("other"), "w-one").open("webhook", sealed)).toBeUndefined();
    expect(await seals.open("webhook", `${sealed.slice(0, -1)}${sealed.endsWith("A") ? "B" : "A"}`)).toBeUndefined();
  });

  it.each(["short", "not base64url!", ""])("is not made with the key %j", async (wrong) => {
    await expect(new Seals(wrong, "w").seal("webhook", "hush")).rejects.toThrow("settings key");
  });
});
