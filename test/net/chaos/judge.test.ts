/** The judge of chaos accuses: for each thing that must not happen, a made-up history in which it did. */
import { describe, expect, it } from "vitest";
import { ZERO_DIGEST } from "../../../protocol/messages.ts";
import {
  judge,
  type Accusation,
  type History,
  type HostEffects,
  type HostJournal,
  type JudgedCommand,
  type LedgerReceipt,
} from "./judge.ts";

const HOST = "host-a";

const restart: JudgedCommand = {
  intent: "i-restart",
  host: HOST,
  operation: "gateway.restart@1",
  boot: "boot-000001",
  acknowledged: true,
  isDenied: false,
  first: "executed",
  last: "executed",
  receipt: "r-1",
  isKnown: true,
};
const refused: JudgedCommand = {
  ...restart,
  intent: "i-late",
  operation: "host.check@1",
  boot: undefined,
  first: "refused: clock",
  last: "refused: clock",
  receipt: "r-2",
};

const receipts: readonly LedgerReceipt[] = [
  { host: HOST, intent: "i-restart", number: 1, previous: ZERO_DIGEST, verdict: "executed", digest: "r-1" },
  { host: HOST, intent: "i-late", number: 2, previous: "r-1", verdict: "refused", digest: "r-2" },
];

/** Nothing is wrong with it. */
const honest: History = {
  commands: [restart, refused],
  ledger: {
    entries: [
      { action: "command.accepted", intent: "i-restart" },
      { action: "command.receipt", intent: "i-restart" },
      { action: "command.accepted", intent: "i-late" },
      { action: "command.receipt", intent: "i-late" },
    ],
    receipts,
  },
  journals: [
    {
      host: HOST,
      receipts: receipts.map(({ number, digest }) => ({ number, digest })),
      unfinished: [],
      unacked: [],
    },
  ],
  effects: [{ host: HOST, executions: ["i-restart"], restarts: ["boot-000001"] }],
  away: [],
};

function withCommand(change: Partial<JudgedCommand>): History {
  return { ...honest, commands: [{ ...restart, ...change }, refused] };
}

function withEffects(change: Partial<HostEffects>): History {
  return { ...honest, effects: honest.effects.map((each) => ({ ...each, ...change })) };
}

function withLedger(change: Partial<History["ledger"]>): History {
  return { ...honest, ledger: { ...honest.ledger, ...change } };
}

function withJournal(change: Partial<HostJournal>): History {
  return { ...honest, journals: honest.journals.map((each) => ({ ...each, ...change })) };
}

const without = <T>(all: readonly T[], place: number): readonly T[] => all.filter((_, i) => i !== place);
const { entries } = honest.ledger;

const crimes: readonly { readonly what: string; readonly history: History; readonly is: readonly Accusation[] }[] = [
  {
    what: "an acknowledged command that nobody knows",
    history: {
      ...withCommand({ isKnown: false, first: undefined, last: undefined, receipt: undefined }),
      effects: [{ host: HOST, executions: [], restarts: [] }],
    },
    is: ["lost"],
  },
  {
    what: "a command without an answer, in the ledger and nowhere else",
    history: {
      ...withCommand({ acknowledged: false, isKnown: false, first: undefined, last: undefined, receipt: undefined }),
      effects: [{ host: HOST, executions: [], restarts: [] }],
    },
    is: ["lost"],
  },
  {
    what: "a command that ran again",
    history: withEffects({ executions: ["i-restart", "i-restart"] }),
    is: ["executed twice"],
  },
  {
    what: "a command that was accepted again",
    history: withLedger({ entries: [...entries, { action: "command.accepted", intent: "i-restart" }] }),
    is: ["executed twice"],
  },
  {
    what: "a boot that was ended and for which nobody signed",
    history: withEffects({ restarts: ["boot-000001", "boot-000002"] }),
    is: ["executed twice"],
  },
  {
    what: "a boot that was ended twice",
    history: withEffects({ restarts: ["boot-000001", "boot-000001"] }),
    is: ["executed twice"],
  },
  {
    what: "a command without an end",
    history: withCommand({ first: undefined, last: undefined, receipt: undefined }),
    is: ["stuck"],
  },
  { what: "a begun command without an end", history: withJournal({ unfinished: ["i-restart"] }), is: ["stuck"] },
  {
    what: "a page that says one end and then another",
    history: withCommand({ first: "interrupted" }),
    is: ["changed its mind"],
  },
  {
    what: "a refused command that ran",
    history: withEffects({ executions: ["i-restart", "i-late"] }),
    is: ["untrue"],
  },
  { what: "a command that was called not done and ran", history: withCommand({ isDenied: true }), is: ["untrue"] },
  { what: "an executed command that never ran", history: withEffects({ executions: [] }), is: ["untrue"] },
  {
    what: "an acceptance that the ledger does not know",
    history: withLedger({ entries: without(entries, 0) }),
    is: ["not in the ledger"],
  },
  {
    what: "a receipt that only the page knows",
    history: withCommand({ receipt: "r-3" }),
    is: ["not in the ledger"],
  },
  {
    what: "an unsigned refusal without an entry",
    history: { ...honest, commands: [restart, { ...refused, receipt: undefined }] },
    is: ["not in the ledger"],
  },
  { what: "an entry that does not follow", history: withLedger({ fault: "entry 3: hash" }), is: ["ledger broken"] },
  {
    what: "a receipt number that is missing",
    history: {
      ...withLedger({ receipts: without(receipts, 0) }),
      commands: [refused],
      effects: [{ host: HOST, executions: [], restarts: [] }],
    },
    is: ["receipt missing", "receipt missing", "receipt missing"],
  },
  {
    what: "a receipt that does not name the one before",
    history: withLedger({ receipts: receipts.map((each) => ({ ...each, previous: ZERO_DIGEST })) }),
    is: ["receipt missing"],
  },
  { what: "a receipt that was never acknowledged", history: withJournal({ unacked: [2] }), is: ["receipt missing"] },
  {
    what: "a journal that no agent would start over",
    history: withJournal({ receipts: [], fault: "line 10: an intent begins twice" }),
    is: ["journal damaged"],
  },
  { what: "a tunnel that stays away", history: { ...honest, away: ["attic"] }, is: ["host away"] },
];

describe("the judge of a run", () => {
  it("has nothing against an honest history", () => {
    expect(judge(honest)).toEqual([]);
  });

  it("lets a command go that was never answered and never arrived", () => {
    const never = { ...restart, intent: "i-never", acknowledged: false, isKnown: false };
    const gone = { ...never, first: undefined, last: undefined, receipt: undefined };
    expect(judge({ ...honest, commands: [...honest.commands, gone] })).toEqual([]);
  });

  it.each(crimes)("accuses: $what", ({ history, is }) => {
    expect(judge(history).map(({ accusation }) => accusation)).toEqual(is);
  });
});
