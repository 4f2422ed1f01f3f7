/** The database's migrations, as the build put them beside the program. */
import { readFileSync } from "node:fs";
import * as v from "valibot";
import type { Migration } from "../../edge/d1.ts";
import { CliError } from "../io.ts";

const migrationsSchema = v.array(v.strictObject({ name: v.string(), sql: v.string() }));

export function readMigrations(path: string): readonly Migration[] {
  try {
    return v.parse(migrationsSchema, JSON.parse(readFileSync(path, "utf8")));
  } catch {
    throw new CliError(
      "bundle_missing",
      `The build beside this program is incomplete (${path}). Build it again: npm start does it by itself.`,
    );
  }
}
