import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { DigestTree } from "../../../agent/verify/tree.ts";
import { TreeBeside } from "../../../agent/verify/tree-beside.ts";

const digestOf = (index: number): string => createHash("sha256").update(String(index)).digest("base64url");

/** More than the memory between the threads holds, twice over. */
const MANY = 150_000;

describe("a tree that a second thread computes", () => {
  it("has the root of one computed here, whenever it is asked", () => {
    const here = new DigestTree();
    for (let i = 0; i < 37; i += 1) here.append(digestOf(i));
    const beside = new TreeBeside(here);
    const asked = new Set([1, 2, 511, 512, 513, 4_096, 65_535, 65_536, 65_537, 100_000, MANY]);
    expect(beside.root()).toEqual(here.root());
    for (let i = 1; i <= MANY; i += 1) {
      const digest = digestOf(i);
      here.append(digest);
      beside.append(digest);
      if (asked.has(i)) expect([i, beside.root().toString("hex")]).toEqual([i, here.root().toString("hex")]);
    }
    expect(beside.size).toBe(here.size);
    beside.end();
  });

  it("goes on from nothing, and says twice the same", () => {
    const beside = new TreeBeside(new DigestTree());
    const empty = beside.root();
    expect(empty).toEqual(new DigestTree().root());
    expect(beside.root()).toEqual(empty);
    beside.end();
  });
});
