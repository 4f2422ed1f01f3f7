/** An edge with the ledger key and true cosignatures, which shows something else beside them. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ActivityRow } from "../../../protocol/contracts.ts";
import { COSIGN_SKEW_SECONDS } from "../../../protocol/checkpoint.ts";
import { Activity } from "../../../web/client/activity.ts";
import { TroubleError } from "../../../web/client/trouble.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { noteSignerOf } from "../../fixtures/witnessed-log.ts";
import { makeWorld, NOW, stated, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import { SignedLog } from "./signed-log.ts";

let world: World;
let rows: readonly ActivityRow[];
let far: FarEnd;

beforeAll(async () => {
  world = await makeWorld();
  rows = history("one", 20);
});

beforeEach(() => {
  far = new FarEnd(world);
});

function history(code: string, size: number, at = NOW): readonly ActivityRow[] {
  const ledger = new LedgerMaker(world);
  for (let i = 0; i < size; i += 1) ledger.add({ action: "alert.raised", detail: { code }, at });
  return ledger.rows;
}

/** Signed whole, and cosigned by the only host. */
function signed(shown: readonly ActivityRow[], size = shown.length): SignedLog {
  const log = new SignedLog(world.workspace, shown, { now: NOW, signed: size });
  log.witnesses = [{ host: world.host, key: "host cosign", size, at: NOW }];
  far.log = log;
  return log;
}

interface Answer {
  rows: readonly ActivityRow[];
  head: { readonly index: number; readonly hash: string };
  droppedTo?: number;
  inclusion?: unknown;
  checkpoint?: unknown;
}

/** What the log says of its rows, changed on its way. */
function bendRows(log: SignedLog, bend: (answer: Answer) => Answer): void {
  const honest = log.answer.bind(log);
  log.answer = async (name, input) => {
    const answer = await honest(name, input);
    return name === "activity" ? bend(answer as Answer) : answer;
  };
}

function refuseProofs(log: SignedLog, upTo = Infinity): void {
  const honest = log.answer.bind(log);
  log.answer = async (name, input) => {
    if (name === "entryProof" && Number(input.params["index"]) <= upTo)
      throw new TroubleError({ code: "not_found", what: "There is nothing here." });
    return honest(name, input);
  };
}

/** Rows of another history, beside the checkpoints of this one. */
function showInstead(log: SignedLog, other: readonly ActivityRow[]): void {
  const forged = new SignedLog(world.workspace, other, { now: NOW });
  const honest = log.answer.bind(log);
  log.answer = (name, input) => (name === "activity" ? forged.answer(name, input) : honest(name, input));
}

async function visit(): Promise<Activity> {
  const deps = far.deps();
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  await activity.refresh();
  return activity;
}

const shownAs = (activity: Activity, index: number) => {
  const item = activity.rows.item(index);
  return [item?.witnessed, item?.entry?.seal.state];
};

const cutTo = (last: number) => (answer: Answer) => ({
  ...answer,
  rows: answer.rows.filter(({ index }) => index <= last),
  head: { index: last, hash: rows[last - 1]?.hash ?? "" },
});

describe("rows that end before the signed log does", () => {
  const reason = "The signed log has 20 entries, and those that are shown end at 15: it was cut.";

  it("are a log that was cut, with both sizes", async () => {
    bendRows(signed(rows), cutTo(15));
    const activity = await visit();
    expect(activity.status.value).toMatchObject({ verified: 0, failure: { index: 16, reason, of: "log" } });
    expect(far.kept.get("ledger")).toBeUndefined();
  });

  it("as well where there are none at all", async () => {
    bendRows(signed(rows), (answer) => ({ ...answer, rows: [], head: { index: 0, hash: "" } }));
    expect((await visit()).status.value.failure?.reason).toContain("those that are shown end at 0");
  });

  it("are that when they fall behind while the page is open, once they were read after the checkpoint was", async () => {
    const log = signed(rows.slice(0, 15));
    const activity = await visit();
    log.rows.push(...rows.slice(15));
    log.signed = 20;
    bendRows(log, cutTo(15));
    for (let looks = 0; looks < 8; looks += 1) await activity.refresh();
    // Entries beyond were never shown, so nothing seemed to wait for a checkpoint: it is asked for all the same.
    for (let looks = 0; looks < 4; looks += 1) await activity.refresh();
    expect(activity.status.value.failure).toMatchObject({ reason, of: "log" });
  });

  it("are none where they were read before: the next look brings the rest", async () => {
    const log = signed(rows.slice(0, 15));
    log.signed = 10; // something waits for a checkpoint
    const activity = await visit();
    const honest = log.answer.bind(log);
    log.answer = async (name, input) => {
      if (name === "checkpoints" && log.rows.length === 15) {
        log.rows.push(...rows.slice(15));
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
    const log = signed(rows);
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
    const forged = new LedgerMaker(world);
    for (let i = 0; i < 20; i += 1) forged.add({ action: "alert.raised", detail: { code: i < 17 ? "one" : "forged" } });
    const log = signed(rows.slice(0, 17));
    const activity = await visit();
    showInstead(log, forged.rows);
    await activity.refresh();
    log.rows.push(...history("one", 25).slice(17));
    log.signed = 25;
    log.witnesses = [{ host: world.host, key: "host cosign", size: 25, at: NOW }];
    await activity.refresh(); // reads the checkpoint, after the rows
    expect(activity.status.value.witness.size).toBe(25);
    expect(shownAs(activity, 17)).toEqual(["witnessed", "verified"]);
    expect(activity.rows.item(18)?.witnessed).toBe("signed");
    await activity.refresh();
    expect(activity.status.value.failure?.reason).toContain("has 25 entries, and those that are shown end at 20");
  });

  it("are not remembered: the honest log is not accused afterwards", async () => {
    const log = signed(rows);
    showInstead(log, history("forged", 20));
    refuseProofs(log);
    await visit();
    expect(far.kept.get("ledger")).toBeUndefined();
    signed(rows);
    const activity = await visit();
    expect(activity.status.value).toMatchObject({ verified: 20 });
    expect(activity.status.value.failure).toBeUndefined();
    expect(far.kept.get("ledger")).toEqual({ index: 20, hash: rows[19]?.hash });
  });

  it("that only hang on the end of the signed log are neither witnessed nor remembered", async () => {
    const forged = new LedgerMaker(world);
    for (let i = 0; i < 20; i += 1) forged.add({ action: "alert.raised", detail: { code: i < 17 ? "one" : "forged" } });
    const log = signed(rows.slice(0, 17));
    bendRows(log, (answer) => ({
      ...answer,
      rows: [...forged.rows.slice(17).toReversed(), ...answer.rows],
      head: forged.head,
    }));
    const activity = await visit();
    expect(shownAs(activity, 17)).toEqual(["witnessed", "verified"]);
    expect(shownAs(activity, 18)).toEqual(["unsigned", "verified"]);
    expect(far.kept.get("ledger")).toEqual({ index: 17, hash: rows[16]?.hash });
  });

  it("lose what was said of them when the checkpoint that covers them has other entries", async () => {
    const ledger = new LedgerMaker(world);
    for (let i = 0; i < 20; i += 1) ledger.add({ action: "alert.raised", detail: { code: i < 17 ? "one" : "forged" } });
    const log = signed(rows.slice(0, 17));
    const activity = await visit();
    showInstead(log, ledger.rows);
    await activity.refresh();
    expect(shownAs(activity, 19)).toEqual(["unsigned", "verified"]);
    log.rows.push(...rows.slice(17));
    log.signed = 20;
    log.witnesses = [{ host: world.host, key: "host cosign", size: 20, at: NOW }];
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
    const log = signed(rows);
    const activity = await visit();
    refuseProofs(log);
    const proof = activity.proof(5);
    await expect.poll(() => proof.value.state).toBe("ready");
    expect(proof.value).toMatchObject({ value: { entry: { seal: { state: "failed" } }, cosigners: [] } });
  });

  it("what an earlier visit saw is proven again, not only claimed", async () => {
    signed(rows.slice(0, 20));
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
    const by = world.people.ada.passkey;
    const rotation = await stated({ state: world.state, by }, { kind: "root.rotate", body });
    far.trust = { root: world.root, statements: [...world.statements, rotation] };
  }

  it("counts under the present ledger key only", async () => {
    signed(rows);
    await rotate();
    const { failure, verified } = (await visit()).status.value;
    expect(verified).toBe(0);
    expect(failure?.reason).toContain("is signed by a ledger key that was replaced");
    expect(far.kept.get("checkpoint")).toBeUndefined();
  });

  it("of the present key stands, and what the key before signed of the same log counts beside it", async () => {
    await rotate();
    const log = signed(rows);
    log.key = "ledger two";
    const before = new SignedLog(world.workspace, rows, { now: NOW });
    const note = await before.note(18, [{ host: world.host, key: "host cosign", size: 18, at: NOW }]);
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
    const ledger = new LedgerMaker(world);
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

describe("entries that are said to be dropped", () => {
  /** Entry 17 says that everything up to `last` was. */
  function dropping(last: number): readonly ActivityRow[] {
    const ledger = new LedgerMaker(world);
    for (let i = 1; i <= 20; i += 1) {
      if (i !== 17) ledger.add({ action: "alert.raised", detail: { code: "one" } });
      else ledger.add({ action: "ledger.dropped", detail: { segment: { n: 1, first: 1, last, hash: nonceOf("x") } } });
    }
    return ledger.rows;
  }

  const claim = (to: number) => (answer: Answer) => ({
    ...answer,
    rows: answer.rows.filter(({ index }) => index > to),
    droppedTo: to,
  });

  it("are believed where the log says so", async () => {
    bendRows(signed(dropping(15)), claim(15));
    const { failure, verified, droppedTo } = (await visit()).status.value;
    expect({ failure, verified, droppedTo }).toEqual({ failure: undefined, verified: 20, droppedTo: 15 });
  });

  it("are no fact before that entry is proven, and nobody is accused of it", async () => {
    const shown = dropping(15);
    const log = signed(shown, 16);
    const isWritten = { yet: false };
    // The entry was written after the page read the rows, and before it asked who says that they were dropped.
    bendRows(log, (answer) => {
      const isFiltered = answer.inclusion !== undefined;
      const kept = isFiltered || isWritten.yet ? answer : cutTo(16)(answer);
      const head = kept === answer ? answer.head : { index: 16, hash: shown[15]?.hash ?? "" };
      return { ...claim(15)(kept), head };
    });
    const activity = await visit();
    expect(activity.status.value).toMatchObject({ size: 16, verified: 16 });
    expect(activity.status.value.droppedTo).toBeUndefined();
    isWritten.yet = true;
    log.signed = 20;
    for (let looks = 0; looks < 12; looks += 1) await activity.refresh();
    expect(activity.status.value).toMatchObject({ size: 20, verified: 20, droppedTo: 15 });
  });

  it.each<readonly [string, () => readonly ActivityRow[], number]>([
    ["of which no entry tells", () => rows, 15],
    ["of which an entry tells for fewer of them", () => dropping(14), 15],
    ["of which an entry tells that came before them", () => dropping(18), 18],
    ["that are the whole log", () => rows, 20],
    ["that are more than the log", () => rows, 1_000],
  ])("%s are a failure, and no fact", async (_, shown, to) => {
    bendRows(signed(shown()), claim(to));
    const { failure, droppedTo, verified } = (await visit()).status.value;
    expect(droppedTo).toBeUndefined();
    expect(verified).toBe(0);
    expect(failure).toMatchObject({
      reason: `The control plane says that entries 1 to ${to} were dropped, and no entry of the log says so.`,
      of: "log",
    });
  });

  it("are not the whole log, though an entry beyond its end says so", async () => {
    const shown = dropping(16);
    bendRows(signed(shown, 16), (answer) => ({
      ...(answer.inclusion === undefined ? claim(16)(answer) : answer),
      head: { index: 16, hash: shown[15]?.hash ?? "" },
      ...(answer.inclusion === undefined ? { rows: [] } : {}),
      droppedTo: 16,
    }));
    expect((await visit()).status.value.failure?.reason).toContain("entries 1 to 16 were dropped, and no entry");
  });

  it("are found by the moment that the edge names, however much was written since", async () => {
    const ledger = new LedgerMaker(world);
    const segment = { n: 1, first: 1, last: 15, hash: nonceOf("x") };
    for (let i = 1; i <= 1_500; i += 1)
      if (i !== 30) ledger.add({ action: "host.connected", detail: {}, at: NOW + i * 600 });
      else ledger.add({ action: "ledger.dropped", detail: { segment }, at: NOW + i * 600 });
    const log = signed(ledger.rows);
    bendRows(log, (answer) => ({ ...answer, droppedTo: 15 }));
    far.segments = [{ ...segment, sealedAt: NOW, newest: NOW, droppedAt: NOW + 30 * 600 + 5 }];
    const befores: (string | undefined)[] = [];
    const answer = log.answer.bind(log);
    log.answer = (name, input) => {
      if (input.query["action"] === "ledger.dropped") befores.push(input.query["before"]);
      return answer(name, input);
    };
    expect((await visit()).status.value.droppedTo).toBe(15);
    expect(befores).toEqual(["31"]);
  });

  it("do not excuse what this browser saw before", async () => {
    signed(rows);
    await visit();
    bendRows(signed(history("one", 20)), claim(15));
    expect((await visit()).status.value.failure?.reason).toContain("no entry of the log says so");
  });
});
