import { beforeAll, describe, expect, it } from "vitest";
import { toBase64url } from "../../../protocol/bytes.ts";
import { submissionCodec, type Submission } from "../../../protocol/messages.ts";
import { Activity } from "../../../web/client/activity.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { EntryProof } from "../../../web/state/backend.ts";
import { honestCommand, OPERATION, type SealedCommand } from "../../fixtures/command.ts";
import { flipBase64url } from "../../fixtures/keys.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";

let world: World;
let command: SealedCommand;
beforeAll(async () => {
  world = await makeWorld();
  command = await honestCommand(world);
});

/** What the edge wrote about ada's command, and what it hands out as her approval. */
interface Told {
  readonly person?: string;
  readonly operation?: string;
  readonly submission?: Submission;
}

async function proofOf({ person = "p-ada", operation = OPERATION, submission }: Told): Promise<EntryProof> {
  const ledger = new LedgerMaker(world);
  const actor = { kind: "person", id: person } as const;
  const detail = { intent: command.digest, operation };
  ledger.add({ actor, action: "command.accepted", target: world.host, detail });
  await ledger.addReceipt(command.digest, 1);
  const far = new FarEnd(world, ledger.rows);
  far.evidence = toBase64url(submissionCodec.encode(submission ?? command.submission));
  const deps = far.deps();
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  const proof = activity.proof(1);
  await new Promise<void>((resolve) => {
    const stop = proof.subscribe(({ state }) => {
      if (state !== "loading") queueMicrotask(() => (stop(), resolve()));
    });
  });
  if (proof.value.state !== "ready") throw new Error(proof.value.state);
  return proof.value.value;
}

const failedOf = ({ checks }: EntryProof) => checks.flatMap(({ name, state }) => (state === "failed" ? [name] : []));
const WORDS = "The entry tells who, what and where as it was signed";

describe("the proof of a command", () => {
  it("holds for an honest entry", async () => {
    const proof = await proofOf({});
    expect(failedOf(proof)).toEqual([]);
    expect(proof.entry.seal).toEqual({ state: "verified" });
  });

  it.each<readonly [string, Told]>([
    ["another person", { person: "p-otto" }],
    ["another operation", { operation: "host.check@1" }],
  ])("fails, with its seal, when the edge wrote %s", async (_, told) => {
    const proof = await proofOf(told);
    expect(failedOf(proof)).toEqual([WORDS]);
    expect(proof.entry.seal.state).toBe("failed");
  });

  it("has no seal above a touch that does not verify", async () => {
    const [approval] = command.submission.approvals;
    if (approval === undefined) throw new TypeError("no approval");
    const assertion = { ...approval.assertion, signature: flipBase64url(approval.assertion.signature, 80) };
    const proof = await proofOf({ submission: { ...command.submission, approvals: [{ ...approval, assertion }] } });
    expect(failedOf(proof)).toContain("Approved by a passkey of the trust log, with the person verified");
    expect(proof.entry.seal.state).toBe("failed");
  });
});
