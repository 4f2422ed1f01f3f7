import { beforeAll, describe, expect, it } from "vitest";
import { ANSWER_MILLISECONDS } from "../../../protocol/audit.ts";
import { Activity } from "../../../web/client/activity.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import { SignedLog } from "./signed-log.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});

interface Told {
  /** Numbers of receipts, in the order of the log. */
  readonly receipts: readonly number[];
  readonly unasked?: boolean;
  /** Seconds after the entries. */
  readonly later?: number;
}

async function activityOf({ receipts, unasked = false, later = 0 }: Told): Promise<Activity> {
  const ledger = new LedgerMaker(world);
  const actor = { kind: "person", id: "p-ada" } as const;
  for (const number of receipts) {
    const intent = nonceOf(`intent ${String(number)}`);
    const detail = { intent, operation: "host.check@1" };
    if (!unasked) ledger.add({ actor, action: "command.accepted", target: world.host, detail });
    await ledger.addReceipt(intent, number);
  }
  ledger.add({ actor, action: "command.accepted", target: world.host, detail: { intent: nonceOf("open") } });
  const far = new FarEnd(world);
  far.log = new SignedLog(world.workspace, ledger.rows, { now: NOW });
  const deps = far.deps();
  deps.clock.set(NOW + later);
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  await activity.refresh();
  return activity;
}

const codesOf = (activity: Activity) => activity.findings.value.list.map(({ code, index }) => [code, index]);

describe("the cross-check of log and receipts", () => {
  it("finds nothing where every command has its receipt, and one is still on its way", async () => {
    expect(codesOf(await activityOf({ receipts: [1, 2, 3] }))).toEqual([]);
  });

  it("says at its entry that a host's receipt is missing before it, by the host's name", async () => {
    const activity = await activityOf({ receipts: [1, 3] });
    expect(codesOf(activity)).toEqual([["unreported", 4]]);
    expect(activity.findings.value.list[0]?.what).toContain(world.hostBody.label);
    expect(activity.rows.item(4)?.findings).toHaveLength(1);
    expect(activity.rows.item(2)?.findings).toEqual([]);
  });

  it("says that a host ran what nobody asked for in the log", async () => {
    expect(codesOf(await activityOf({ receipts: [1], unasked: true }))).toEqual([["unasked", 1]]);
  });

  it("says that nobody answered once the command is over", async () => {
    const later = ANSWER_MILLISECONDS / 1_000 + 5;
    expect(codesOf(await activityOf({ receipts: [1], later }))).toEqual([["unanswered", 3]]);
  });
});
