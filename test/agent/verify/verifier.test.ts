import { beforeAll, describe, expect, it } from "vitest";
import { verifyChunks } from "../../../agent/verify/read.ts";
import { DigestTree } from "../../../agent/verify/tree.ts";
import type { VerifyOptions, VerifyResult } from "../../../agent/verify/verifier.ts";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { COSIGN_SKEW_SECONDS } from "../../../protocol/checkpoint.ts";
import { MAX_EARLIER_CHECKPOINTS, type LedgerLine } from "../../../protocol/ledger-file.ts";
import { consistencyProof, type Hash } from "../../../protocol/merkle.ts";
import { noteToWire } from "../../../protocol/note.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { NOW, stated } from "../../fixtures/workspace.ts";
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

describe("a copy that is long enough for a second thread", () => {
  const ENTRIES = 20_000;
  const EARLIER = 18_000;

  async function long(last: number): Promise<VerifyResult> {
    const { world, hosts } = town;
    const target = hosts[0]?.id ?? "";
    const draft: EntryDraft = { actor: { kind: "host", id: target }, action: "host.connected", target, detail: {} };
    const rows = chainOf(
      world.workspace,
      Array.from({ length: ENTRIES }, (_, i) => ({ ...draft, at: NOW * 1_000 + i })),
    );
    const tree = new DigestTree();
    const roots = new Map<number, Hash>();
    for (const { index, hash } of rows) {
      tree.append(hash);
      roots.set(index, index === EARLIER || index === ENTRIES ? new Uint8Array(tree.root()) : new Uint8Array());
    }
    const note = (size: number, root = size) =>
      noteOf(town, { rows: rows.slice(0, size), root: roots.get(root) ?? new Uint8Array() });
    const notes = [await note(ENTRIES, last), await note(EARLIER)];
    return verified([
      { kind: "log", v: 1, workspace: world.workspace, form: "chain" },
      ...trustLines(town),
      ...notes.map((one) => ({ kind: "checkpoint", note: noteToWire(one) })),
      ...rows.map((row) => ({ kind: "entry", row })),
      { kind: "end", lines: trustLines(town).length + 3 + ENTRIES },
    ]);
  }

  it("has the roots that were signed, now and on the way", async () => {
    const result = await long(ENTRIES);
    expect(wrongIn(result)).toEqual([]);
    expect(result.entries).toBe(ENTRIES);
  });

  it("is found out where another root was signed", async () => {
    expect(wrongIn(await long(EARLIER))).toEqual([`0 root ${String(ENTRIES)}`]);
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
  it("are so many at most, because each costs signatures; more are no fault", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const covering = await noteOf(town, { rows });
    const earlier = await noteOf(town, { rows: rows.slice(0, 3) });
    const many = (count: number) => [covering, ...Array.from({ length: count }, () => earlier)];
    const fine = await verified(await chainLines(town, { notes: many(MAX_EARLIER_CHECKPOINTS) }));
    expect([wrongIn(fine), openIn(fine)]).toEqual([[], ["unwitnessed"]]);
    const over = await verified(await chainLines(town, { notes: many(MAX_EARLIER_CHECKPOINTS + 1) }));
    expect([wrongIn(over), openIn(over)]).toEqual([[], ["checkpoints_many", "unwitnessed"]]);
    expect(over.report.findings[0]?.line).toBe(3 + MAX_EARLIER_CHECKPOINTS + 2);
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

describe("the time of an entry", () => {
  const at = (seconds: number, count = 1): readonly EntryDraft[] =>
    Array.from({ length: count }, (_, i) => ({
      actor: { kind: "edge" },
      action: "alert.raised",
      detail: { code: "other" },
      at: seconds * 1_000 + i,
    }));
  const fileWith = async (more: readonly EntryDraft[], cosigned: readonly (readonly [number, number])[]) => {
    const rows = chainOf(town.world.workspace, [...town.drafts, ...more]);
    const notes = [await noteOf(town, { rows })];
    for (const [size, seconds] of cosigned)
      notes.push(await noteOf(town, { rows: rows.slice(0, size), cosigners: town.hosts, at: seconds }));
    return verified(await chainLines(town, { rows, notes, evidence: false }));
  };

  it("is not later than who cosigned it, but for what clocks differ", async () => {
    const fine = await fileWith(at(NOW + COSIGN_SKEW_SECONDS), [[18, NOW]]);
    expect([openIn(fine), fine.seenBy?.witnessedSize]).toEqual([[], 18]);
    const early = await fileWith(at(NOW + COSIGN_SKEW_SECONDS + 1, 3), [[20, NOW]]);
    expect([wrongIn(early), early.seenBy?.witnessedSize]).toEqual([[], 17]);
    expect(openIn(early)).toEqual([...town.hosts.map(() => "cosigned_early"), "unwitnessed"]);
    expect(early.report.findings.map(({ index }) => index)).toEqual([18, 18, 18, undefined]);
  });

  it("hides no entry behind it that gives an earlier one", async () => {
    const result = await fileWith([...at(NOW + 90_000), ...at(NOW)], [[19, NOW]]);
    expect([result.seenBy?.witnessedSize, openIn(result)[0]]).toEqual([17, "time_back"]);
  });

  it("counts for each cosignature by itself: who cosigned again later has seen it", async () => {
    const later = NOW + 90_000;
    const result = await fileWith(at(later, 3), [
      [20, NOW],
      [19, later],
    ]);
    expect([result.seenBy?.witnessedSize, openIn(result)]).toEqual([19, ["unwitnessed"]]);
  });

  it("is looked at in single entries too", async () => {
    const drafts = [...town.drafts, ...at(NOW + 90_000)];
    const { seenBy } = await verified(await provenLines({ ...town, drafts }, [4, 18]));
    expect(seenBy?.witnessedSize).toBe(17);
  });

  it("may go back by little", async () => {
    const result = await fileWith([...at(NOW + COSIGN_SKEW_SECONDS), ...at(NOW)], [[19, NOW]]);
    expect(openIn(result)).toEqual([]);
    const { report } = await fileWith([...at(NOW + COSIGN_SKEW_SECONDS + 1), ...at(NOW)], [[19, NOW + 60]]);
    expect(report.findings).toMatchObject([{ code: "time_back", weight: "open", index: 19 }]);
  });
});

describe("what was dropped before the first entry", () => {
  const rowsWith = (more: readonly EntryDraft[]) => chainOf(town.world.workspace, [...town.drafts, ...more]);
  const dropped = (last: number, hash = rowsWith([])[last - 1]?.hash ?? "", first = 1): EntryDraft => ({
    actor: { kind: "person", id: "p-ada" },
    action: "ledger.dropped",
    detail: { segment: { n: 1, first, last, hash } },
  });
  const fileWith = (more: readonly EntryDraft[], last?: number) =>
    chainLines(town, { rows: rowsWith(more), first: 5, isDropped: true, ...(last === undefined ? {} : { last }) });

  it("is told by an entry", async () => {
    for (const last of [4, 6]) {
      const result = await verified(await fileWith([dropped(last)]));
      expect([wrongIn(result), result.dropped]).toEqual([[], { to: 4, entry: 18 }]);
    }
  });

  it("is not believed without one, or with one of something else", async () => {
    const other = nonceOf("another entry");
    for (const more of [[], [dropped(3)], [dropped(4, other)], [dropped(9, other, 5)]])
      expect(wrongIn(await verified(await fileWith(more)))).toEqual(["0 dropped_untold 4"]);
  });

  it("is not shown by a file that ends before", async () => {
    const result = await verified(await fileWith([dropped(4)], 17));
    expect([wrongIn(result), openIn(result), result.dropped]).toEqual([[], ["dropped_unshown"], undefined]);
  });
});

describe("the trust log of a file against another one", () => {
  const digests = (lines: readonly LedgerLine[]) =>
    lines.flatMap((line) =>
      line.kind === "trust"
        ? line.page.statements.map(({ statement }) => digestOf("statement", fromBase64url(statement)))
        : [],
    );

  it("says how far it goes, and holds what the other one holds", async () => {
    const { workspace, statements } = town.world;
    const trust = digests(trustLines(town));
    const n = statements.length;
    const said = { n, hash: trust.at(-1), statements: n + 1, newest: expect.any(Number) };
    expect((await verified(await chainLines(town))).trust).toEqual(said);
    const result = await verified(await chainLines(town), { trust: [workspace, ...trust] });
    expect([wrongIn(result), result.trust]).toEqual([[], { ...said, compared: "holds" }]);
  });

  it("is older, so that one host of one is a majority", async () => {
    const alert: EntryDraft = { actor: { kind: "edge" }, action: "alert.raised", detail: { code: "other" } };
    const rows = chainOf(town.world.workspace, [alert, alert]);
    const [first] = trustLines(town);
    if (first?.kind !== "trust") throw new RangeError("a page");
    const root = { ...first.page, statements: town.world.statements.slice(0, -2) };
    const lines = await chainLines(town, {
      rows,
      notes: [await noteOf(town, { rows, cosigners: town.hosts.slice(0, 1) })],
      trust: [{ ...first, page: root }],
      evidence: false,
    });
    const result = await verified(lines, { trust: digests(trustLines(town)) });
    expect(result.seenBy).toMatchObject({ needed: 1, witnessedSize: 2 });
    expect(wrongIn(result)).toEqual(["0 trust_older"]);
    expect(result.trust?.compared).toBe("lacks");
  });
});

describe("single entries under a checkpoint that hosts have not cosigned yet", () => {
  const withEarlier = async (earlier: string, consistency: readonly string[] | undefined, options?: VerifyOptions) => {
    const [log, a, b, , ...rest] = await provenLines(town, [4]);
    const rows = chainOf(town.world.workspace, town.drafts);
    const covering = { kind: "checkpoint", note: noteToWire(await noteOf(town, { rows })) };
    const seen = {
      kind: "checkpoint",
      note: noteToWire(earlier),
      ...(consistency === undefined ? {} : { consistency }),
    };
    return verified(closed([log, a, b, covering, seen, ...rest]), options);
  };

  it("are witnessed by an earlier one, where it is proven to be the beginning", async () => {
    const rows = chainOf(town.world.workspace, town.drafts);
    const earlier = await noteOf(town, { rows: rows.slice(0, 9), cosigners: town.hosts });
    const proof = (await consistencyProof(9, rows.length, nodesOf(rows))).map(toBase64url);
    const result = await withEarlier(earlier, proof);
    expect([wrongIn(result), result.seenBy?.witnessedSize, openIn(result)]).toEqual([[], 9, []]);
    expect((await withEarlier(earlier, proof, { kept: earlier })).kept).toBe("same");
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
    expect(wrongIn(await verified(await chainLines(town, { first: 5 }), { kept }))).toEqual(["0 kept_unjudged 3"]);
    expect(wrongIn(await verified(await provenLines(town, [4]), { kept }))).toEqual(["0 kept_unjudged 3"]);
    const same = await noteOf(town, { rows });
    expect(await verified(await provenLines(town, [4]), { kept: same })).toMatchObject({ kept: "same" });
  });
});
