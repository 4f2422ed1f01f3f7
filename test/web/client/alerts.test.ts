import { beforeAll, describe, expect, it } from "vitest";
import type { AlertRow } from "../../../protocol/alerts.ts";
import { WEBHOOK_SECRET } from "../../../protocol/contracts/alerts.ts";
import { Alerts } from "../../../web/client/alerts.ts";
import type { EdgeClient } from "../../../web/client/http.ts";
import { TroubleError, UNREACHABLE } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { StoredSession } from "../../../web/client/vault.ts";
import type { TouchStep } from "../../../web/state/backend.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { asserted, makeWorld, NOW, SIGNER_RP_ID, type Name, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

const thresholds = { minute: 5, hour: 20 };
const change = { setting: "alertThresholds", thresholds } as const;
const row = (more: Partial<AlertRow> = {}): AlertRow => ({
  alert: "a-1",
  kind: "host.cloned",
  state: "open",
  detail: {},
  raisedAt: NOW,
  times: 1,
  lastAt: NOW,
  deliveries: [],
  ...more,
});

interface Asked {
  readonly name: string;
  readonly input: { readonly params?: object; readonly body?: object };
}

/** A page of somebody, before an edge that answers what it is given, or nothing. */
async function pageOf(who: Name, answers: Readonly<Record<string, unknown>>, isClosed = false) {
  const far = new FarEnd(world).deps();
  const trust = new TrustKeeper(far);
  await trust.refresh();
  far.clock.set(NOW);
  const asked: Asked[] = [];
  const client = {
    call(name: string, input: Asked["input"] = {}) {
      asked.push({ name, input });
      return name in answers ? Promise.resolve(answers[name]) : Promise.reject(new TroubleError(UNREACHABLE));
    },
  } as unknown as EdgeClient;
  const session = { digest: nonceOf("session"), person: `p-${who}` } as StoredSession;
  const alerts = new Alerts({
    client,
    clock: far.clock,
    trust,
    session: () => session,
    touch: ({ kind, body }) =>
      isClosed
        ? Promise.reject(new DOMException("closed", "NotAllowedError"))
        : asserted(world.people[who].passkey, kind, { body }),
    rpId: SIGNER_RP_ID,
  });
  return { alerts, asked };
}

async function stepsOf(steps: AsyncIterable<TouchStep>): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const { kind } of steps) kinds.push(kind);
  return kinds;
}

const ok = { alertAcknowledge: { ok: true }, alertResolve: { ok: true } };

describe("alerts behind the page", () => {
  it("are shown with what the protocol says of their kind and what the trust log calls their host", async () => {
    const known = row({ host: world.host });
    const rows = [known, row({ alert: "a-2", host: "h-made-up", state: "resolved" })];
    const { alerts, asked } = await pageOf("otto", { ...ok, alerts: { alerts: rows, now: NOW } });
    expect((await alerts.acknowledge("a-1")).ok).toBe(true);
    expect(asked[0]).toMatchObject({ name: "alertAcknowledge", input: { params: { alert: "a-1" } } });
    const list = alerts.list.value;
    if (list.state !== "ready") throw new Error(list.state);
    expect(list.value[0]).toMatchObject({ severity: "critical", hostLabel: world.state.hosts.get(world.host)?.label });
    expect(list.value[1]).not.toHaveProperty("hostLabel");
    expect(alerts.open.value).toBe(1);
  });

  it.each([
    ["ada", true, true],
    ["otto", true, false],
    ["vera", false, false],
    ["nora", false, false],
  ] as const)("lets %s act: %s, configure: %s", async (who, mayAct, mayConfigure) => {
    const { alerts } = await pageOf(who, { ...ok, alerts: { alerts: [row({ host: world.host })], now: NOW } });
    await alerts.resolve("a-1");
    const list = alerts.list.value;
    expect(list.state === "ready" && list.value[0]?.mayAct).toBe(mayAct);
    expect(alerts.mayConfigure.value).toBe(mayConfigure);
  });

  it("keep what was known when the edge falls silent, and say so when nothing was", async () => {
    const { alerts } = await pageOf("ada", {});
    expect(await alerts.acknowledge("a-1")).toMatchObject({ ok: false, trouble: { code: "unreachable" } });
    await alerts.loadSettings();
    expect(alerts.settings.value.state).toBe("failed");
    const answers: Record<string, unknown> = { alertSettings: { thresholds } };
    const page = await pageOf("ada", answers);
    await page.alerts.loadSettings();
    delete answers["alertSettings"];
    await page.alerts.loadSettings();
    expect(page.alerts.settings.value).toEqual({ state: "ready", value: { thresholds } });
    page.alerts.forget();
    expect(page.alerts.settings.value.state).toBe("loading");
  });

  it("change where they go by one touch, and show what the edge then says", async () => {
    const { alerts, asked } = await pageOf("ada", { alertSettingsChange: { thresholds } });
    expect(await stepsOf(alerts.change(change))).toEqual(["touch", "sending", "done"]);
    expect(asked[0]?.input.body).toMatchObject({ change, action: expect.any(String), approval: expect.any(Object) });
    expect(alerts.settings.value).toEqual({ state: "ready", value: { thresholds } });
  });

  it("send nothing when the authenticator was closed, and keep what went wrong", async () => {
    const { alerts, asked } = await pageOf("ada", {});
    expect(await stepsOf(alerts.change(change))).toEqual(["touch", "sending", "failed"]);
    expect(asked).toHaveLength(1);
    const closed = await pageOf("ada", {}, true);
    expect(await stepsOf(closed.alerts.change(change))).toEqual(["touch", "cancelled"]);
    expect(closed.asked).toEqual([]);
  });

  it("make secrets that the edge takes, each another one", async () => {
    const { alerts } = await pageOf("ada", {});
    const [one, two] = [alerts.freshSecret(), alerts.freshSecret()];
    expect(one).toMatch(WEBHOOK_SECRET);
    expect(one).not.toBe(two);
  });
});
