import { describe, expect, it } from "vitest";
import { buildBatch } from "../../../durable-objects/ledger-batch.ts";
import { utf8 } from "../../../protocol/bytes.ts";
import { CHAIN_START, checkEntry, type ChainPosition, type LedgerDraft } from "../../../protocol/ledger.ts";
import { nonceOf } from "../../fixtures/keys.ts";

const workspace = nonceOf("batch");
const plain: LedgerDraft = { actor: { kind: "edge" }, action: "session.ended", detail: {} };

const build = (drafts: readonly LedgerDraft[], known: ReadonlyMap<string, ChainPosition> = new Map()) =>
  buildBatch({
    workspace,
    head: CHAIN_START,
    known,
    drafts: drafts.map((draft) => ({ draft, at: 1_795_211_238_021 })),
  });

describe("buildBatch", () => {
  it("makes links that every reader takes, each by the digest of the one before", async () => {
    const { rows, head, positions } = await build([
      plain,
      { ...plain, target: "h-one", sourceIp: "203.0.113.7" },
      { ...plain, detail: { session: nonceOf("session") }, subject: "s" },
    ]);
    let position = CHAIN_START;
    for (const [i, { body, hash }] of rows.entries()) {
      const step = checkEntry(utf8(body), hash, { workspace, position });
      if (!step.ok) throw new Error(step.fault);
      ({ position } = step);
      expect(positions[i]).toEqual(position);
    }
    expect(position).toEqual(head);
    expect(head.index).toBe(3);
  });

  it("writes one fact once, and leaves out what is no entry", async () => {
    const once = { ...plain, subject: "once" };
    const malformed = { ...plain, target: "Not An Id" };
    const earlier = { index: 7, hash: nonceOf("earlier") };
    const known = new Map([["session.ended:known", earlier]]);
    const { rows, positions } = await build([once, malformed, once, { ...plain, subject: "known" }, plain], known);
    expect(rows.map(({ idx }) => idx)).toEqual([1, 2]);
    const [first, second] = rows.map(({ idx, hash }) => ({ index: idx, hash }));
    expect(positions).toEqual([first, undefined, first, earlier, second]);
  });
});
