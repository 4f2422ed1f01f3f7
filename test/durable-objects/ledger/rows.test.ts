/** What the log costs where rows are paid for: as the database itself counts them, written down in docs/STORAGE.md. */
import { describe, expect, it } from "vitest";
import { CheckpointTable } from "../../../durable-objects/db/checkpoint-table.ts";
import { LedgerTable } from "../../../durable-objects/db/ledger-table.ts";
import { buildBatch } from "../../../durable-objects/ledger-batch.ts";
import { TileBuilder } from "../../../durable-objects/ledger/tiles.ts";
import { entryLeaf } from "../../../protocol/checkpoint.ts";
import { CHAIN_START, type LedgerDraft } from "../../../protocol/ledger.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";
import { counted } from "../counted.ts";
import { digestAt } from "../ledger-rows.ts";

const plain: LedgerDraft = { actor: { kind: "edge" }, action: "session.ended", detail: {} };
const receipt = {
  workspace: "",
  digest: nonceOf("receipt"),
  intent: nonceOf("intent"),
  host: "h-one",
  number: 1,
  body: "e30",
  signature: "A".repeat(86),
};

async function rowsFor(drafts: readonly LedgerDraft[], withReceipts = false): Promise<number> {
  const workspace = nonceOf(JSON.stringify([drafts, withReceipts]));
  const count = counted(env.DB);
  const batch = await buildBatch({
    workspace,
    head: CHAIN_START,
    known: new Map(),
    drafts: drafts.map((draft) => ({ draft, at: Date.now() })),
  });
  await new LedgerTable(count.db, workspace).insert(batch, withReceipts ? [{ ...receipt, workspace }] : []);
  return count.written;
}

describe("rows written", () => {
  it.each([
    ["a plain entry", [plain], 1],
    ["a hundred of them", Array.from({ length: 100 }, () => plain), 100],
    ["one that is written once only", [{ ...plain, subject: "s" }], 2],
    ["one with a source address", [{ ...plain, sourceIp: "203.0.113.7" }], 2],
    ["a sign-in", [{ ...plain, sourceIp: "203.0.113.7", country: "NL", device: "Firefox on Linux", subject: "s" }], 5],
    ["an accepted command", [{ ...plain, sourceIp: "203.0.113.7", subject: "s" }], 3],
  ] as const)("by %s", async (_, drafts, rows) => {
    expect(await rowsFor(drafts)).toBe(rows);
  });

  it("by a receipt: the entry, its subject, the signed bytes", async () => {
    expect(await rowsFor([{ ...plain, subject: "s" }], true)).toBe(3);
  });

  it("by a checkpoint: one, and for each 256 entries a tile; the tile above is written again", async () => {
    const count = counted(env.DB);
    const table = new CheckpointTable(count.db, nonceOf("checkpoint rows"));
    const builder = new TileBuilder(0, []);
    const sign = async (size: number): Promise<number> => {
      while (builder.size < size) builder.append(entryLeaf(digestAt("rows", builder.size + 1)));
      count.written = 0;
      await table.insert({ size, note: `note of ${size}`, at: 0 }, builder.take());
      return count.written;
    };
    expect(await sign(10)).toBe(1);
    expect(await sign(255)).toBe(1);
    expect(await sign(256)).toBe(1 + 1 + 1);
    expect(await sign(300)).toBe(1);
    expect(await sign(256 * 4)).toBe(1 + 3 + 1);
  });

  it("by a cosignature: the line, and the host's newest", async () => {
    const count = counted(env.DB);
    const table = new CheckpointTable(count.db, nonceOf("cosignature rows"));
    const add = async (size: number): Promise<number> => {
      count.written = 0;
      await table.addCosignature({ host: "h-one", size, line: "AA", note: `note of ${size}`, at: 0 });
      return count.written;
    };
    expect(await add(10)).toBe(2);
    expect(await add(20)).toBe(2);
    expect(await add(15)).toBe(1); // late: its newest stays
  });
});
