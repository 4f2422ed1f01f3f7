import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ActivityRow } from "../../../protocol/contracts.ts";
import { CheckpointList } from "../../../web/client/checkpoint-list.ts";
import { Checkpoints } from "../../../web/client/checkpoints.ts";
import { LedgerSource } from "../../../web/client/ledger-source.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { CheckpointsView } from "../../../web/state/ledger.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import { SignedLog, type Witness } from "./signed-log.ts";

let world: World;
let far: FarEnd;
let log: SignedLog;

beforeAll(async () => {
  world = await makeWorld();
});

beforeEach(() => {
  far = new FarEnd(world);
  log = new SignedLog(world.workspace, history("one"), { now: NOW });
  far.log = log;
});

function history(code: string): readonly ActivityRow[] {
  const ledger = new LedgerMaker(world);
  for (let i = 0; i < 20; i += 1) ledger.add({ action: "alert.raised", detail: { code } });
  return ledger.rows;
}

const host = (size: number, key = "host cosign"): Witness => ({ host: world.host, key, size, at: NOW - 5 });

/** The edge lists these notes; the first is the newest. */
function list(notes: readonly string[]): void {
  const honest = log.answer.bind(log);
  log.answer = async (name, input) => {
    const answer = await honest(name, input);
    const checkpoints = notes.map((note) => ({ note, at: NOW }));
    return name === "checkpoints" ? { ...(answer as object), checkpoints } : answer;
  };
}

async function listed(): Promise<CheckpointList> {
  const deps = far.deps();
  const trust = new TrustKeeper(deps);
  const source = new LedgerSource(deps.client);
  const checkpoints = new Checkpoints({ source, trust, vault: deps.vault });
  await checkpoints.refresh();
  const all = new CheckpointList({ source, trust, checkpoints });
  await all.load();
  return all;
}

async function viewOf(): Promise<CheckpointsView> {
  const { value } = (await listed()).view;
  if (value.state !== "ready") throw new Error(value.state);
  return value.value;
}

describe("the newest checkpoints", () => {
  it("come with who cosigned each, and who did not", async () => {
    list([await log.note(20), await log.note(18, [host(18)]), await log.note(9, [host(9, "stranger")])]);
    const { rows, unproven } = await viewOf();
    expect(unproven).toBe(0);
    const label = rows[1]?.by[0];
    expect(rows).toEqual([
      { size: 20, at: NOW, by: [], notBy: [label] },
      { size: 18, at: NOW, by: [label], notBy: [] },
      { size: 9, at: NOW, by: [], notBy: [label] },
    ]);
  });

  it("are not shown where they are of another log, or signed by another key", async () => {
    const other = new SignedLog(world.workspace, history("another"), { now: NOW });
    const stranger = new SignedLog(world.workspace, log.rows, { now: NOW });
    stranger.key = "stranger";
    list([await log.note(20), await other.note(18, [host(18)]), await stranger.note(17, [host(17)])]);
    const { rows, unproven } = await viewOf();
    expect(rows.map(({ size }) => size)).toEqual([20]);
    expect(unproven).toBe(2);
  });

  it("say so when the edge does not answer, and are forgotten at sign-out", async () => {
    const all = await listed();
    far.isSilent = (name) => name === "checkpoints";
    await all.load();
    expect(all.view.value.state).toBe("failed");
    all.forget();
    expect(all.view.value.state).toBe("loading");
  });
});
