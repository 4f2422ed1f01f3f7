import { describe, expect, it } from "vitest";
import { alertKindNames } from "../../protocol/alerts.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import {
  CHAIN_START,
  checkEntry,
  commit,
  entryCodec,
  entryDigest,
  ledgerActions,
  type ChainPosition,
} from "../../protocol/ledger.ts";
import { flipBit, nonceOf } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import { groupOf, itJudges } from "./rules/describe.ts";
import { parserCases } from "./rules/parser-cases.ts";

const workspace = nonceOf("workspace");

interface Line {
  readonly body: Uint8Array;
  readonly hash: string;
}

/** An honest chain of `length` entries. */
function chainOf(length: number): readonly Line[] {
  const lines: Line[] = [];
  for (let index = 1; index <= length; index++) {
    const previous = lines.at(-1)?.hash ?? CHAIN_START.hash;
    const entry = {
      v: 1,
      workspace,
      index,
      at: index * 1_000,
      actor: { kind: "edge" },
      action: ledgerActions[index % ledgerActions.length],
      detail: {},
      previous,
    };
    const body = encodeCanonical(entry);
    lines.push({ body, hash: entryDigest(body) });
  }
  return lines;
}

/** Index of the first entry at fault, and how; undefined when the chain holds. */
function firstFault(lines: readonly Line[]): string | undefined {
  let position: ChainPosition = CHAIN_START;
  for (const { body, hash } of lines) {
    const step = checkEntry(body, hash, { workspace, position });
    if (!step.ok) return `${step.fault} at ${step.index}`;
    ({ position } = step);
  }
  return undefined;
}

describe("one entry", () => {
  itJudges(groupOf(parserCases, "ledger"));

  // One that is no entry is owed for ever, and everything that is owed after it waits with it.
  it.each(alertKindNames)("can tell of the alert %s", (code) => {
    const entry = { v: 1, workspace, index: 1, at: 1, actor: { kind: "edge" }, action: "alert.raised" };
    const body = encodeCanonical({ ...entry, detail: { code }, previous: CHAIN_START.hash });
    expect(entryCodec.decode(body).detail).toEqual({ code });
  });
});

describe("the chain", () => {
  const honest = chainOf(12);
  const changed = (line: Line, fields: Fields): Uint8Array =>
    encodeCanonical({ ...entryCodec.decode(line.body), ...fields });

  it("holds when nobody touched it", () => {
    expect(firstFault(honest)).toBeUndefined();
  });

  it.each(honest.map((_, i) => i))("names entry %i when it is changed and its stored digest is not", (i) => {
    const line = honest[i] as Line;
    const bent = honest.with(i, { ...line, body: changed(line, { at: 7 }) });
    expect(firstFault(bent)).toBe(`hash at ${i + 1}`);
  });

  it.each(honest.slice(0, -1).map((_, i) => i))("names the entry after %i when both are changed", (i) => {
    const body = changed(honest[i] as Line, { at: 7 });
    expect(firstFault(honest.with(i, { body, hash: entryDigest(body) }))).toBe(`previous at ${i + 2}`);
  });

  it("names the place of a missing, doubled or exchanged entry", () => {
    expect(firstFault(honest.toSpliced(4, 1))).toBe("gap at 5");
    expect(firstFault(honest.toSpliced(4, 0, honest[3] as Line))).toBe("gap at 5");
    expect(firstFault(honest.with(4, honest[5] as Line).with(5, honest[4] as Line))).toBe("gap at 5");
    expect(firstFault(honest.slice(1))).toBe("gap at 1");
  });

  it("finds every single flipped bit of an entry", () => {
    const line = honest[3] as Line;
    for (let bit = 0; bit < line.body.length * 8; bit++) {
      expect(firstFault(honest.with(3, { ...line, body: flipBit(line.body, bit) }))).toMatch(/ at 4$/);
    }
  });

  it("cannot see a cut at the end: that is what a remembered head is for", () => {
    expect(firstFault(honest.slice(0, 5))).toBeUndefined();
  });
});

describe("commitments", () => {
  const commitment = { field: "source", salt: nonceOf("salt"), value: "192.0.2.7" } as const;
  it("depend on field, salt and value", () => {
    const all = [
      commitment,
      { ...commitment, field: "name" as const },
      { ...commitment, salt: nonceOf("x") },
      { ...commitment, value: "192.0.2.8" },
    ];
    expect(new Set(all.map(commit)).size).toBe(4);
    expect(commit(commitment)).toBe(
      commit({ value: commitment.value, salt: commitment.salt, field: commitment.field }),
    );
  });
});
