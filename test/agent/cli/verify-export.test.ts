import { beforeAll, describe, expect, it } from "vitest";
import { verifyExport } from "../../../agent/cli/verify-export.ts";
import { fromBase64url, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { ActivityRow } from "../../../protocol/contracts.ts";
import { entryCodec } from "../../../protocol/ledger.ts";
import type { Signed } from "../../../protocol/messages.ts";
import { flipBase64url, nonceOf } from "../../fixtures/keys.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, NOW, type Fields, type World } from "../../fixtures/workspace.ts";

let world: World;
let trustLine: string;
let rows: readonly ActivityRow[];
const line = (value: unknown): string => utf8Text(encodeCanonical(value));
const exportOf = (all: readonly unknown[], first = trustLine): string => [first, ...all.map(line), ""].join("\n");

beforeAll(async () => {
  world = await makeWorld();
  trustLine = line({ root: world.root, statements: [...world.statements] });
  rows = await build();
});

async function build(
  bend: (number: number, receipt: Fields) => Fields = (_n, receipt) => receipt,
): Promise<readonly ActivityRow[]> {
  const ledger = new LedgerMaker(world);
  ledger.add({ action: "workspace.created", detail: {}, sourceIp: "127.0.0.1" });
  for (const number of [1, 2]) {
    await ledger.addReceipt(nonceOf(`intent ${String(number)}`), number, (receipt) => bend(number, receipt));
  }
  ledger.add({ action: "session.ended", detail: {} });
  return ledger.rows;
}

const findings = async (text: string, pin?: string): Promise<readonly string[]> =>
  (await verifyExport(text, pin)).findings.map(({ line: at, what }) => `${String(at)}: ${what}`);

describe("an honest export", () => {
  it("verifies, with and without the workspace", async () => {
    expect(await verifyExport(exportOf(rows), world.workspace)).toEqual({
      workspace: world.workspace,
      entries: 4,
      receipts: 2,
      findings: [],
    });
    expect((await verifyExport(exportOf(rows), undefined)).findings).toEqual([]);
  });
});

describe("what is found, and where", () => {
  const change = (index: number, members: Fields): readonly Fields[] =>
    rows.map((row, i) => (i === index ? { ...row, ...members } : row));
  const without = (index: number, member: string): readonly Fields[] =>
    rows.map((row, i) =>
      i === index ? Object.fromEntries(Object.entries(row).filter(([name]) => name !== member)) : row,
    );

  it("a changed entry", async () => {
    const [first] = rows;
    const text = new TextDecoder().decode(Buffer.from(String(first?.body), "base64url")).replace("edge", "host");
    expect((await findings(exportOf(change(0, { body: Buffer.from(text).toString("base64url") }))))[0]).toMatch(
      /^2: entry 1: /,
    );
    expect(await findings(exportOf(change(3, { hash: nonceOf("other") })))).toEqual([
      expect.stringMatching(/^5: entry 4: its content was changed/),
    ]);
  });

  it("a missing entry, exchanged entries, a replaced entry", async () => {
    expect((await findings(exportOf(rows.toSpliced(1, 1))))[0]).toMatch(/^3: entry 3: an entry is missing/);
    const [a, b, ...rest] = rows;
    expect((await findings(exportOf([b, a, ...rest])))[0]).toMatch(/^2: /);
    const other = await build((_n, receipt) => ({ ...receipt, started: NOW - 1 }));
    expect(await findings(exportOf([rows[0], other[1], ...rows.slice(2)]))).toContainEqual(
      expect.stringMatching(/^4: entry 3: it does not follow/),
    );
  });

  it("a row that is none, a foreign member", async () => {
    expect(await findings(exportOf([...rows, { hello: 1 }]))).toEqual(["6: this is not a row of an activity log"]);
    expect((await findings(exportOf(change(3, { extra: 1 }))))[0]).toMatch(/^5: this is not a row/);
  });

  it("a receipt that stands under another host's name", async () => {
    const ledger = new LedgerMaker(world);
    await ledger.addReceipt(nonceOf("intent 1"), 1);
    const [honest] = ledger.rows;
    const other = new LedgerMaker(world);
    const { detail } = entryCodec.decode(fromBase64url(honest?.body ?? ""));
    other.add({
      actor: { kind: "host", id: "h-another" },
      action: "command.receipt",
      target: "h-another",
      detail,
      ...(honest?.receipt === undefined ? {} : { receipt: honest.receipt }),
    });
    expect((await findings(exportOf(other.rows)))[0]).toContain("not the one that the entry names");
  });

  it("a withheld, forged, exchanged or foreign receipt", async () => {
    expect(await findings(exportOf(without(1, "receipt")))).toEqual([
      "3: entry 2: the host's receipt is missing",
      expect.stringContaining("receipts 1 to 1"),
    ]);
    const receipt = rows[1]?.receipt as Signed;
    expect(
      (
        await findings(exportOf(change(1, { receipt: { ...receipt, signature: flipBase64url(receipt.signature, 9) } })))
      )[0],
    ).toContain("signature does not verify");
    expect((await findings(exportOf(change(1, { receipt: rows[2]?.receipt }))))[0]).toContain(
      "not the one that the entry names",
    );
    expect((await findings(exportOf(change(3, { receipt }))))[0]).toContain("names none");
    const foreign = await build((_n, body) => ({ ...body, host: "h-other" }));
    expect((await findings(exportOf(foreign)))[0]).toContain("never admitted");
    const elsewhere = await build((_n, body) => ({ ...body, workspace: nonceOf("elsewhere") }));
    expect((await findings(exportOf(elsewhere)))[0]).toContain("another workspace");
  });

  it("receipts that somebody kept back, and a fork", async () => {
    const gap = await build((n, body) => (n === 2 ? { ...body, number: 5 } : body));
    expect(await findings(exportOf(gap))).toEqual([
      expect.stringMatching(/^4: entry 3: receipts 2 to 4 of h-.* are missing/),
    ]);
    const fork = await build((n, body) => (n === 2 ? { ...body, previous: nonceOf("other past") } : body));
    expect(await findings(exportOf(fork))).toEqual([expect.stringContaining("forked")]);
  });

  it("an opening that is not the one committed to", async () => {
    expect(await findings(exportOf(change(0, { source: { salt: nonceOf("salt 0"), value: "10.0.0.9" } })))).toEqual([
      expect.stringContaining("source address"),
    ]);
  });

  it("a trust log that is none, lacks its root, is another's, or was bent", async () => {
    expect(await findings(exportOf(rows, "{}"))).toEqual([expect.stringContaining("1: this is not a trust log")]);
    expect(await findings(exportOf(rows, line({ statements: [] })))).toEqual([
      expect.stringContaining("lacks its root"),
    ]);
    expect(await findings(exportOf(rows), nonceOf("another workspace"))).toEqual([
      "1: the root makes another workspace than the one you gave with --workspace, or was changed",
    ]);
    const bent = line({ root: world.root, statements: world.statements.toSpliced(1, 1) });
    expect(await findings(exportOf(rows, bent))).toEqual([
      expect.stringContaining("statement 2 does not verify (place)"),
    ]);
    expect(await findings("")).toHaveLength(1);
  });
});
