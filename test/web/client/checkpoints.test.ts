/** Checkpoints as a page reads them: whose word they are, what they cover, and which hosts have seen them. */
import { describe, expect, it } from "vitest";
import type { Activity } from "../../../web/client/activity.ts";
import type { WitnessView } from "../../../web/state/ledger.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { logVisits } from "./log-visits.ts";
import { SignedLog } from "./signed-log.ts";

const visits = logVisits();
const { history, show, visit } = visits;

function witnessesOf(activity: Activity): WitnessView {
  const view = activity.witnesses.value;
  if (view.state !== "ready") throw new Error(view.state);
  return view.value;
}

describe("the signed log", () => {
  it("is verified by its key, and everything shown stands in it", async () => {
    show(visits.rows);
    const activity = await visit();
    expect(activity.status.value).toMatchObject({ size: 20, verified: 20, signed: { size: 20, at: NOW } });
    expect(activity.rows.item(20)).toMatchObject({ witnessed: "signed", entry: { seal: { state: "verified" } } });
  });

  it("does not cover the newest entries yet: they hang on the ones that it covers", async () => {
    const log = show(visits.rows, 17);
    const activity = await visit();
    expect(log.asked.filter((name) => name === "entryProof")).toHaveLength(1); // no signature is asked for to be made
    expect(log.signed).toBe(17);
    expect(activity.status.value).toMatchObject({ size: 20, verified: 20, signed: { size: 17 } });
    expect(activity.rows.item(18)?.witnessed).toBe("unsigned");
    expect(activity.rows.item(17)?.witnessed).toBe("signed");
  });

  it("of another key is none", async () => {
    show(visits.rows).key = "stranger";
    const { failure, verified } = (await visit()).status.value;
    expect(verified).toBe(0);
    expect(failure).toMatchObject({
      of: "log",
      reason: expect.stringContaining("is not signed by the ledger key") as unknown,
    });
  });

  it("of another root than the rows is a failure of the rows", async () => {
    const log = show(visits.rows);
    log.rows.splice(0, 20, ...history("another", 20));
    await log.note(20); // the tree is of the other history
    log.rows.splice(0, 20, ...visits.rows);
    const { failure, verified } = (await visit()).status.value;
    expect(verified).toBe(0);
    expect(failure?.reason).toContain("is not the one in the signed log");
  });
});

describe("between two visits", () => {
  it("the log may grow", async () => {
    show(visits.rows.slice(0, 12));
    await visit();
    expect(visits.far.kept.get("checkpoint")).toMatchObject({ size: 12 });
    const log = show(visits.rows);
    const activity = await visit();
    expect(log.asked).toContain("consistency");
    expect(activity.status.value).toMatchObject({ verified: 20 });
    expect(activity.status.value.failure).toBeUndefined();
    expect(visits.far.kept.get("checkpoint")).toMatchObject({ size: 20 });
  });

  it("a log that was cut is said with both sizes, and is not what the next visit expects", async () => {
    show(visits.rows);
    await visit();
    show(visits.rows.slice(0, 15));
    const { failure, verified } = (await visit()).status.value;
    expect(failure).toEqual({
      index: 20,
      reason: "This browser saw a signed log of 20 entries, and what is shown now is one of 15 entries: it was cut.",
      of: "log",
    });
    expect(verified).toBe(0);
    expect(visits.far.kept.get("checkpoint")).toMatchObject({ size: 20 });
  });

  it("a log without any checkpoint is a log that was cut", async () => {
    show(visits.rows);
    await visit();
    visits.far.log = undefined;
    visits.far.rows = visits.rows;
    expect((await visit()).status.value.failure?.reason).toContain("what is shown now is one of 0 entries");
  });

  it("a rewritten log is said with both sizes, however well it is signed", async () => {
    show(visits.rows);
    await visit();
    show(history("rewritten", 30));
    const { failure } = (await visit()).status.value;
    expect(failure).toMatchObject({
      reason:
        "The log of 30 entries that is shown now does not begin with the 20 entries that this browser saw signed: it was rewritten.",
      of: "log",
    });
    expect(visits.far.kept.get("checkpoint")).toMatchObject({ size: 20 });
  });

  it("the same, of the same length", async () => {
    show(visits.rows);
    await visit();
    show(history("rewritten", 20));
    expect((await visit()).status.value.failure?.reason).toContain("it was rewritten");
  });
});

describe("witnesses", () => {
  it("count when their cosignature is over this log", async () => {
    const log = show(visits.rows);
    log.witnesses = [{ host: visits.world.host, key: "host cosign", size: 18, at: NOW - 5 }];
    const activity = await visit();
    expect(witnessesOf(activity)).toMatchObject({ eligible: 1, needed: 1, size: 18 });
    expect(witnessesOf(activity).hosts).toMatchObject([
      { host: visits.world.host, size: 18, at: NOW - 5, recent: true },
    ]);
    expect(activity.rows.item(18)?.witnessed).toBe("witnessed");
    expect(activity.rows.item(19)?.witnessed).toBe("signed");
    expect(activity.status.value.witness).toEqual({ eligible: 1, cosigned: 1, needed: 1, size: 18 });
  });

  it("do not count by another key's signature, and a day later they are named as silent", async () => {
    const log = show(visits.rows);
    log.witnesses = [{ host: visits.world.host, key: "stranger", size: 20, at: NOW }];
    expect(witnessesOf(await visit())).toMatchObject({ size: 0, hosts: [{ recent: false }] });
    log.witnesses = [{ host: visits.world.host, key: "host cosign", size: 20, at: NOW }];
    log.now = NOW + 86_401;
    expect(witnessesOf(await visit())).toMatchObject({ size: 20, hosts: [{ recent: false, size: 20 }] });
  });

  it("of another log are shown as that, with its size and root", async () => {
    const log = show(visits.rows);
    log.witnesses = [{ host: visits.world.host, key: "host cosign", size: 10, at: NOW }];
    const other = new SignedLog(visits.world.workspace, history("split", 10), { now: NOW });
    const note = await other.note(10, log.witnesses);
    const honest = log.answer.bind(log);
    log.answer = async (name, input) => {
      const answer = (await honest(name, input)) as { witnesses?: { note: string }[] };
      for (const witness of answer.witnesses ?? []) witness.note = note;
      return answer;
    };
    const [host] = witnessesOf(await visit()).hosts;
    expect(host).toMatchObject({ recent: false, other: { size: 10 } });
    expect(witnessesOf(await visit()).size).toBe(0);
  });

  it("and a writer that refuses to sign: both views come through", async () => {
    const view = { size: 3, root: nonceOf("root") };
    show(visits.rows).refused = { since: NOW, reason: "smaller", held: view, shown: view, host: visits.world.host };
    expect(witnessesOf(await visit()).refused).toMatchObject({ reason: "smaller", host: visits.world.hostBody.label });
  });
});
