import { describe, expect, it } from "vitest";
import { verifyEnvelope } from "../../protocol/verify.ts";
import { honestCommand } from "../fixtures/command.ts";
import { campaign, edgeHoldsDispatchKey } from "./campaign.ts";
import { sharedWorld } from "./rules/envelope-cases.ts";

const SEED = 20_261_120;

describe("an edge that bends honest envelopes", () => {
  it("holds the dispatch key", async () => {
    expect(await edgeHoldsDispatchKey()).toBe(true);
  });

  it("has none of 5,000 accepted, and gets far enough to be worth trying", { timeout: 120_000 }, async () => {
    const { tried, verdicts, accepted } = await campaign(5_000, SEED);
    console.log(`seed ${SEED}`, verdicts);
    expect(tried).toBe(5_000);
    expect(accepted).toEqual([]);
    expect(Object.keys(verdicts).length).toBeGreaterThan(15);
    // Past its own signature: the dispatched half is judged by the person's signatures.
    expect(verdicts["session_key"]).toBeGreaterThan(50);
    const approvals = Object.entries(verdicts).filter(([code]) => code.startsWith("approval"));
    expect(approvals.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(200);
  });

  it("gains nothing by repeating an approval: the same command, by the same person", async () => {
    const world = await sharedWorld();
    const { bytes, view, digest } = await honestCommand(world, (draft) => {
      draft.approvals = [...draft.approvals, ...draft.approvals];
    });
    const result = await verifyEnvelope(bytes, view);
    expect(result).toMatchObject({ kind: "refused", code: "approval_extra", digest });
  });
});
