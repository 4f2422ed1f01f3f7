import { describe, expect, it } from "vitest";
import { checkpointText, logOrigin, witnessName } from "../../../protocol/checkpoint.ts";
import { MAX_EARLIER_CHECKPOINTS } from "../../../protocol/ledger-file.ts";
import { emptyRoot } from "../../../protocol/merkle.ts";
import { encodeNote } from "../../../protocol/note.ts";
import { earlierCheckpoints } from "../../../worker/export/earlier.ts";
import { nonceOf } from "../../fixtures/keys.ts";

const workspace = nonceOf("workspace");
const seen = (size: number, ...hosts: readonly string[]) => ({
  size,
  note: encodeNote({
    text: checkpointText({ workspace, size, root: emptyRoot() }),
    signatures: [logOrigin(workspace), ...hosts.map((host) => witnessName(workspace, host))].map((name) => ({
      name,
      bytes: new Uint8Array(68),
    })),
  }),
});
const hosts = [{ id: "h-one" }, { id: "h-two" }];
const sizesOf = (candidates: readonly ReturnType<typeof seen>[], first = 1) =>
  earlierCheckpoints(candidates, { workspace, hosts, first, size: 1_000 }).map(({ size }) => size);

describe("the smaller checkpoints of a copy", () => {
  it("have hosts of the trust log under them, and lie within it", () => {
    const candidates = [seen(4, "h-one"), seen(5), seen(6, "h-removed"), seen(7, "h-two"), seen(1_000, "h-one")];
    expect(sizesOf(candidates)).toEqual([7, 4]);
    expect(sizesOf(candidates, 7)).toEqual([7]);
  });

  it("are one of each size, with every host's line once", () => {
    const whole = seen(4, "h-one", "h-two");
    for (const candidates of [
      [whole, seen(4, "h-two")],
      [seen(4, "h-one"), seen(4, "h-two", "h-removed")],
    ])
      expect(earlierCheckpoints(candidates, { workspace, hosts, first: 1, size: 9 })).toEqual([whole]);
  });

  it("are never more than a reader takes; the oldest stay away", () => {
    const many = Array.from({ length: MAX_EARLIER_CHECKPOINTS + 5 }, (_, i) => seen(i + 1, "h-one"));
    const sizes = sizesOf(many);
    expect(sizes).toHaveLength(MAX_EARLIER_CHECKPOINTS);
    expect([sizes[0], sizes.at(-1)]).toEqual([MAX_EARLIER_CHECKPOINTS + 5, 6]);
  });
});
