/** The signed word about how long the log is: bent, older, of another past, or cosigned before its time. */
import { noteSignerOf } from "../../agent/shared/signer.ts";
import { seedOf } from "../fixtures/keys.ts";
import { chainLines, chainOf, noteOf, type EntryDraft, type LogTown } from "../fixtures/log-file.ts";
import { NOW } from "../fixtures/workspace.ts";
import { rowsOf, type Tamper, type Tampered } from "./tamper.ts";

export const checkpoints: readonly Tamper[] = [
  {
    name: "the checkpoint's root changed",
    power: "the file",
    by: "checkpoint_signature",
    make: bentNote((note) =>
      note.replace(
        /\n([A-Za-z0-9+/])([A-Za-z0-9+/]{42}=)\n/,
        (_all, first: string, rest: string) => `\n${first === "B" ? "C" : "B"}${rest}\n`,
      ),
    ),
  },
  {
    name: "the checkpoint's size changed",
    power: "the file",
    by: "checkpoint_signature",
    make: bentNote((note) => note.replace("\n17\n", "\n16\n")),
  },
  {
    name: "the checkpoint with an extension line",
    power: "the file",
    by: "checkpoint_malformed",
    make: bentNote((note) => note.replace("\n\n", "\nmore\n\n")),
  },
  {
    name: "signed by another ledger key",
    power: "the database",
    by: "checkpoint_signature",
    make: async (town) => ({
      lines: await chainLines(town, {
        notes: [await noteOf(town, { rows: rowsOf(town), signer: noteSignerOf(seedOf("attacker")) })],
      }),
    }),
  },
  {
    name: "an older checkpoint over all entries",
    power: "the file",
    by: "uncovered",
    make: async (town) => ({
      lines: await chainLines(town, { notes: [await noteOf(town, { rows: rowsOf(town).slice(0, 15) })] }),
    }),
  },
  {
    name: "a host's cosigned checkpoint of another past in it",
    power: "the ledger key",
    by: "checkpoint_other",
    make: async (town) => {
      const rows = rowsOf(town);
      const other = chainOf(town.world.workspace, town.drafts.toSpliced(2, 1)).slice(0, 9);
      return {
        lines: await chainLines(town, {
          notes: [
            await noteOf(town, { rows, cosigners: town.hosts }),
            await noteOf(town, { rows: other, cosigners: town.hosts }),
          ],
        }),
      };
    },
  },
  {
    name: "tomorrow's entries, cosigned by all hosts today",
    power: "the ledger key",
    by: "cosigned_early",
    make: async (town) => {
      const late: EntryDraft = {
        actor: { kind: "edge" },
        action: "alert.raised",
        detail: { code: "other" },
        at: (NOW + 86_400) * 1_000,
      };
      const rows = rowsOf({ ...town, drafts: [late] });
      return { lines: await chainLines(town, { rows, notes: [await noteOf(town, { rows, cosigners: town.hosts })] }) };
    },
  },
];

function bentNote(change: (note: string) => string) {
  return async (town: LogTown): Promise<Tampered> => {
    const honest = await noteOf(town, { rows: rowsOf(town), cosigners: town.hosts });
    const bent = change(honest);
    if (bent === honest) throw new Error("the note was not bent");
    return { lines: await chainLines(town, { notes: [bent] }) };
  };
}
