/**
 * The tamper campaign: everything that somebody can do to a copy of the log, by what they hold. Each makes a file (and what
 * its reader kept from earlier); `by` is the check that finds it.
 */
import { besideRows } from "./beside-rows.ts";
import { checkpoints } from "./checkpoints.ts";
import { frame } from "./frame.ts";
import { grafts } from "./grafts.ts";
import { newHistories } from "./new-histories.ts";
import { parts } from "./parts.ts";
import type { Tamper } from "./tamper.ts";
import { trustLog } from "./trust-log.ts";

/** Each with a name of its own: what the table of the campaign shows. */
export const namedTampers: readonly Tamper[] = [
  ...besideRows,
  ...grafts,
  ...frame,
  ...trustLog,
  ...checkpoints,
  ...newHistories,
  ...parts,
];
