/** What was signed stays signed: proofs of commands by several people, by machines, by people and hosts that are gone. */
import { beforeAll, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { intentCodec, submissionCodec, type Submission } from "../../../protocol/messages.ts";
import type { LedgerActor } from "../../../protocol/ledger.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { judgeApprovals } from "../../../protocol/verify/approvals.ts";
import { Activity } from "../../../web/client/activity.ts";
import { partnersOf } from "../../../web/client/entry-view.ts";
import { stateAt } from "../../../web/client/once-known.ts";
import { TrustKeeper } from "../../../web/client/trust.ts";
import type { EntryProof, LedgerEntry } from "../../../web/state/backend.ts";
import { nameOf } from "../../../web/pages/activity/names.ts";
import { sealCommand } from "../../fixtures/command.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { LedgerMaker } from "../../fixtures/ledger.ts";
import { makeTeam, say, type Said, type Team } from "../../fixtures/team.ts";
import { applied, NOW } from "../../fixtures/workspace.ts";
import type { CheckedRow } from "../../../web/client/checked-row.ts";
import { draftForTwo, draftOfMachine, draftWithSuccessor, sealOfMachine } from "../../protocol/rules/team-commands.ts";
import { FarEnd } from "./far-end.ts";

let team: Team;
beforeAll(async () => {
  team = await makeTeam();
});

/** The same team after one more statement. */
async function after(what: Said): Promise<Team> {
  const statement = await say(team.state, what, { by: [team.people.ada.passkey], at: NOW });
  return { ...team, statements: [...team.statements, statement], state: await applied(team.state, statement) };
}

interface Story {
  readonly submission: Submission;
  readonly actor: LedgerActor;
  readonly operation: string;
  /** How the trust log looks when somebody asks. */
  readonly now?: Team;
}

async function told({ submission, actor, operation, now = team }: Story) {
  const intent = digestOf("intent", fromBase64url(submission.intent));
  const ledger = new LedgerMaker(team);
  ledger.add({ actor, action: "command.accepted", target: team.host, detail: { intent, operation } });
  await ledger.addReceipt(intent, 1);
  const far = new FarEnd(now, ledger.rows);
  far.evidence = toBase64url(submissionCodec.encode(submission));
  const deps = far.deps();
  const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
  const proof = activity.proof(1);
  await new Promise<void>((resolve) => {
    const stop = proof.subscribe(({ state }) => {
      if (state !== "loading") queueMicrotask(() => (stop(), resolve()));
    });
  });
  if (proof.value.state !== "ready") throw new Error(JSON.stringify(proof.value));
  const entries = activity.entries.value;
  return { proof: proof.value.value, entries: entries.state === "ready" ? entries.value : [] };
}

const failedOf = ({ checks }: EntryProof) =>
  checks.flatMap(({ name, state, detail }) => (state === "failed" ? [`${name}: ${detail ?? ""}`] : []));
const receiptOf = (entries: readonly LedgerEntry[]) => entries.find(({ action }) => action === "command.receipt");

const ada = { kind: "person", id: "p-ada" } as const;

describe("the proof of a command of several people", () => {
  it("holds, and names everybody who approved", async () => {
    const { submission } = await sealCommand(team, draftForTwo(team));
    const { proof } = await told({ submission, actor: ada, operation: "host.drill@1" });
    expect(failedOf(proof)).toEqual([]);
    expect(proof.approval).toMatchObject({ person: "p-ada", before: ["p-bea"] });
  });

  it("fails when what the first approved was something else", async () => {
    const draft = draftForTwo(team);
    Object.assign(draft.proposal?.body ?? {}, { operation: "host.check@1", args: {} });
    const { submission } = await sealCommand(team, draft);
    const { proof } = await told({ submission, actor: ada, operation: "host.drill@1" });
    expect(failedOf(proof)).toEqual([expect.stringMatching(/^Approved by several people.*: proposal$/)]);
    expect(proof.approval).toBeUndefined();
  });
});

describe("the proof of a command signed by a later key of the sign-in", () => {
  it("holds with the step-up that named the key, and not without", async () => {
    const { submission } = await sealCommand(team, await draftWithSuccessor(team));
    const story = { actor: ada, operation: "gateway.restart@1" };
    expect(failedOf((await told({ ...story, submission })).proof)).toEqual([]);
    const { successor: _gone, ...bare } = submission;
    expect(failedOf((await told({ ...story, submission: bare })).proof)).toEqual([
      "Signed by the key of that sign-in: session_key",
    ]);
  });
});

describe("the proof of a machine's command", () => {
  const actor = { kind: "automation", id: "k-pipeline" } as const;
  const operation = "gateway.restart@1";

  it("holds by the automation key alone, and the entry says that it was one", async () => {
    const { submission } = await sealOfMachine(team, draftOfMachine(team));
    const { proof, entries } = await told({ submission, actor, operation });
    expect(failedOf(proof)).toEqual([]);
    expect(proof.approval).toBeUndefined();
    expect(nameOf(proof.entry.actor)).toBe("the key release pipeline (automation)");
    expect(receiptOf(entries)?.requester).toMatchObject({ kind: "automation", name: "release pipeline" });
  });

  it.each<LedgerActor>([ada, { kind: "person", id: "k-pipeline" }])(
    "fails when the entry says that a person gave it",
    async (person) => {
      const { submission } = await sealOfMachine(team, draftOfMachine(team));
      const { proof } = await told({ submission, actor: person, operation });
      expect(failedOf(proof)).toEqual(["The entry tells who, what and where as it was signed: "]);
    },
  );

  it("fails when another key signed", async () => {
    const { submission } = await sealOfMachine(team, { ...draftOfMachine(team), signer: team.keys.stranger });
    const { proof } = await told({ submission, actor, operation });
    expect(failedOf(proof)).toEqual([expect.stringMatching(/automation_key$/)]);
  });
});

describe("what was signed before somebody or something was removed", () => {
  it("verifies after the host is gone: its receipt, its name, the proof", async () => {
    const now = await after({ kind: "host.remove", body: { host: team.host } });
    const { submission } = await sealCommand(team, draftForTwo(team));
    const { proof, entries } = await told({ submission, actor: ada, operation: "host.drill@1", now });
    expect(failedOf(proof)).toEqual([]);
    expect(receiptOf(entries)?.seal).toEqual({ state: "verified" });
    expect(receiptOf(entries)?.actor.name).toBe("prod-1");
  });

  it("verifies after whoever proposed it was revoked, by the state that the command names", async () => {
    const { state } = await after({ kind: "person.revoke", body: { person: "p-bea" } });
    const { submission, intentBytes, digest } = await sealCommand(team, draftForTwo(team));
    const intent = intentCodec.decode(intentBytes);
    const judged = await judgeApprovals(submission, { intent, digest }, stateAt(state, intent.trustHead));
    expect(judged.touches.map(({ person }) => person)).toEqual(["p-bea", "p-ada"]);
    await expect(judgeApprovals(submission, { intent, digest }, state)).rejects.toThrow("approval.credential");
    // A head that this log never had names nothing.
    expect(stateAt(state, { ...intent.trustHead, hash: nonceOf("other") })).toBe(state);
  });

  it("takes no receipt of a host that was never admitted", async () => {
    const ledger = new LedgerMaker(team);
    await ledger.addReceipt(nonceOf("intent"), 1, (receipt) => ({ ...receipt, host: "h-nobody" }));
    const far = new FarEnd(team, ledger.rows);
    const deps = far.deps();
    const activity = new Activity({ ...deps, trust: new TrustKeeper(deps) });
    await activity.refresh();
    const entries = activity.entries.value;
    expect(entries.state === "ready" && entries.value[0]?.seal.state).toBe("failed");
  });
});

describe("which receipt belongs to which acceptance", () => {
  type Told = readonly [action: string, intent: string, target?: string];
  const rowsOf = (...all: readonly Told[]) =>
    all.map(
      ([action, intent, target], place) =>
        ({ entry: { index: place + 1, action, target, detail: { intent } } }) as unknown as CheckedRow,
    );

  it("is told by intent and host together", () => {
    const partners = partnersOf(
      rowsOf(
        ["command.accepted", "i", "h-a"],
        ["command.accepted", "i", "h-b"],
        ["command.receipt", "i", "h-b"],
        ["command.receipt", "i", "h-a"],
        ["command.receipt", "other", "h-a"],
      ),
    );
    expect([...partners].toSorted((a, b) => a[0] - b[0])).toEqual([
      [1, 4],
      [2, 3],
      [3, 2],
      [4, 1],
    ]);
  });

  it("is told by the intent where one acceptance stands for all hosts", () => {
    const partners = partnersOf(
      rowsOf(["command.accepted", "i"], ["command.receipt", "i", "h-b"], ["command.receipt", "i", "h-a"]),
    );
    expect(partners.get(1)).toBe(2);
    expect([partners.get(2), partners.get(3)]).toEqual([1, 1]);
  });
});
