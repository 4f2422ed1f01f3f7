import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Activity } from "../../../web/client/activity.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { PatternsView } from "../../../web/state/ledger.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import { SignedLog } from "./signed-log.ts";

const ada = { kind: "person", id: "p-ada" } as const;

let world: World;
let maker: LedgerMaker;
beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(() => {
  // A page that nobody sees asks for no onlookers.
  vi.stubGlobal("document", { hidden: true });
  maker = new LedgerMaker(world);
  for (let i = 0; i < 3; i += 1) maker.add({ actor: ada, action: "command.refused", detail: {} });
  maker.add({ actor: ada, action: "command.accepted", target: world.host, detail: {} });
  maker.add({ action: "host.connected", detail: {} });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

async function looking(log: SignedLog) {
  const far = new FarEnd(world);
  far.log = log;
  const deps = far.deps();
  deps.clock.set(NOW);
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  const stop = activity.watchPage();
  await expect.poll(() => activity.patterns.value.state, { interval: 5 }).not.toBe("loading");
  return { activity, stop, far };
}

function viewOf(activity: Activity): PatternsView {
  const patterns = activity.patterns.value;
  if (patterns.state !== "ready") throw new Error(patterns.state);
  return patterns.value;
}

describe("what stands out", () => {
  it("is marked at its entry with a sentence, once its page is open", async () => {
    const log = new SignedLog(world.workspace, maker.rows, { now: NOW });
    const { activity, stop } = await looking(log);
    expect(viewOf(activity)).toEqual({ indices: [4], since: NOW - 30 * 86_400 });
    expect(activity.rows.item(4)?.marks).toEqual([
      { rule: "refused-then-accepted", why: "It was accepted after 3 refusals within ten minutes." },
    ]);
    expect(activity.rows.item(5)?.marks).toEqual([]);
    stop();
  });

  it("is found in what is written afterwards, with the past that was known", async () => {
    const rows = [...maker.rows];
    const log = new SignedLog(world.workspace, rows.slice(0, 3), { now: NOW });
    const { activity, stop } = await looking(log);
    expect(viewOf(activity).indices).toEqual([]);
    log.rows.push(...rows.slice(3));
    await activity.refresh();
    expect(viewOf(activity).indices).toEqual([4]);
    stop();
  });

  it("is not looked for while its page is closed", async () => {
    const far = new FarEnd(world);
    far.log = new SignedLog(world.workspace, maker.rows, { now: NOW });
    const deps = far.deps();
    const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
    await activity.refresh();
    expect(far.log.asked.filter((name) => name === "activity")).toHaveLength(1);
    expect(activity.patterns.value.state).toBe("loading");
  });
});
