import { describe, expect, it } from "vitest";
import { fileLine } from "../../../durable-objects/export/jsonl.ts";
import { MAX_LEDGER_LINE } from "../../../protocol/ledger-file.ts";
import type { SignedStatement, TrustPage } from "../../../protocol/trust/statements.ts";
import { splitTrustPage } from "../../../worker/export/trust-lines.ts";

const statement = (length: number): SignedStatement => ({ statement: "A".repeat(length), approvals: [] });
const flat = (pages: readonly TrustPage[]) => pages.flatMap(({ statements }) => statements);

describe("a page of the trust log in a file", () => {
  it("is one line when it is short, also without a statement", () => {
    expect(splitTrustPage({ statements: [] })).toEqual([{ statements: [] }]);
    const page = { statements: [statement(40), statement(80)] };
    expect(splitTrustPage(page)).toEqual([page]);
  });

  it("is cut where a line would be too long for a reader, in order, and loses nothing", () => {
    const statements = Array.from({ length: 40 }, (_, i) => statement(40_000 + 4 * i));
    const pages = splitTrustPage({ statements });
    expect(pages.length).toBeGreaterThan(1);
    expect(flat(pages)).toEqual(statements);
    for (const page of pages) expect(JSON.stringify(page).length).toBeLessThan(MAX_LEDGER_LINE);
  });

  it("keeps its root at the beginning", () => {
    const root = { statement: "B".repeat(120_000) } as unknown as NonNullable<TrustPage["root"]>;
    const pages = splitTrustPage({ root, statements: [statement(60_000), statement(60_000)] });
    expect(pages.map((page) => page.root !== undefined)).toEqual([true, ...pages.slice(1).map(() => false)]);
    expect(flat(pages)).toHaveLength(2);
  });

  it("fits the line that holds it", () => {
    const [page = { statements: [] }] = splitTrustPage({ statements: [] });
    expect(fileLine({ kind: "trust", page })).toBe('{"kind":"trust","page":{"statements":[]}}\n');
  });
});
