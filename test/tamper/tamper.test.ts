/**
 * The tamper campaign against copies of the log: every value of every entry in every way, and what else somebody could do
 * to a file. CLAWHOLD_TAMPER=table prints what found what.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { auditRules } from "../../protocol/audit/findings.ts";
import { fileRules } from "../../agent/verify/report.ts";
import { chainLines, makeTown, noteOf, chainOf, type LogTown } from "../fixtures/log-file.ts";
import { aloneOf, tableOf, tried, type Outcome } from "./campaign.ts";
import { fieldTampers, rowTampers } from "./every-row.ts";
import { namedTampers } from "./tampers.ts";

const mode = process.env["CLAWHOLD_TAMPER"];

/** Milliseconds: hundreds of files, each with real signatures. */
const PATIENCE = 600_000;

let town: LogTown;
const outcomes: Outcome[] = [];

beforeAll(async () => {
  town = await makeTown();
});

describe("nobody changes a copy of the log unnoticed", () => {
  it("and the honest one is fine, so that what is found is the tampering", async () => {
    const notes = [await noteOf(town, { rows: chainOf(town.world.workspace, town.drafts), cosigners: town.hosts })];
    const lines = await chainLines(town, { notes });
    const outcome = await tried(
      { name: "nothing", power: "the file", by: "root", make: () => Promise.resolve({ lines }) },
      town,
    );
    expect(outcome.found).toEqual([]);
  });

  it.each(namedTampers)("$power: $name", async (tamper) => {
    const outcome = await tried(tamper, town);
    outcomes.push(outcome);
    expect(outcome.found).toContain(tamper.by);
  });

  it(
    "any row",
    async () => {
      for (const tamper of rowTampers(town)) {
        const outcome = await tried(tamper, town);
        outcomes.push(outcome);
        expect(outcome.found, tamper.name).toContain(tamper.by);
      }
    },
    PATIENCE,
  );

  it(
    "any value of any entry",
    async () => {
      for (const tamper of fieldTampers(town)) {
        const outcome = await tried(tamper, town);
        outcomes.push(outcome);
        expect(outcome.found, tamper.name).toContain(tamper.by);
      }
    },
    PATIENCE,
  );
});

/** These never stand alone, each for the reason beside it. */
const NEVER_ALONE: Readonly<Record<string, string>> = {
  entry_gap: "an entry that is missing is missing in the tree too",
};

describe("each check is needed", () => {
  it("by a tampering that nothing else finds: without the check it would pass", () => {
    const alone = new Set(outcomes.map(aloneOf));
    const wrong = [...Object.entries(fileRules), ...Object.entries(auditRules)]
      .filter(([, { weight }]) => weight === "wrong")
      .map(([code]) => code);
    const unneeded = wrong.filter((code) => !alone.has(code as Outcome["found"][number]) && !(code in NEVER_ALONE));
    if (mode === "table") console.log(tableOf(outcomes));
    expect(unneeded).toEqual([]);
    expect(outcomes.filter(({ isDetected }) => !isDetected)).toEqual([]);
  });
});
