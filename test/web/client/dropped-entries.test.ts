/** An edge that says of entries that they were dropped: believed where the signed log says so, and nowhere else. */
import { describe, expect, it } from "vitest";
import type { ActivityRow } from "../../../protocol/contracts.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { bendRows, logVisits, type Answer } from "./log-visits.ts";

const visits = logVisits();
const { cutTo, history, signed, visit } = visits;

describe("entries that are said to be dropped", () => {
  /** Entry 17 says that everything up to `last` was. */
  function dropping(last: number): readonly ActivityRow[] {
    const ledger = new LedgerMaker(visits.world);
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
    ["of which no entry tells", () => visits.rows, 15],
    ["of which an entry tells for fewer of them", () => dropping(14), 15],
    ["of which an entry tells that came before them", () => dropping(18), 18],
    ["that are the whole log", () => visits.rows, 20],
    ["that are more than the log", () => visits.rows, 1_000],
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
    const ledger = new LedgerMaker(visits.world);
    const segment = { n: 1, first: 1, last: 15, hash: nonceOf("x") };
    for (let i = 1; i <= 1_500; i += 1)
      if (i !== 30) ledger.add({ action: "host.connected", detail: {}, at: NOW + i * 600 });
      else ledger.add({ action: "ledger.dropped", detail: { segment }, at: NOW + i * 600 });
    const log = signed(ledger.rows);
    bendRows(log, (answer) => ({ ...answer, droppedTo: 15 }));
    visits.far.segments = [{ ...segment, sealedAt: NOW, newest: NOW, droppedAt: NOW + 30 * 600 + 5 }];
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
    signed(visits.rows);
    await visit();
    bendRows(signed(history("one", 20)), claim(15));
    expect((await visit()).status.value.failure?.reason).toContain("no entry of the log says so");
  });
});
