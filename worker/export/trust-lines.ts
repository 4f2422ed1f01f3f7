/** A page of the trust log as lines of a file, none longer than a reader must take. Pure. */
import { MAX_LEDGER_LINE } from "../../protocol/ledger-file.ts";
import type { TrustPage } from "../../protocol/trust/statements.ts";

/** Leaves room for the line around it; one statement alone is far smaller. */
const MAX_PAGE_CHARACTERS = MAX_LEDGER_LINE / 2;

export function splitTrustPage({ root, statements }: TrustPage): readonly TrustPage[] {
  const pages: TrustPage["statements"][] = [[]];
  let size = root === undefined ? 0 : JSON.stringify(root).length;
  for (const statement of statements) {
    const length = JSON.stringify(statement).length;
    if (size > 0 && size + length > MAX_PAGE_CHARACTERS) {
      pages.push([]);
      size = 0;
    }
    pages.at(-1)?.push(statement);
    size += length;
  }
  return pages.map((part, i) => (i === 0 && root !== undefined ? { root, statements: part } : { statements: part }));
}
