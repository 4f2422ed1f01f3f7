import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { ledgerLineCodec, type LedgerLine } from "../../../protocol/ledger-file.ts";
import { intentCodec, submissionCodec } from "../../../protocol/messages.ts";
import { verifyChunks } from "../../../agent/verify/read.ts";
import { Activity } from "../../../web/client/activity.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { EntryProof } from "../../../web/state/ledger.ts";
import { honestCommand, OPERATION, type SealedCommand } from "../../fixtures/command.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeWorld, NOW, type World } from "../../fixtures/workspace.ts";
import { FarEnd } from "./far-end.ts";
import { SignedLog } from "./signed-log.ts";

let world: World;
let command: SealedCommand;
beforeAll(async () => {
  world = await makeWorld();
  command = await honestCommand(world);
});

function sessionOf({ submission }: SealedCommand): string {
  const { actor } = intentCodec.decode(fromBase64url(submission.intent));
  if (!("session" in actor)) throw new TypeError("not a person's");
  return actor.session;
}

/** A command, and its answer a thousand entries later. */
async function edge(between = 3): Promise<FarEnd> {
  const maker = new LedgerMaker(world);
  maker.add({ action: "workspace.created", detail: {}, sourceIp: "127.0.0.1" });
  const actor = { kind: "person", id: "p-ada" } as const;
  maker.add({
    actor,
    action: "command.accepted",
    target: world.host,
    detail: { intent: command.digest, operation: OPERATION, session: sessionOf(command) },
  });
  for (let i = 0; i < between; i += 1) maker.add({ action: "host.connected", target: world.host, detail: {} });
  await maker.addReceipt(command.digest, 1);
  const far = new FarEnd(world);
  far.log = new SignedLog(world.workspace, maker.rows, { now: NOW });
  far.evidence = toBase64url(submissionCodec.encode(command.submission));
  return far;
}

async function proofOf(far: FarEnd, index: number): Promise<EntryProof> {
  const deps = far.deps();
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  const proof = activity.proof(index);
  await expect.poll(() => proof.value.state, { interval: 5, timeout: 10_000 }).not.toBe("loading");
  if (proof.value.state !== "ready") throw new Error(JSON.stringify(proof.value));
  return proof.value.value;
}

function linesOf({ file }: EntryProof): readonly LedgerLine[] {
  const lines = (file?.json ?? "").split("\n").slice(0, -1);
  return lines.map((line) => ledgerLineCodec.decode(utf8(line)));
}

async function verdictOf({ file }: EntryProof) {
  async function* chunks() {
    yield Buffer.from(file?.json ?? "");
  }
  return verifyChunks(chunks(), { workspace: world.workspace });
}

describe("the proof of one entry", () => {
  it("says each step in its order", async () => {
    const proof = await proofOf(await edge(), 2);
    expect(proof.checks.map(({ name, state }) => [state, name])).toEqual([
      ["passed", "Entry hash recomputed from its bytes"],
      ["passed", "Its place is proven in the log of 6 entries"],
      ["passed", "That log is signed by the ledger key that the trust log names"],
      ["passed", "It is the same log that this browser saw before"],
      ["unchecked", "That very checkpoint is cosigned by more than half of the hosts that are not beside the edge"],
      ["passed", "The signed command is the one in the entry"],
      ["passed", "Signed by the key of that sign-in"],
      ["passed", "Approved by a passkey of the trust log, with the person verified"],
      ["passed", "The entry tells who, what and where as it was signed"],
      ["passed", "Receipt signed by the host's own key"],
    ]);
    expect(proof.entry.seal).toEqual({ state: "verified" });
  });

  it("finds the other half of a command that is not held, from either side", async () => {
    const far = await edge(600);
    expect(linesOf(await proofOf(far, 2)).filter(({ kind }) => kind === "proven")).toHaveLength(2);
    expect(linesOf(await proofOf(far, 603)).filter(({ kind }) => kind === "proven")).toHaveLength(2);
  });

  it("names who cosigned, and counts them", async () => {
    const far = await edge();
    if (far.log !== undefined) far.log.witnesses = [{ host: world.host, key: "host cosign", size: 6, at: NOW }];
    const proof = await proofOf(far, 2);
    expect(proof.cosigners).toEqual([world.hostBody.label]);
    expect(proof.checks[4]).toMatchObject({ state: "passed", detail: "1 of 1, 1 needed" });
  });

  it("fails, with its seal, where the checkpoint is of another key or the row of another log", async () => {
    const far = await edge();
    if (far.log !== undefined) far.log.key = "stranger";
    const foreign = await proofOf(far, 2);
    expect(foreign.checks[2]?.state).toBe("failed");
    expect(foreign.entry.seal.state).toBe("failed");
  });
});

describe("the file of a proof", () => {
  it("is accepted by the verifier alone", async () => {
    const proof = await proofOf(await edge(), 2);
    expect(linesOf(proof).map(({ kind }) => kind)).toEqual([
      "log",
      ...linesOf(proof)
        .filter(({ kind }) => kind === "trust")
        .map(({ kind }) => kind),
      "checkpoint",
      "proven",
      "proven",
      "evidence",
      "end",
    ]);
    const { report } = await verdictOf(proof);
    expect(report.count("wrong")).toBe(0);
  });

  it("of an entry that is no command is accepted too", async () => {
    const { report } = await verdictOf(await proofOf(await edge(), 1));
    expect(report.count("wrong")).toBe(0);
  });
});
