/** Pieces of another workspace's honest past, each rightly signed there. */
import { nonceOf } from "../fixtures/keys.ts";
import { chainLines, chainOf, noteOf, ReceiptMaker, trustLines, type LogTown } from "../fixtures/log-file.ts";
import { makeWorld } from "../fixtures/workspace.ts";
import { rewritten, rowsOf, type Tamper } from "./tamper.ts";

/** Another workspace with the same hosts' names: its keys are real, its past is not this one. */
async function elsewhere(): Promise<LogTown["world"]> {
  return makeWorld((draft) => {
    draft.root["at"] = 1_700_000_000;
  });
}

export const grafts: readonly Tamper[] = [
  {
    name: "a receipt that the host signed for another workspace",
    power: "the ledger key",
    by: "receipt_foreign",
    make: rewritten(async (drafts, { hosts }) => {
      const [host] = hosts;
      if (host === undefined) throw new RangeError("a host");
      const maker = new ReceiptMaker(await elsewhere(), host);
      await maker.next(nonceOf("one"));
      await maker.next(nonceOf("two"));
      return drafts.with(15, await maker.next(drafts[14]?.detail.intent ?? ""));
    }),
  },
  {
    name: "the trust log of another workspace",
    power: "the file",
    by: "trust_root",
    make: async (town) => {
      const world = await elsewhere();
      return { lines: await chainLines(town, { trust: trustLines({ ...town, world }) }) };
    },
  },
  {
    name: "the checkpoint of another workspace",
    power: "the file",
    by: "checkpoint_workspace",
    make: async (town) => {
      const rows = rowsOf(town);
      return {
        lines: await chainLines(town, { notes: [await noteOf({ ...town, world: await elsewhere() }, { rows })] }),
      };
    },
  },
  {
    name: "entries of another workspace, all of them signed",
    power: "the ledger key",
    by: "entry_workspace",
    make: async (town) => {
      const rows = chainOf((await elsewhere()).workspace, town.drafts);
      return { lines: await chainLines(town, { rows, notes: [await noteOf(town, { rows })] }) };
    },
  },
  {
    name: "a kept checkpoint of another workspace",
    power: "the file",
    by: "kept_workspace",
    make: async (town) => ({
      lines: await chainLines(town),
      kept: await noteOf({ ...town, world: await elsewhere() }, { rows: rowsOf(town) }),
    }),
  },
];
