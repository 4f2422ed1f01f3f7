/** Whole histories out of other entries, signed with the edge's own ledger key: what only hosts and people can contradict. */
import { noteSignerOf } from "../../agent/shared/signer.ts";
import { nonceOf, seedOf, signerOf } from "../fixtures/keys.ts";
import { chainLines, commandOn, noteOf, ReceiptMaker, type EntryDraft, type LogTown } from "../fixtures/log-file.ts";
import { hostBodyOf } from "../fixtures/workspace.ts";
import { entryOf, withEntry } from "./rows.ts";
import { rewritten, rewrittenBefore, rowsOf, type Tamper, type Tampered } from "./tamper.ts";

/** Indices of the story, from 0. */
const [RESTART, RECEIPT_ONE, REFUSED, RECEIPT_TWO, COUNT_ONE, LAST, RECEIPT_THREE] = [3, 4, 5, 6, 9, 14, 15] as const;

export const newHistories: readonly Tamper[] = [
  {
    name: "a receipt left out",
    power: "the ledger key",
    by: "unreported",
    make: rewritten((drafts) => drafts.toSpliced(RECEIPT_ONE, 1)),
  },
  {
    name: "a refused command left out with its receipt",
    power: "the ledger key",
    by: "unreported",
    make: rewritten((drafts) => drafts.toSpliced(REFUSED, 2)),
  },
  {
    name: "the acceptance of a command left out",
    power: "the ledger key",
    by: "unasked",
    make: rewritten((drafts) => drafts.toSpliced(LAST, 1)),
  },
  {
    name: "two receipts in another order",
    power: "the ledger key",
    by: "forked",
    make: rewritten((drafts) => [
      ...drafts.slice(0, RECEIPT_ONE),
      ...swap(drafts, RECEIPT_ONE, RECEIPT_TWO),
      ...drafts.slice(RECEIPT_TWO + 1),
    ]),
  },
  {
    name: "the entry says another verdict than the receipt",
    power: "the ledger key",
    by: "contradiction",
    make: rewritten((drafts) =>
      changedDraft(drafts, RECEIPT_THREE, (one) => ({ ...one, detail: { ...one.detail, verdict: "failed" } })),
    ),
  },
  {
    name: "the entry leaves out why the host refused",
    power: "the ledger key",
    by: "contradiction",
    make: rewritten((drafts) =>
      changedDraft(drafts, RECEIPT_TWO, (one) => ({ ...one, detail: withoutMember(one.detail, "code") })),
    ),
  },
  {
    name: "a receipt by a host that was never admitted",
    power: "the ledger key",
    by: "receipt_stranger",
    make: strangerReceipt,
  },
  {
    name: "a count of calls left out",
    power: "the ledger key",
    by: "uncounted",
    make: rewritten((drafts) => drafts.toSpliced(COUNT_ONE, 1)),
  },
  {
    name: "a count of calls made smaller",
    power: "the ledger key",
    by: "uncounted",
    make: rewritten((drafts) =>
      changedDraft(drafts, COUNT_ONE, (one) => ({ ...one, detail: { calls: { since: 1, total: 1 } } })),
    ),
  },
  {
    name: "the entry of an erasure left out",
    power: "the ledger key",
    by: "withheld",
    make: rewritten((drafts) => drafts.toSpliced(13, 1)),
  },
  {
    name: "a command told as another operation",
    power: "the ledger key",
    by: "evidence_told",
    make: rewritten((drafts) =>
      changedDraft(drafts, LAST, (one) => ({ ...one, detail: { ...one.detail, operation: "host.check@1" } })),
    ),
  },
  {
    name: "a command told as somebody else's",
    power: "the ledger key",
    by: "evidence_told",
    make: rewritten((drafts) =>
      changedDraft(drafts, LAST, (one) => ({ ...one, actor: { kind: "person", id: "p-otto" } })),
    ),
  },
  {
    name: "a command told at another time",
    power: "the ledger key",
    by: "evidence_refused",
    make: rewritten((drafts) => changedDraft(drafts, LAST, (one) => ({ ...one, at: 1_900_000_000_000 }))),
  },
  {
    name: "what somebody signed under another command",
    power: "the ledger key",
    by: "evidence_other",
    make: rewritten((drafts) => changedDraft(drafts, LAST, (one) => ({ ...one, ...submissionOf(drafts[RESTART]) }))),
  },
  { name: "an entry that does not name the one before", power: "the ledger key", by: "entry_previous", make: unlinked },
  { name: "an entry of no known form", power: "the ledger key", by: "entry_malformed", make: formless },
  {
    name: "the last word of a host that names another receipt",
    power: "the ledger key",
    by: "farewell_short",
    make: rewritten((drafts, { hosts }) => [
      ...drafts,
      {
        actor: { kind: "host", id: hosts[1]?.id ?? "" },
        action: "host.reset",
        target: hosts[1]?.id ?? "",
        detail: { receipt: nonceOf("later receipt") },
      },
    ]),
  },
  {
    name: "a person's command and its receipt left out at the end",
    power: "the ledger key",
    by: "unwitnessed",
    make: rewritten((drafts) => drafts.toSpliced(LAST, 2)),
  },
  {
    name: "a sign-in left out",
    power: "the ledger key",
    by: "unwitnessed",
    make: rewritten((drafts) => drafts.toSpliced(1, 1)),
  },
  {
    name: "a sign-in left out, before somebody who kept a checkpoint",
    power: "the ledger key",
    by: "kept_other",
    make: rewrittenBefore((drafts) => drafts.toSpliced(1, 1)),
  },
  {
    name: "an older state of everything, before somebody who kept a checkpoint",
    power: "the ledger key",
    by: "kept_longer",
    make: restored,
  },
  {
    name: "a kept checkpoint that the log never signed",
    power: "the file",
    by: "kept_signature",
    make: async (town) => ({
      lines: await chainLines(town),
      kept: await noteOf(town, { rows: rowsOf(town), signer: noteSignerOf(seedOf("attacker")) }),
    }),
  },
  {
    name: "a command signed under another trust log",
    power: "the ledger key",
    by: "evidence_head",
    make: rewritten(async (drafts, { world, hosts }) => {
      const host = hosts[2];
      if (host === undefined) throw new RangeError("a third host");
      const head = { ...world.state.head, hash: nonceOf("another history") };
      const accepted = await commandOn({ ...world, state: { ...world.state, head } }, host.id, "elsewhere");
      return [...drafts, accepted, await new ReceiptMaker(world, host).next(accepted.detail.intent ?? "")];
    }),
  },
  {
    name: "a receipt with a number that the host has used",
    power: "a host key",
    by: "forked",
    make: rewritten(async (drafts, { world, hosts }) => {
      const [host] = hosts;
      if (host === undefined) throw new RangeError("a host");
      const accepted = await commandOn(world, host.id, "cloned");
      const receipt = await new ReceiptMaker(world, host).next(accepted.detail.intent ?? "", { number: 3 });
      return [...drafts, accepted, receipt];
    }),
  },
];

const swap = (drafts: readonly EntryDraft[], one: number, two: number): EntryDraft[] => {
  const middle = drafts.slice(one + 1, two);
  const [first, second] = [drafts[one], drafts[two]];
  return first === undefined || second === undefined ? [] : [second, ...middle, first];
};

function changedDraft(
  drafts: readonly EntryDraft[],
  at_: number,
  change: (one: EntryDraft) => EntryDraft,
): EntryDraft[] {
  return drafts.map((one, i) => (i === at_ ? change(one) : one));
}

function withoutMember(detail: EntryDraft["detail"], member: string): EntryDraft["detail"] {
  return Object.fromEntries(Object.entries(detail).filter(([name]) => name !== member));
}

function submissionOf(draft: EntryDraft | undefined): { readonly submission?: Uint8Array } {
  return draft?.submission === undefined ? {} : { submission: draft.submission };
}

async function strangerReceipt(town: LogTown): Promise<Tampered> {
  const { host: id } = await hostBodyOf("stranger");
  const stranger = { id, signer: await signerOf("stranger") };
  return rewritten(async (drafts, { world }) => {
    const accepted = await commandOn(world, id, "stranger's");
    const receipt = await new ReceiptMaker(world, stranger).next(accepted.detail.intent ?? "");
    // Without evidence: what Ada signed names a host that exists.
    return [...drafts, { ...accepted, submission: new Uint8Array() }, receipt].map((one) =>
      one.submission?.length === 0 ? (withoutSubmission(one) as EntryDraft) : one,
    );
  })(town);
}

function withoutSubmission(draft: EntryDraft): object {
  return Object.fromEntries(Object.entries(draft).filter(([name]) => name !== "submission"));
}

async function unlinked(town: LogTown): Promise<Tampered> {
  const rows = rowsOf(town);
  const last = rows.at(-1);
  if (last === undefined) throw new RangeError("rows");
  const bent = [
    ...rows.slice(0, -1),
    withEntry(last, { ...entryOf(last), previous: nonceOf("nothing") }, { rehash: true }),
  ];
  return {
    lines: await chainLines(town, { rows: bent, notes: [await noteOf(town, { rows: bent, cosigners: town.hosts })] }),
  };
}

async function formless(town: LogTown): Promise<Tampered> {
  const rows = rowsOf(town);
  const last = rows.at(-1);
  if (last === undefined) throw new RangeError("rows");
  const bent = [...rows.slice(0, -1), withEntry(last, { ...entryOf(last), action: "root.granted" }, { rehash: true })];
  return {
    lines: await chainLines(town, { rows: bent, notes: [await noteOf(town, { rows: bent, cosigners: town.hosts })] }),
  };
}

/** A backup of database and objects, put back: signed long ago, cosigned long ago. */
async function restored(town: LogTown): Promise<Tampered> {
  const rows = rowsOf(town);
  const older = rows.slice(0, 15);
  const notes = [await noteOf(town, { rows: older, cosigners: town.hosts })];
  return { lines: await chainLines(town, { rows: older, notes }), kept: await noteOf(town, { rows }) };
}
