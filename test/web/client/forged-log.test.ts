/** An edge with the ledger key and true cosignatures, which shows something else beside them. */
import { describe, expect, it } from "vitest";
import { COSIGN_SKEW_SECONDS } from "../../../protocol/checkpoint.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { noteSignerOf } from "../../fixtures/witnessed-log.ts";
import { NOW, stated } from "../../fixtures/workspace.ts";
import { bendRows, logVisits, refuseProofs, showInstead, shownAs } from "./log-visits.ts";
import { SignedLog } from "./signed-log.ts";

const visits = logVisits();
const { cutTo, history, signed, visit } = visits;

describe("rows that end before the signed log does", () => {
  const reason = "The signed log has 20 entries, and those that are shown end at 15: it was cut.";

  it("are a log that was cut, with both sizes", async () => {
    bendRows(signed(visits.rows), cutTo(15));
    const activity = await visit();
    expect(activity.status.value).toMatchObject({ verified: 0, failure: { index: 16, reason, of: "log" } });
    expect(visits.far.kept.get("ledger")).toBeUndefined();
  });

  it("as well where there are none at all", async () => {
    bendRows(signed(visits.rows), (answer) => ({ ...answer, rows: [], head: { index: 0, hash: "" } }));
    expect((await visit()).status.value.failure?.reason).toContain("those that are shown end at 0");
  });

  it("are that when they fall behind while the page is open, once they were read after the checkpoint was", async () => {
    const log = signed(visits.rows.slice(0, 15));
    const activity = await visit();
    log.rows.push(...visits.rows.slice(15));
    log.signed = 20;
    bendRows(log, cutTo(15));
    for (let looks = 0; looks < 8; looks += 1) await activity.refresh();
    // Entries beyond were never shown, so nothing seemed to wait for a checkpoint: it is asked for all the same.
    for (let looks = 0; looks < 4; looks += 1) await activity.refresh();
    expect(activity.status.value.failure).toMatchObject({ reason, of: "log" });
  });

  it("are none where they were read before: the next look brings the rest", async () => {
    const log = signed(visits.rows.slice(0, 15));
    log.signed = 10; // something waits for a checkpoint
    const activity = await visit();
    const honest = log.answer.bind(log);
    log.answer = async (name, input) => {
      if (name === "checkpoints" && log.rows.length === 15) {
        log.rows.push(...visits.rows.slice(15));
        log.signed = 20;
      }
      return honest(name, input);
    };
    for (let looks = 0; looks < 4; looks += 1) await activity.refresh();
    expect(activity.status.value).toMatchObject({ size: 20, verified: 20 });
    expect(activity.status.value.failure).toBeUndefined();
  });
});

describe("rows of another history under true checkpoints", () => {
  it("are neither witnessed nor passed over where no proof comes with them", async () => {
    const log = signed(visits.rows);
    showInstead(log, history("forged", 20));
    refuseProofs(log);
    const activity = await visit();
    expect(activity.status.value.verified).toBe(0);
    expect(activity.status.value.failure).toEqual({
      index: 20,
      reason: "Entry 20 comes without a proof, though a checkpoint covers it.",
      of: "entry",
    });
    expect(shownAs(activity, 10)).toEqual(["unsigned", "unverified"]);
  });

  it("are a failure in the middle too, where somebody scrolls to them", async () => {
    const log = signed(history("one", 400));
    const activity = await visit();
    expect(activity.status.value.failure).toBeUndefined();
    showInstead(log, history("forged", 400));
    refuseProofs(log, 150);
    activity.rows.want(91, 150);
    await expect.poll(() => activity.rows.item(91), { interval: 1 }).toBeDefined();
    expect(activity.status.value).toMatchObject({ verified: 0, failure: { index: 150, of: "entry" } });
    expect(shownAs(activity, 120)).toEqual(["unsigned", "unverified"]);
  });

  it("are not witnessed by what hosts cosigned before the page has read as far", async () => {
    const forged = new LedgerMaker(visits.world);
    for (let i = 0; i < 20; i += 1) forged.add({ action: "alert.raised", detail: { code: i < 17 ? "one" : "forged" } });
    const log = signed(visits.rows.slice(0, 17));
    const activity = await visit();
    showInstead(log, forged.rows);
    await activity.refresh();
    log.rows.push(...history("one", 25).slice(17));
    log.signed = 25;
    log.witnesses = [{ host: visits.world.host, key: "host cosign", size: 25, at: NOW }];
    await activity.refresh(); // reads the checkpoint, after the rows
    expect(activity.status.value.witness.size).toBe(25);
    expect(shownAs(activity, 17)).toEqual(["witnessed", "verified"]);
    expect(activity.rows.item(18)?.witnessed).toBe("signed");
    await activity.refresh();
    expect(activity.status.value.failure?.reason).toContain("has 25 entries, and those that are shown end at 20");
  });

  it("are not remembered: the honest log is not accused afterwards", async () => {
    const log = signed(visits.rows);
    showInstead(log, history("forged", 20));
    refuseProofs(log);
    await visit();
    expect(visits.far.kept.get("ledger")).toBeUndefined();
    signed(visits.rows);
    const activity = await visit();
    expect(activity.status.value).toMatchObject({ verified: 20 });
    expect(activity.status.value.failure).toBeUndefined();
    expect(visits.far.kept.get("ledger")).toEqual({ index: 20, hash: visits.rows[19]?.hash });
  });

  it("that only hang on the end of the signed log are neither witnessed nor remembered", async () => {
    const forged = new LedgerMaker(visits.world);
    for (let i = 0; i < 20; i += 1) forged.add({ action: "alert.raised", detail: { code: i < 17 ? "one" : "forged" } });
    const log = signed(visits.rows.slice(0, 17));
    bendRows(log, (answer) => ({
      ...answer,
      rows: [...forged.rows.slice(17).toReversed(), ...answer.rows],
      head: forged.head,
    }));
    const activity = await visit();
    expect(shownAs(activity, 17)).toEqual(["witnessed", "verified"]);
    expect(shownAs(activity, 18)).toEqual(["unsigned", "verified"]);
    expect(visits.far.kept.get("ledger")).toEqual({ index: 17, hash: visits.rows[16]?.hash });
  });

  it("lose what was said of them when the checkpoint that covers them has other entries", async () => {
    const ledger = new LedgerMaker(visits.world);
    for (let i = 0; i < 20; i += 1) ledger.add({ action: "alert.raised", detail: { code: i < 17 ? "one" : "forged" } });
    const log = signed(visits.rows.slice(0, 17));
    const activity = await visit();
    showInstead(log, ledger.rows);
    await activity.refresh();
    expect(shownAs(activity, 19)).toEqual(["unsigned", "verified"]);
    log.rows.push(...visits.rows.slice(17));
    log.signed = 20;
    log.witnesses = [{ host: visits.world.host, key: "host cosign", size: 20, at: NOW }];
    for (let looks = 0; looks < 4; looks += 1) await activity.refresh();
    expect(activity.status.value.failure?.reason).toBe("Entry 20 is not the one in the signed log.");
    expect(shownAs(activity, 19)).toEqual(["unsigned", "unverified"]);
    expect(shownAs(activity, 17)).toEqual(["witnessed", "verified"]);
  });

  it("are shown as that in a filtered list too", async () => {
    const forged = history("forged", 400);
    bendRows(signed(history("one", 400)), ({ inclusion, checkpoint, ...answer }) =>
      inclusion === undefined && checkpoint === undefined
        ? answer
        : { ...answer, rows: answer.rows.map((row) => forged[row.index - 1] ?? row) },
    );
    const matches = (await visit()).find({ actions: ["alert.raised"] });
    const brokenAt = (index: number) => matches.items.value.find((item) => item.index === index)?.broken;
    while (brokenAt(190) === undefined) {
      await expect.poll(() => matches.state.value.looking, { interval: 1 }).toBe(false);
      matches.more();
    }
    expect(brokenAt(190)).toBe("Entry 190 comes without a proof, though a checkpoint covers it.");
    matches.stop();
  });

  it("break the seal of an entry whose proof is kept back when somebody opens it", async () => {
    const log = signed(visits.rows);
    const activity = await visit();
    refuseProofs(log);
    const proof = activity.proof(5);
    await expect.poll(() => proof.value.state).toBe("ready");
    expect(proof.value).toMatchObject({ value: { entry: { seal: { state: "failed" } }, cosigners: [] } });
  });

  it("what an earlier visit saw is proven again, not only claimed", async () => {
    signed(visits.rows.slice(0, 20));
    await visit();
    refuseProofs(signed(history("one", 400)), 20);
    const { failure } = (await visit()).status.value;
    expect(failure?.reason).toBe("Entry 20 comes without a proof, though a checkpoint covers it.");
  });
});

describe("the newest checkpoint", () => {
  async function rotate(): Promise<void> {
    const [dispatchKey, ledgerKey] = [await noteSignerOf("dispatch two"), await noteSignerOf("ledger two")];
    const body = { dispatchKey: dispatchKey.publicKey, ledgerKey: ledgerKey.publicKey };
    const by = visits.world.people.ada.passkey;
    const rotation = await stated({ state: visits.world.state, by }, { kind: "root.rotate", body });
    visits.far.trust = { root: visits.world.root, statements: [...visits.world.statements, rotation] };
  }

  it("counts under the present ledger key only", async () => {
    signed(visits.rows);
    await rotate();
    const { failure, verified } = (await visit()).status.value;
    expect(verified).toBe(0);
    expect(failure?.reason).toContain("is signed by a ledger key that was replaced");
    expect(visits.far.kept.get("checkpoint")).toBeUndefined();
  });

  it("of the present key stands, and what the key before signed of the same log counts beside it", async () => {
    await rotate();
    const log = signed(visits.rows);
    log.key = "ledger two";
    const before = new SignedLog(visits.world.workspace, visits.rows, { now: NOW });
    const note = await before.note(18, [{ host: visits.world.host, key: "host cosign", size: 18, at: NOW }]);
    const honest = log.answer.bind(log);
    log.answer = async (name, input) => {
      const answer = (await honest(name, input)) as { witnesses?: { note: string }[] };
      for (const witness of answer.witnesses ?? []) witness.note = note;
      return answer;
    };
    const { failure, verified, witness } = (await visit()).status.value;
    expect({ failure, verified, size: witness.size }).toEqual({ failure: undefined, verified: 20, size: 18 });
  });
});

describe("a cosignature that is older than the entries", () => {
  it("witnesses none of them, nor what lies behind them", async () => {
    const ledger = new LedgerMaker(visits.world);
    for (let i = 1; i <= 20; i += 1) {
      const at = i === 12 ? NOW + COSIGN_SKEW_SECONDS + 1 : NOW;
      ledger.add({ action: "alert.raised", detail: { code: "one" }, at });
    }
    signed(ledger.rows);
    const activity = await visit();
    expect(activity.status.value).toMatchObject({ verified: 20, witness: { size: 11 } });
    expect([11, 12, 20].map((index) => activity.rows.item(index)?.witnessed)).toEqual([
      "witnessed",
      "signed",
      "signed",
    ]);
    const proof = activity.proof(12);
    await expect.poll(() => proof.value.state).toBe("ready");
    expect(proof.value).toMatchObject({ value: { cosigners: [] } });
  });

  it("witnesses what happened within the difference that clocks may have", async () => {
    signed(history("one", 20, NOW + COSIGN_SKEW_SECONDS));
    expect((await visit()).status.value.witness.size).toBe(20);
  });
});
