/**
 * SIGKILL of the runtime at random moments under fifty writers and somebody who asks for checkpoints all the time. What was
 * acknowledged is there, once, in its place; there is no gap and no second history; every checkpoint that was ever given
 * out is of the one log that is there now. CLAWHOLD_LEDGER_KILLS=N kills N times.
 */
import { randomInt } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Row } from "../../agent/edge/d1.ts";
import { concatBytes, toBase64url, utf8 } from "../../protocol/bytes.ts";
import { entryLeaf, openCheckpoint, rootDigest } from "../../protocol/checkpoint.ts";
import { CHAIN_START, checkEntry, type LedgerEntry } from "../../protocol/ledger.ts";
import { Frontier, type Hash } from "../../protocol/merkle.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { LedgerRig, ledgerKeyOfRig } from "./ledger/rig.ts";
import { Writers, writerName } from "./ledger/writers.ts";

const KILLS = Number(process.env["CLAWHOLD_LEDGER_KILLS"] ?? "10");
if (!Number.isSafeInteger(KILLS) || KILLS < 1) throw new RangeError("CLAWHOLD_LEDGER_KILLS is not a number of kills");
const MAX_LIFE_MILLISECONDS = 400;
/** However slow the machine: three lives of four give more than ten answers a kill. */
const ANSWERS_A_LIFE = 15;
const ROWS_PER_PAGE = 400;
const TILE = 256;

const workspace = nonceOf("crash");

interface Stored {
  readonly entry: LedgerEntry;
  readonly hash: string;
}

describe(`after ${KILLS} kills`, () => {
  let rig: LedgerRig;
  let writers: Writers;
  /** In order, from index 1. */
  const log: Stored[] = [];
  const leaves: Hash[] = [];

  beforeAll(
    async () => {
      rig = await LedgerRig.start();
      writers = new Writers(rig, workspace);
      writers.start();
      for (let i = 0; i < KILLS; i++) {
        // Three lives of four are killed while they write, the fourth perhaps before it has begun.
        if (i % 4 !== 3) await writers.heard(ANSWERS_A_LIFE);
        await wait(randomInt(MAX_LIFE_MILLISECONDS));
        await rig.kill();
      }
      await wait(MAX_LIFE_MILLISECONDS);
      await writers.stop();
      // The last word of a process that nobody kills.
      const last = await rig.ask<{ readonly ok: boolean; readonly note: string; readonly size: number }>(
        "/checkpoint",
        {
          workspace,
        },
      );
      expect(last).toMatchObject({ ok: true });
      writers.checkpoints.push(last);
    },
    60_000 + KILLS * 5_000,
  );

  afterAll(async () => rig?.stop());

  async function rowsOf(sql: string): Promise<readonly Row[]> {
    const all: Row[] = [];
    for (;;) {
      const [page = []] = await rig.sql([{ sql: `${sql} LIMIT ${ROWS_PER_PAGE} OFFSET ${all.length}` }]);
      all.push(...page);
      if (page.length < ROWS_PER_PAGE) return all;
    }
  }

  it("the chain is whole: no gap, no fork, every entry what its digest says", async () => {
    let position = CHAIN_START;
    for (const row of await rowsOf("SELECT body, hash FROM ledger ORDER BY idx")) {
      const hash = String(row["hash"]);
      const step = checkEntry(utf8(String(row["body"])), hash, { workspace, position });
      if (!step.ok) throw new Error(`entry ${step.index}: ${step.fault}`);
      ({ position } = step);
      log.push({ entry: step.entry, hash });
      leaves.push(entryLeaf(hash));
    }
    console.log(`${log.length} entries, ${writers.acknowledged.length} acknowledged, ${KILLS} kills`);
    // Nothing lost of nothing acknowledged would prove nothing.
    expect(writers.acknowledged.length).toBeGreaterThan(10 * KILLS);
  });

  it("nothing that was acknowledged is lost, moved or changed", () => {
    const lost = writers.acknowledged.filter(({ writer, n, index, hash }) => {
      const stored = log[index - 1];
      return (
        stored?.hash !== hash || stored.entry.target !== writerName(writer) || stored.entry.detail.calls?.total !== n
      );
    });
    expect(lost).toEqual([]);
  });

  it("nothing is there twice", () => {
    const names = log.map(({ entry }) => `${entry.target} ${entry.detail.calls?.total}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("what was answered before something else was asked stands before it", () => {
    const asked = writers.acknowledged.toSorted((a, b) => a.asked - b.asked);
    const answered = writers.acknowledged.toSorted((a, b) => a.answered - b.answered);
    let newest = 0;
    let next = 0;
    for (const one of asked) {
      for (; (answered[next]?.answered ?? Infinity) < one.asked; next++)
        newest = Math.max(newest, answered[next]?.index ?? 0);
      expect(one.index).toBeGreaterThan(newest);
    }
  });

  it("a receipt is there exactly when its entry is", async () => {
    const named = log.flatMap(({ entry }) => entry.detail.receipt ?? []);
    const held = await rowsOf("SELECT digest FROM receipts ORDER BY digest");
    expect(held.map((row) => row["digest"])).toEqual(named.toSorted());
  });

  it("every checkpoint that was given out or kept is of this log", async () => {
    const kept = await rowsOf("SELECT size, note FROM checkpoints ORDER BY size");
    const given = [
      ...writers.checkpoints,
      ...kept.map((row) => ({ size: Number(row["size"]), note: String(row["note"]) })),
    ];
    const ledgerKey = await ledgerKeyOfRig();
    const roots = new Map<number, string>();
    const sizes = new Set(given.map(({ size }) => size));
    const tree = new Frontier();
    for (const leaf of leaves) {
      tree.append(leaf);
      if (sizes.has(tree.size)) roots.set(tree.size, toBase64url(tree.root()));
    }
    for (const { size, note } of given) {
      const opened = await openCheckpoint(note, { workspace, ledgerKey });
      if (typeof opened === "string") throw new Error(opened);
      expect([opened.size, rootDigest(opened)]).toEqual([size, roots.get(size)]);
    }
    expect(Math.max(...sizes)).toBe(leaves.length);
    const refused = log.filter(({ entry }) => entry.action === "checkpoint.refused");
    expect(refused).toEqual([]);
  });

  it("the tiles are those of a tree built from nothing", async () => {
    const full = Math.floor(leaves.length / TILE);
    const tile = (hashes: readonly Hash[]): string => toBase64url(concatBytes(...hashes));
    const lowest = Array.from({ length: full }, (_, n) => leaves.slice(n * TILE, (n + 1) * TILE));
    const above = lowest.map((hashes) => {
      const tree = new Frontier();
      for (const hash of hashes) tree.append(hash);
      return tree.root();
    });
    const stored = await rowsOf("SELECT level, n, width, hashes FROM ledger_tiles ORDER BY level, n");
    const expected = [
      ...lowest.map((hashes, n) => ({ level: 0, n, width: TILE, hashes: tile(hashes) })),
      ...(full === 0 ? [] : [{ level: 8, n: 0, width: full, hashes: tile(above) }]),
    ];
    if (full <= TILE) expect(stored).toEqual(expected);
    else expect(stored.slice(0, full)).toEqual(expected.slice(0, full));
  });
});
