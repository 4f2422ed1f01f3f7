import { describe, expect, it } from "vitest";
import { mayPrepareAgain, mayPress, next, nothingSent, opened } from "../../../web/dialog/machine.ts";
import type { DialogEvent, DialogState } from "../../../web/dialog/machine.ts";
import type { CommandStep, PreparedCommand, ReceiptView, Retry } from "../../../web/state/backend.ts";
import { receipt } from "../fixtures/ledger.ts";

const command = { digest: "d" } as PreparedCommand;
const trouble = { code: "clock", what: "Too late." };
const step = (one: CommandStep): DialogEvent => ({ kind: "step", step: one });
const run = (...events: readonly DialogEvent[]) => events.reduce<DialogState>(next, opened);

const prepared: DialogEvent = { kind: "prepared", command };
const press: DialogEvent = { kind: "press", secondsLeft: 60 };
const approved = step({ kind: "approved", afterMs: 0 });
const ending = (retry: Retry, verdict: ReceiptView["verdict"] = "refused") =>
  step({ kind: "receipt", afterMs: 9, receipt: { ...receipt, verdict }, retry });

describe("the way of one command", () => {
  it("goes from question over the authenticator to a receipt", () => {
    expect(run().kind).toBe("preparing");
    expect(run(prepared).kind).toBe("question");
    expect(run(prepared, press)).toEqual({ kind: "authenticator", command, secondsLeft: 60 });
    const sent = run(
      prepared,
      press,
      approved,
      step({ kind: "ledgered", afterMs: 104, index: 17 }),
      step({ kind: "dispatched", afterMs: 212 }),
    );
    expect(sent).toEqual({
      kind: "sent",
      command,
      progress: { approvedMs: 0, ledgeredMs: 104, ledgerIndex: 17, dispatchedMs: 212 },
    });
    expect(next(sent, ending("none", "executed"))).toMatchObject({ kind: "receipt", receipt: { verdict: "executed" } });
  });

  it("goes back to the question when the authenticator is closed", () => {
    expect(run(prepared, press, step({ kind: "cancelled" }))).toEqual({
      kind: "question",
      command,
      closedAuthenticator: true,
    });
  });

  it("says so when the host cannot be asked, and asks again only when told", () => {
    const failed = run({ kind: "unprepared", trouble });
    expect(failed).toEqual({ kind: "unprepared", trouble });
    expect(next(failed, { kind: "prepare-again" })).toEqual(opened);
  });

  it("keeps what was reached when the answer stays away, and takes a late receipt", () => {
    const silent = run(prepared, press, approved, step({ kind: "silent", afterMs: 35_000 }));
    expect(silent).toMatchObject({ kind: "silent", progress: { approvedMs: 0 }, afterMs: 35_000 });
    expect(next(silent, ending("none", "executed")).kind).toBe("receipt");
  });
});

describe("pressing", () => {
  it("is possible on the question, and after a refusal whose challenge is still good", () => {
    expect(mayPress(run(prepared))).toBe(true);
    expect(mayPress(run(prepared, press, ending("press")))).toBe(true);
    expect(run(prepared, press, ending("press"), press).kind).toBe("authenticator");
  });

  it.each([
    ["preparing", run()],
    ["authenticator", run(prepared, press)],
    ["sent", run(prepared, press, approved)],
    ["silent", run(prepared, press, step({ kind: "silent", afterMs: 1 }))],
    ["receipt", run(prepared, press, ending("none", "executed"))],
    ["receipt that needs a new command", run(prepared, press, ending("prepare"))],
  ])("is not possible while %s", (_name, state) => {
    expect(mayPress(state)).toBe(false);
    expect(next(state, press)).toBe(state);
  });

  it("needs a new command when the challenge is gone", () => {
    const refused = run(prepared, press, step({ kind: "refused", by: "edge", trouble, retry: "prepare" }));
    expect(refused).toEqual({ kind: "refused", command, by: "edge", trouble, retry: "prepare" });
    expect(mayPrepareAgain(refused)).toBe(true);
    expect(next(refused, { kind: "prepare-again" })).toEqual(opened);
  });
});

describe("late and foreign events", () => {
  it("never reopen an ending", () => {
    const done = run(prepared, press, ending("none", "executed"));
    for (const event of [approved, step({ kind: "silent", afterMs: 1 }), step({ kind: "cancelled" }), prepared]) {
      expect(next(done, event)).toBe(done);
    }
  });

  it("never cancel what was sent", () => {
    const sent = run(prepared, press, approved);
    expect(next(sent, step({ kind: "cancelled" }))).toBe(sent);
    expect(next(sent, step({ kind: "authenticator", secondsLeft: 3 }))).toBe(sent);
  });

  it("never replace the question by another command", () => {
    const question = run(prepared);
    expect(next(question, { kind: "prepared", command: { digest: "other" } as PreparedCommand })).toBe(question);
  });

  it("know what has left this browser", () => {
    expect([run(), run(prepared), run(prepared, press)].every(nothingSent)).toBe(true);
    expect(nothingSent(run(prepared, press, approved))).toBe(false);
  });
});
