import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { FastRows, timeIn } from "../../../agent/verify/fast-row.ts";
import { BodyHasher, DigestTree } from "../../../agent/verify/tree.ts";
import { fromBase64url, toBase64url, toHex, utf8 } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { entryLeaf } from "../../../protocol/checkpoint.ts";
import type { ActivityRow } from "../../../protocol/contracts/ledger.ts";
import { checkEntry, commit, entryCodec, entryDigest } from "../../../protocol/ledger.ts";
import { ledgerLineCodec } from "../../../protocol/ledger-file.ts";
import { Frontier, frontierNodes } from "../../../protocol/merkle.ts";
import { ZERO_DIGEST } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { chainOf, makeTown, type LogTown } from "../../fixtures/log-file.ts";

let town: LogTown;
let rows: readonly ActivityRow[];
beforeAll(async () => {
  town = await makeTown();
  rows = chainOf(town.world.workspace, town.drafts);
});

/** What a fast reader found, or that it asks for the slow way. */
function readBy(
  fast: FastRows,
  line: Buffer,
  { index, previous }: { readonly index: number; readonly previous: string },
) {
  // Inside other bytes, as in a chunk.
  const bytes = Buffer.concat([Buffer.from("}}"), line, Buffer.from("}}")]);
  if (!fast.read({ bytes, start: 2, end: 2 + line.length }, index, previous)) return undefined;
  const { digest, text, action, source, receipt } = fast;
  return { digest, text, action, source, receipt };
}

const lineOf = (row: ActivityRow): Buffer => Buffer.from(ledgerLineCodec.encode({ kind: "entry", row }));
const placeOf = ({ index }: ActivityRow) => ({
  workspace: town.world.workspace,
  index,
  previous: rows[index - 2]?.hash ?? ZERO_DIGEST,
});

/** The slow way says that nothing at all is wrong with this line at that place. */
function isFine(line: Buffer, { workspace, index, previous }: ReturnType<typeof placeOf>): boolean {
  try {
    const decoded = ledgerLineCodec.decode(line);
    if (decoded.kind !== "entry" || decoded.row.index !== index) return false;
    const { row } = decoded;
    const step = checkEntry(fromBase64url(row.body), row.hash, {
      workspace,
      position: { index: index - 1, hash: previous },
    });
    if (!step.ok) return false;
    const { source } = step.entry;
    if (row.source === undefined) return source === undefined;
    return commit({ field: "source", ...row.source }) === source;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

/** What stands in lines, and what does not. */
const BYTES = Array.from('{}[]",:\\ \n\t0123456789ABQgwxyz-_+/=.\u00e4\u0000');

describe("the fast way", () => {
  it("reads nearly every line of the story, and reads it as the slow way does", () => {
    const fast = new FastRows(town.world.workspace);
    const read = rows.flatMap((row) => {
      const found = readBy(fast, lineOf(row), placeOf(row));
      if (found === undefined) return [];
      const entry = entryCodec.decode(utf8(found.text));
      expect(JSON.parse(found.text)).toEqual(entry);
      expect([found.digest, found.action, timeIn(found.text)]).toEqual([row.hash, entry.action, entry.at]);
      expect(found.receipt).toEqual(row.receipt);
      expect(found.source).toEqual(row.source);
      return [row.index];
    });
    expect(read).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17]);
  });

  it("never takes a line that the slow way would not: any byte changed, removed or put in", () => {
    const fast = new FastRows(town.world.workspace);
    let taken = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(3, 4, 5, 7, 9, 10, 17),
        fc.nat(),
        fc.constantFrom(...BYTES),
        (index, at, character) => {
          const row = rows[index - 1];
          if (row === undefined) throw new RangeError("the story");
          const line = lineOf(row);
          const place = at % line.length;
          const bytes = Buffer.from(character, "utf8");
          for (const bent of [
            Buffer.concat([line.subarray(0, place), bytes, line.subarray(place + 1)]),
            Buffer.concat([line.subarray(0, place), bytes, line.subarray(place)]),
            Buffer.concat([line.subarray(0, place), line.subarray(place + 1)]),
          ]) {
            const found = readBy(fast, bent, placeOf(row));
            if (found === undefined) continue;
            taken += 1;
            expect(isFine(bent, placeOf(row))).toBe(true);
          }
        },
      ),
      { numRuns: 1_500 },
    );
    expect(taken).toBeGreaterThan(0); // a byte replaced by itself
  });

  it("never takes an entry that the slow way would not, whatever its JSON, also when hashed anew", () => {
    const fast = new FastRows(town.world.workspace);
    const index = 4;
    const row = rows[index - 1];
    if (row === undefined) throw new RangeError("the story");
    const text = Buffer.from(fromBase64url(row.body)).toString("latin1");
    const pieces = [
      '"',
      ",",
      "}",
      "{",
      ":",
      "1",
      "0",
      "e1",
      ".5",
      "-",
      " ",
      "\\u0061",
      '"a":1,',
      '"code":"x",',
      '"code":"busy",',
      "A",
      "z",
      "\u00e4",
    ];
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 4 }), fc.constantFrom(...pieces), (at, cut, piece) => {
        const place = at % text.length;
        const bytes = Buffer.from(text.slice(0, place) + piece + text.slice(place + cut), "utf8");
        const { source } = row;
        const line = Buffer.from(
          `{"kind":"entry","row":{"body":"${toBase64url(bytes)}","hash":"${entryDigest(bytes)}","index":4,"source":${JSON.stringify(source)}}}`,
        );
        if (readBy(fast, line, placeOf(row)) !== undefined) expect(isFine(line, placeOf(row))).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it("is no way around another place, neighbour, workspace or digest", () => {
    const fast = new FastRows(town.world.workspace);
    const row = rows[4];
    if (row === undefined) throw new RangeError("the story");
    const place = placeOf(row);
    expect(readBy(fast, lineOf(row), place)).toBeDefined();
    expect(readBy(fast, lineOf(row), { ...place, index: 6 })).toBeUndefined();
    expect(readBy(fast, lineOf(row), { ...place, previous: nonceOf("other") })).toBeUndefined();
    expect(readBy(new FastRows(nonceOf("other")), lineOf(row), place)).toBeUndefined();
    expect(readBy(fast, lineOf({ ...row, hash: nonceOf("other") }), place)).toBeUndefined();
  });
});

describe("hashing with buffers that are used again", () => {
  it("gives the digests of the protocol, short after long and long after short", () => {
    const hasher = new BodyHasher("ledger-entry", 4_096);
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { minLength: 1, maxLength: 5 }),
        (bodies) => {
          for (const body of bodies) {
            const length = hasher.writeBase64url(toBase64url(body));
            expect(length).toBe(body.length);
            expect(hasher.digest(length ?? 0)).toBe(digestOf("ledger-entry", body));
          }
        },
      ),
    );
  });

  it.each([99, 100, 999, 1_000, 9, 10, 123, 456])("whatever the number of digits of a length: %i", (length) => {
    const hasher = new BodyHasher("ledger-entry", 4_096);
    for (const size of [123, length, 456, length, 5, length]) {
      const body = new Uint8Array(size).fill(size % 256);
      expect(hasher.digest(hasher.writeBase64url(toBase64url(body)) ?? 0)).toBe(digestOf("ledger-entry", body));
    }
  });

  it.each(["AB", "A", "A+AA", "A/AA", "AAAA=", "AA==", "AA A", "AAB", "\u00e4AAA", "", "A".repeat(6_000)])(
    "takes bytes by their one spelling only: %j",
    (text) => {
      expect(new BodyHasher("ledger-entry", 4_096).writeBase64url(text) ?? 0).toBe(0);
    },
  );

  it("gives the root of the protocol at every size, from the start and from any place on", () => {
    const digests = Array.from({ length: 70 }, (_, i) => nonceOf(`entry ${String(i)}`));
    const tree = new DigestTree();
    const frontier = new Frontier();
    expect(toHex(tree.root())).toBe(toHex(frontier.root()));
    for (const digest of digests) {
      tree.append(digest);
      frontier.append(entryLeaf(digest));
      expect(toHex(tree.root())).toBe(toHex(frontier.root()));
      const levels = frontierNodes(frontier.size).map(({ level }) => level);
      const again = DigestTree.after(frontier.size, levels, frontier.hashes);
      const further = new Frontier(frontier.size, frontier.hashes);
      again.append(nonceOf("next"));
      further.append(entryLeaf(nonceOf("next")));
      expect(toHex(again.root())).toBe(toHex(further.root()));
    }
  });
});
