import { beforeAll, describe, expect, it } from "vitest";
import { verifyChunks } from "../../../agent/verify/read.ts";
import { MAX_EARLIER_CHECKPOINTS, type VerifyOptions, type VerifyResult } from "../../../agent/verify/verifier.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import type { LedgerLine } from "../../../protocol/ledger-file.ts";
import { consistencyProof } from "../../../protocol/merkle.ts";
import { noteToWire } from "../../../protocol/note.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { stated } from "../../fixtures/workspace.ts";
import {
  chainLines,
  chainOf,
  closed,
  fileOf,
  makeTown,
  nodesOf,
  noteOf,
  provenLines,
  strictFileOf,
  trustLines,
  type EntryDraft,
  type LogTown,
} from "../../fixtures/log-file.ts";

let town: LogTown;
beforeAll(async () => {
  town = await makeTown();
});

const verified = (lines: readonly unknown[], options: VerifyOptions = {}): Promise<VerifyResult> =>
  verifyChunks([fileOf(lines)], { workspace: town.world.workspace, ...options });

/** `line code entry`, wrong ones only. */
function wrongIn({ report }: VerifyResult): readonly string[] {
  return report.findings
    .filter(({ weight }) => weight === "wrong")
    .map(({ line, code, index }) => [line, code, ...(index === undefined ? [] : [index])].join(" "));
}
const openIn = ({ report }: VerifyResult): readonly string[] =>
  report.findings.filter(({ weight }) => weight === "open").map(({ code }) => code);

describe("an honest copy", () => {
  it("of the whole log: everything is checked, nothing is found", async () => {
    const lines = await chainLines(town);
    const result = await verifyChunks([strictFileOf(lines)], { workspace: town.world.workspace });
    expect(result.report.findings).toEqual([]);
    expect(result).toMatchObject({ entries: 17, first: 1, last: 17, receipts: 4, evidence: 5 });
    expect(result.audit).toMatchObject({ accepted: 5, answered: 4, erased: 1, unjudged: 0 });
    expect(result.seenBy).toMatchObject({ needed: 2, witnessedSize: 17 });
    expect(result.seenBy?.silent).toEqual([town.hosts[2]?.id]);
  });

  it("cut into chunks anywhere", async () => {
    const file = fileOf(await chainLines(town));
    for (const size of [1, 7, 1_000]) {
      const chunks = Array.from({ length: Math.ceil(file.length / size) }, (_, i) =>
        Buffer.from(file.subarray(i * size, (i + 1) * size)),
      );
      expect((await verifyChunks(chunks, {})).report.findings).toEqual([]);
    }
  });

  it("of a part: what the part does not have is not invented", async () => {
    const result = await verified(await chainLines(town, { first: 5, last: 16 }));
    expect(wrongIn(result)).toEqual([]);
    expect(result).toMatchObject({ first: 5, last: 16, entries: 12 });
    expect(result.audit?.unjudged).toBe(1);
  });

  it("of single entries", async () => {
    const result = await verified(await provenLines(town, [1, 4, 5, 17]));
    expect(wrongIn(result)).toEqual([]);
    expect(openIn(result)).toEqual(["unopened"]);
    expect(result).toMatchObject({ entries: 4, first: 1, last: 17, receipts: 1, evidence: 1 });
  });

  it("is not called witnessed with one host of three", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const notes = [await noteOf(town, { rows, cosigners: town.hosts.slice(0, 1) })];
    const result = await verified(await chainLines(town, { notes }));
    expect(openIn(result)).toEqual(["unwitnessed"]);
    expect(result.seenBy?.witnessedSize).toBe(0);
  });

  it("counts what hosts cosigned earlier, where these entries give the same root", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const notes = [
      await noteOf(town, { rows }),
      await noteOf(town, { rows: rows.slice(0, 9), cosigners: town.hosts }),
      await noteOf(town, { rows: rows.slice(0, 12), cosigners: town.hosts.slice(1, 2) }),
    ];
    const result = await verified(await chainLines(town, { notes }));
    expect(wrongIn(result)).toEqual([]);
    expect(result.seenBy?.witnessedSize).toBe(9);
  });
});

describe("the trust log of a file", () => {
  it("may say again on a page what the page before ended with", async () => {
    const [first, second, ...rest] = trustLines(town);
    if (first?.kind !== "trust" || second?.kind !== "trust") throw new RangeError("two pages");
    const again = { ...second, page: { statements: [...first.page.statements.slice(-1), ...second.page.statements] } };
    expect(wrongIn(await verified(await chainLines(town, { trust: [first, again, ...rest] })))).toEqual([]);
  });

  it("has revocations: whoever was revoked since had the right then", async () => {
    const { world } = town;
    const by = world.people.ada.passkey;
    const revocation = await stated({ state: world.state, by }, { kind: "person.revoke", body: { person: "p-otto" } });
    const trust: LedgerLine[] = [...trustLines(town), { kind: "trust", page: { statements: [revocation] } }];
    expect(wrongIn(await verified(await chainLines(town, { trust })))).toEqual([]);
  });
});

describe("earlier checkpoints", () => {
  it("are so many at most, because each costs signatures", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const covering = await noteOf(town, { rows });
    const earlier = await noteOf(town, { rows: rows.slice(0, 3) });
    const many = (count: number) => [covering, ...Array.from({ length: count }, () => earlier)];
    const fine = await verified(await chainLines(town, { notes: many(MAX_EARLIER_CHECKPOINTS) }));
    expect(wrongIn(fine)).toEqual([]);
    const over = await verified(await chainLines(town, { notes: many(MAX_EARLIER_CHECKPOINTS + 1) }));
    expect(wrongIn(over)).toEqual([`${String(3 + MAX_EARLIER_CHECKPOINTS + 2)} line_order`]);
  });

  it("are not larger than the one that covers the file", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const notes = [await noteOf(town, { rows: rows.slice(0, 16) }), await noteOf(town, { rows })];
    expect(wrongIn(await verified(await chainLines(town, { rows: rows.slice(0, 16), notes })))).toEqual([
      "5 line_order",
    ]);
  });
});

describe("a statement that the trust log does not have", () => {
  const stated: EntryDraft = {
    actor: { kind: "person", id: "p-ada" },
    action: "trust.stated",
    detail: { statement: nonceOf("kept back"), statementKind: "person.revoke" },
  };
  const refused: EntryDraft = { ...stated, action: "trust.refused" };

  it("is told, unless an entry says that it never came into force", async () => {
    const openWith = async (more: readonly EntryDraft[]) => {
      const rows = chainOf(town.world.workspace, [...town.drafts, ...more]);
      const notes = [await noteOf(town, { rows, cosigners: town.hosts })];
      return openIn(await verified(await chainLines(town, { rows, notes })));
    };
    expect(await openWith([stated])).toEqual(["trust_short"]);
    expect(await openWith([stated, refused])).toEqual([]);
  });
});

describe("single entries under a checkpoint that hosts have not cosigned yet", () => {
  const withEarlier = async (earlier: string, consistency: readonly string[] | undefined) => {
    const [log, a, b, , ...rest] = await provenLines(town, [4]);
    const rows = chainOf(town.world.workspace, town.drafts);
    const covering = { kind: "checkpoint", note: noteToWire(await noteOf(town, { rows })) };
    const seen = {
      kind: "checkpoint",
      note: noteToWire(earlier),
      ...(consistency === undefined ? {} : { consistency }),
    };
    return verified(closed([log, a, b, covering, seen, ...rest]));
  };

  it("are witnessed by an earlier one, where it is proven to be the beginning", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const earlier = await noteOf(town, { rows: rows.slice(0, 9), cosigners: town.hosts });
    const proof = (await consistencyProof(9, rows.length, nodesOf(rows))).map(toBase64url);
    const result = await withEarlier(earlier, proof);
    expect([wrongIn(result), result.seenBy?.witnessedSize, openIn(result)]).toEqual([[], 9, []]);
    expect((await withEarlier(earlier, undefined)).seenBy?.witnessedSize).toBe(0);
    expect(wrongIn(await withEarlier(earlier, proof.toReversed()))).toEqual(["5 checkpoint_other"]);
    const others = chainOf(town.world.workspace, town.drafts.toSpliced(2, 1));
    const other = await noteOf(town, { rows: others.slice(0, 9), cosigners: town.hosts });
    expect(wrongIn(await withEarlier(other, proof))).toEqual(["5 checkpoint_other"]);
  });
});

describe("the frame of a file", () => {
  it.each<[string, (lines: unknown[]) => unknown[], string]>([
    ["no log line", (lines) => lines.slice(1), "1 log_missing"],
    ["no trust log", ([log, , , ...rest]) => closed([log, ...rest]), "2 trust_root"],
    ["trust pages exchanged", ([log, a, b, ...rest]) => [log, b, a, ...rest], "2 line_order"],
    ["no checkpoint", ([log, a, b, , ...rest]) => closed([log, a, b, ...rest]), "4 checkpoint_missing"],
    ["no end", (lines) => lines.slice(0, -1), "26 cut"],
    ["something after the end", (lines) => [...lines, lines[5]], "28 after_end"],
    ["another count", (lines) => [...lines.slice(0, -1), { kind: "end", lines: 3 }], "27 end_count"],
    ["a foreign line", (lines) => closed([...lines.slice(0, -1), { kind: "note" }]), "27 line_malformed"],
    ["a second log line", ([log, ...rest]) => closed([log, log, ...rest]), "2 line_order"],
  ])("%s", async (_name, bend, expected) => {
    expect(wrongIn(await verified(bend(await chainLines(town))))).toContain(expected);
  });

  it("cut in the middle of a line", async () => {
    const file = fileOf(await chainLines(town));
    expect(wrongIn(await verifyChunks([file.subarray(0, -4)], {}))).toContain("26 cut");
  });

  it("a line that does not end", async () => {
    const flood = Buffer.alloc(2_000_000, 0x61);
    expect(wrongIn(await verifyChunks([flood], {}))).toEqual(["1 line_too_long"]);
  });

  it("another workspace", async () => {
    expect(wrongIn(await verified(await chainLines(town), { workspace: nonceOf("other") }))).toEqual([
      "1 workspace_other",
    ]);
  });

  it("an empty file", async () => {
    expect(wrongIn(await verifyChunks([], {}))).toEqual(["0 cut"]);
  });
});

describe("a checkpoint kept from earlier", () => {
  it("is contained, is longer, or says another past", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const lines = await chainLines(town);
    const kept = await noteOf(town, { rows: rows.slice(0, 8) });
    expect(await verified(lines, { kept })).toMatchObject({ kept: "same" });
    const shorter = await chainLines(town, { rows: rows.slice(0, 8) });
    const newest = await noteOf(town, { rows });
    // The shorter log does not have the entry of the erasure either.
    expect(wrongIn(await verified(shorter, { kept: newest }))).toEqual(["0 kept_longer 17", "0 withheld 1"]);
    const others = chainOf(town.world.workspace, town.drafts.toSpliced(2, 1));
    const other = await noteOf(town, { rows: others.slice(0, 8) });
    expect(wrongIn(await verified(lines, { kept: other }))).toEqual(["0 kept_other 8"]);
  });

  it("that cannot be compared is said so", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const kept = await noteOf(town, { rows: rows.slice(0, 3) });
    expect(openIn(await verified(await chainLines(town, { first: 5 }), { kept }))).toContain("kept_unjudged");
    expect(openIn(await verified(await provenLines(town, [4]), { kept }))).toContain("kept_unjudged");
    const same = await noteOf(town, { rows });
    expect(await verified(await provenLines(town, [4]), { kept: same })).toMatchObject({ kept: "same" });
  });
});
