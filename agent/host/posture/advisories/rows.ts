/** A list of advisories as a table with tabs: how it is written down in the program, one line for each. Pure. */
import * as v from "valibot";
import { advisoriesSchema, type Advisory } from "./format.ts";

/** @throws {v.ValiError} where a line is no advisory */
export function rowsIn(table: string): Advisory[] {
  const lines = table.split("\n").filter((line) => line.trim() !== "");
  return v.parse(
    advisoriesSchema.entries.advisories,
    lines.map((line) => {
      const [id, severity, introduced, fixed, title] = line.split("\t");
      return { id, severity, introduced, fixed, title: title?.trim() };
    }),
  );
}
