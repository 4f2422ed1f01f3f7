import { beforeAll, describe, expect, it } from "vitest";
import { WEBHOOK_SECRET } from "../../../protocol/contracts/alerts.ts";
import type { StreamRow } from "../../../protocol/contracts/streams.ts";
import type { EdgeClient } from "../../../web/client/http.ts";
import { Streams } from "../../../web/client/streams.ts";
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

const row: StreamRow = {
  stream: "s-one",
  label: "SIEM",
  to: "siem.example",
  format: "ocsf",
  filter: {},
  since: NOW,
  state: "live",
  cursor: 5,
  head: 9,
  attempts: 0,
  setAside: [],
};
const change = { setting: "streamPause", stream: "s-one" } as const;

async function pageOf(who: Name, answers: Readonly<Record<string, unknown>>) {
  const far = new FarEnd(world).deps();
  const trust = new TrustKeeper(far);
  await trust.refresh();
  far.clock.set(NOW);
  const asked: { readonly name: string; readonly input: { readonly params?: object; readonly body?: object } }[] = [];
  const client = {
    call(name: string, input: object = {}) {
      asked.push({ name, input });
      return name in answers ? Promise.resolve(answers[name]) : Promise.reject(new TroubleError(UNREACHABLE));
    },
  } as unknown as EdgeClient;
  const streams = new Streams({
    client,
    clock: far.clock,
    trust,
    session: () => ({ digest: nonceOf("session"), person: `p-${who}` }) as StoredSession,
    touch: ({ kind, body }) => asserted(world.people[who].passkey, kind, { body }),
    rpId: SIGNER_RP_ID,
  });
  return { streams, asked };
}

async function stepsOf(steps: AsyncIterable<TouchStep>): Promise<readonly string[]> {
  const kinds: string[] = [];
  for await (const { kind } of steps) kinds.push(kind);
  return kinds;
}

describe("streams behind the page", () => {
  it("are changed by one touch, and shown with how far they are behind", async () => {
    const { streams, asked } = await pageOf("ada", { streamChange: { streams: [row], now: NOW } });
    expect(streams.list.value.state).toBe("loading");
    expect(await stepsOf(streams.change(change))).toEqual(["touch", "sending", "done"]);
    expect(asked[0]).toMatchObject({ name: "streamChange", input: { body: { change } } });
    expect(streams.list.value).toEqual({ state: "ready", value: [{ ...row, behind: 4 }] });
    streams.forget();
    expect(streams.list.value.state).toBe("loading");
  });

  it("are tested and sent again without a touch", async () => {
    const answers = {
      streamTest: { fault: "timeout" },
      streamReplay: { ok: true },
      streams: { streams: [row], now: NOW },
    };
    const { streams, asked } = await pageOf("ada", answers);
    expect(await streams.sendTest("s-one")).toEqual({ ok: true, value: "timeout" });
    expect(await streams.replay("s-one")).toEqual({ ok: true, value: undefined });
    expect(asked.map(({ name }) => name)).toEqual(["streamTest", "streamReplay", "streams"]);
    expect(streams.list.value.state).toBe("ready");
  });

  it("say what went wrong", async () => {
    const { streams } = await pageOf("ada", {});
    expect(await streams.replay("s-one")).toMatchObject({ ok: false, trouble: { code: "unreachable" } });
    expect(await stepsOf(streams.change(change))).toEqual(["touch", "sending", "failed"]);
  });

  it.each([
    ["ada", true],
    ["otto", false],
  ] as const)("are for %s to change: %s", async (who, may) => {
    const { streams } = await pageOf(who, {});
    expect(streams.mayConfigure.value).toBe(may);
    expect(streams.freshSecret()).toMatch(WEBHOOK_SECRET);
  });
});
