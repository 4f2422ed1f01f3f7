/** What an edge can try inside one proof. Each attempt is one change of an honest answer that is believed. */
import { beforeAll, describe, expect, it } from "vitest";
import { compare, countProven, isConsistent } from "../../../../agent/host/witness/judge.ts";
import type { Checkpoint } from "../../../../protocol/checkpoint.ts";
import {
  MAX_ENTRY_BYTES,
  MAX_FRAME_NOTE_BYTES,
  MAX_PROOF_HASHES,
  MAX_PROVEN_RECEIPTS,
} from "../../../../protocol/limits.ts";
import { ZERO_DIGEST } from "../../../../protocol/messages.ts";
import { inwardFrames } from "../../../../protocol/tunnel.ts";
import { movedEntry, WitnessedLog, type ProofFrame } from "../../../fixtures/witnessed-log.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { theWorld } from "../warden/rig.ts";

const OWN = nonceOf("own receipt");
const SECOND = nonceOf("second receipt");

let log: WitnessedLog;
let held: Checkpoint;
let shown: Checkpoint;
let proof: ProofFrame;

beforeAll(async () => {
  log = new WitnessedLog(await theWorld()).grow(6).receipt(1, OWN).grow(5).receipt(2, SECOND).grow(3);
  held = await log.checkpoint(5);
  shown = await log.checkpoint();
  proof = await log.proof({ from: 5, to: log.size, receipts: [1, 2] });
});

const receipts = [
  { number: 1, digest: OWN },
  { number: 2, digest: SECOND },
];
const proven = (change: Partial<ProofFrame> = {}, host = log.world.host): number =>
  countProven({ host, receipts, shown, proof: { ...proof, ...change } });

describe("order", () => {
  it("is by size, and of one size by root", async () => {
    expect(compare(undefined, shown)).toBe("first");
    expect(compare(held, held)).toBe("same");
    expect(compare(held, shown)).toBe("longer");
    expect(compare(shown, held)).toBe("smaller");
    expect(compare(held, { ...held, root: shown.root })).toBe("different");
  });
});

describe("a consistency proof", () => {
  it("is believed when it computes, and only as it is", async () => {
    expect(isConsistent(held, shown, proof)).toBe(true);
    const { consistency } = proof;
    const bent = [
      [],
      consistency.slice(1),
      consistency.slice(0, -1),
      [...consistency, ZERO_DIGEST],
      consistency.toReversed(),
    ];
    for (const one of bent) expect(isConsistent(held, shown, { ...proof, consistency: one })).toBe(false);
  });

  it("of another past is not", async () => {
    const other = new WitnessedLog(log.world).grow(4).grow(1, "changed").grow(11);
    const its = await other.proof({ from: 5, to: other.size, receipts: [] });
    expect(isConsistent(await other.checkpoint(5), await other.checkpoint(), its)).toBe(true);
    expect(isConsistent(held, await other.checkpoint(), its)).toBe(false);
  });
});

describe("own receipts", () => {
  it("are counted from the first on", () => {
    expect(proven()).toBe(2);
    expect(proven({ receipts: proof.receipts.toReversed() })).toBe(2);
    expect(proven({ receipts: proof.receipts.slice(0, 1) })).toBe(1);
    expect(proven({ receipts: proof.receipts.slice(1) })).toBe(0);
    expect(proven({ receipts: [] })).toBe(0);
  });

  it("are not proven under another number, or by each other's entries", () => {
    const [first, second] = proof.receipts;
    if (first === undefined || second === undefined) throw new TypeError("two receipts");
    expect(
      proven({
        receipts: [
          { ...second, number: 1 },
          { ...first, number: 2 },
        ],
      }),
    ).toBe(0);
    expect(proven({ receipts: [first, { ...first, number: 2 }] })).toBe(1);
  });

  it("are not proven by an entry at another index", () => {
    const [first] = proof.receipts;
    if (first === undefined) throw new TypeError("two receipts");
    for (const index of [1, 6, 8, log.size, log.size + 1])
      expect(proven({ receipts: [{ ...first, entry: movedEntry(first.entry, index) }] })).toBe(0);
  });

  it("are not proven by another place in the tree, or another tree", async () => {
    const [first, second] = proof.receipts;
    if (first === undefined || second === undefined) throw new TypeError("two receipts");
    expect(proven({ receipts: [{ ...first, inclusion: second.inclusion }] })).toBe(0);
    expect(proven({ receipts: [{ ...first, inclusion: [] }] })).toBe(0);
    const earlier = await log.proof({ from: 5, to: 8, receipts: [1] });
    expect(proven({ receipts: earlier.receipts })).toBe(0);
  });

  it("are not another host's", () => {
    expect(proven({}, "h-other")).toBe(0);
  });

  it("are not proven by what is no entry", () => {
    const [first] = proof.receipts;
    if (first === undefined) throw new TypeError("two receipts");
    for (const entry of ["e30", "AAAA"]) expect(proven({ receipts: [{ ...first, entry }] })).toBe(0);
  });
});

describe("what is too large", () => {
  const long = (bytes: number): string => "A".repeat(Math.ceil((bytes * 4) / 3 / 4) * 4 + 4);

  it("ends the tunnel before anybody looks at it", () => {
    const { consistency } = proof;
    const [first] = proof.receipts;
    if (first === undefined) throw new TypeError("two receipts");
    const frames = [
      { ...proof, consistency: Array.from({ length: MAX_PROOF_HASHES + 1 }, () => consistency[0] ?? "") },
      { ...proof, receipts: Array.from({ length: MAX_PROVEN_RECEIPTS + 1 }, () => first) },
      { ...proof, receipts: [{ ...first, entry: long(MAX_ENTRY_BYTES) }] },
      {
        ...proof,
        receipts: [{ ...first, inclusion: Array.from({ length: MAX_PROOF_HASHES + 1 }, () => ZERO_DIGEST) }],
      },
      { kind: "checkpoint", note: long(MAX_FRAME_NOTE_BYTES) },
    ];
    for (const frame of frames) expect(() => inwardFrames.decode(JSON.stringify(frame))).toThrow();
  });
});
