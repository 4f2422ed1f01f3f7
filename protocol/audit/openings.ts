/** Whether the personal values beside an entry are those that it commits to. */
import { commit, personalFields, type LedgerEntry, type PersonalField } from "../ledger.ts";
import type { AuditCode } from "./findings.ts";

/** A value and its salt, as rows carry them. */
export type Openings = {
  readonly [field in PersonalField]?: { readonly salt: string; readonly value: string } | undefined;
};

export interface JudgedOpenings {
  readonly wrong: readonly { readonly code: AuditCode; readonly field: PersonalField }[];
  /** Committed to, and not here. */
  readonly missing: readonly PersonalField[];
}

export function judgeOpenings(entry: LedgerEntry, openings: Openings): JudgedOpenings {
  const wrong: { code: AuditCode; field: PersonalField }[] = [];
  const missing: PersonalField[] = [];
  for (const field of personalFields) {
    const [committed, opening] = [entry[field], openings[field]];
    if (committed === undefined && opening !== undefined) wrong.push({ code: "opening_misplaced", field });
    if (committed === undefined) continue;
    if (opening === undefined) missing.push(field);
    else if (commit({ field, salt: opening.salt, value: opening.value }) !== committed)
      wrong.push({ code: "opening_other", field });
  }
  return { wrong, missing };
}
