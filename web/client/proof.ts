/** What people and hosts signed about one entry, checked step by step by the rules of the hosts. */
import type { LedgerEntry as ProtocolEntry } from "../../protocol/ledger.ts";
import { intentCodec, submissionCodec, type Intent, type Submission } from "../../protocol/messages.ts";
import { digestOf } from "../../protocol/signing.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { judgeApprovals, type JudgedApprovals } from "../../protocol/verify/approvals.ts";
import { judgeAuthor } from "../../protocol/verify/author.ts";
import { Refused } from "../../protocol/verify/refused.ts";
import type { EntryProof, ProofCheck, ReceiptView, Seal } from "../state/backend.ts";
import type { CheckedRow } from "./checked-row.ts";
import { bytesOf, type EdgeClient } from "./http.ts";
import { stateAt } from "./once-known.ts";
import { receiptView, type CheckedReceipt } from "./receipts.ts";
import { TroubleError } from "./trouble.ts";

/** As the list of passkeys shows them. */
const SHOWN_ID_CHARACTERS = 8;

export interface ProofDeps {
  readonly client: EdgeClient;
  readonly state: TrustState;
  readonly nameOf: (person: string) => string | undefined;
}

export interface ProofSubject {
  readonly checked: CheckedRow;
  readonly partner: CheckedRow | undefined;
}

export interface CommandProof {
  readonly approval?: NonNullable<EntryProof["approval"]>;
  readonly receipt?: ReceiptView;
  readonly checks: readonly ProofCheck[];
  /** Bytes of what was signed, base64url, where the edge gave them. */
  readonly evidence?: Evidence;
}

export interface Evidence {
  readonly intent: string;
  readonly host: string;
  readonly submission: string;
}

/** The acceptance and the receipt of a command are two entries; a proof of one brings the other. */
function commandOf({ checked, partner }: ProofSubject): {
  readonly acceptance?: CheckedRow;
  readonly ledger: number[];
} {
  const rows = [checked, partner].filter((row) => row !== undefined);
  const acceptance = rows.find((row) => row.entry.action === "command.accepted");
  const ledger = rows.filter((row) => row.entry.detail.intent !== undefined).map((row) => row.entry.index);
  return { ...(acceptance === undefined ? {} : { acceptance }), ledger: ledger.toSorted((a, b) => a - b) };
}

/** What people and hosts signed for the command that this entry tells of; nothing for other entries. */
export async function proveCommand(deps: ProofDeps, subject: ProofSubject): Promise<CommandProof> {
  const { checked, partner } = subject;
  const { acceptance, ledger } = commandOf(subject);
  const receipt = checked.receipt ?? partner?.receipt;
  const approval = acceptance === undefined ? undefined : await proveApproval(deps, acceptance, partner);
  return {
    ...(approval?.shown === undefined ? {} : { approval: approval.shown }),
    ...(receipt === undefined ? {} : { receipt: receiptView(receipt, { state: deps.state, ledger }) }),
    ...(approval?.evidence === undefined ? {} : { evidence: approval.evidence }),
    checks: [...(approval?.checks ?? []), ...receiptChecks(checked, receipt)],
  };
}

/** A seal above a list in which something failed would be believed before the list is read. */
export function sealBy(checks: readonly ProofCheck[], seal: Seal): Seal {
  const failed = checks.find(({ state }) => state === "failed");
  if (failed === undefined || seal.state === "failed") return seal;
  return {
    state: "failed",
    reason: `One check failed: ${failed.name.charAt(0).toLowerCase()}${failed.name.slice(1)}.`,
  };
}

function receiptChecks(checked: CheckedRow, receipt: CheckedReceipt | undefined): readonly ProofCheck[] {
  if (receipt === undefined) {
    return checked.entry.detail.intent === undefined
      ? []
      : [{ name: "Receipt signed by the host", state: "unchecked", detail: "no receipt yet" }];
  }
  const { seal } = receipt;
  const state = seal.state === "verified" ? "passed" : "failed";
  return [
    {
      name: "Receipt signed by the host's own key",
      state,
      ...(seal.state === "failed" ? { detail: seal.reason } : {}),
    },
  ];
}

interface ProvenApproval {
  readonly evidence?: Evidence;
  readonly shown: NonNullable<EntryProof["approval"]> | undefined;
  readonly checks: readonly ProofCheck[];
}

/**
 * Checks what was signed, by the rules and the keys of the moment: the session or automation key, each touch, and that
 * the entry tells the same. Whoever was revoked since is judged by what they were then.
 */
async function proveApproval(
  deps: ProofDeps,
  { entry }: CheckedRow,
  partner: CheckedRow | undefined,
): Promise<ProvenApproval> {
  const { intent } = entry.detail;
  const host = entry.target ?? partner?.entry.target;
  if (intent === undefined || host === undefined) return { shown: undefined, checks: [] };
  const evidence = await evidenceOf(deps.client, { intent, host });
  if (!("submission" in evidence)) return { shown: undefined, checks: [evidence] };
  const submission = submissionCodec.decode(bytesOf(evidence.submission));
  const signed = readSigned(deps, submission, entry);
  const checks: ProofCheck[] = [
    { name: "The signed command is the one in the entry", state: signed.digest === intent ? "passed" : "failed" },
    await authorCheck(signed),
  ];
  if ("automationKey" in signed.intent.actor)
    return { shown: undefined, evidence, checks: [...checks, toldCheck(signed, signed.intent.actor.automationKey)] };
  const touched = await touchesOf(deps, signed);
  const person = signed.past.credentials.get(lastCredential(submission))?.person;
  return { shown: touched.shown, evidence, checks: [...checks, ...touched.checks, toldCheck(signed, person)] };
}

/** A submission read, beside the entry that tells of it and the state that it was signed under. */
interface SignedCommand {
  readonly submission: Submission;
  readonly intent: Intent;
  readonly digest: string;
  readonly entry: ProtocolEntry;
  readonly past: TrustState;
}

function readSigned({ state }: ProofDeps, submission: Submission, entry: ProtocolEntry): SignedCommand {
  const bytes = bytesOf(submission.intent);
  const intent = intentCodec.decode(bytes);
  return { submission, intent, digest: digestOf("intent", bytes), entry, past: stateAt(state, intent.trustHead) };
}

function lastCredential({ approvals }: Submission): string {
  return approvals.at(-1)?.assertion.credentialId ?? "";
}

async function authorCheck({ submission, intent, entry, past }: SignedCommand): Promise<ProofCheck> {
  const name =
    "session" in intent.actor
      ? "Signed by the key of that sign-in"
      : "Signed by an automation key that the trust log grants";
  const message = {
    kind: "intent",
    body: bytesOf(submission.intent),
    signature: submission.sessionSignature,
    actor: intent.actor,
    session: submission.session,
    successor: submission.successor,
  } as const;
  const view = { trust: past, now: Math.floor(entry.at / 1000), isSessionEnded: () => false };
  return ruled(name, () => judgeAuthor(message, view));
}

/** A check that passes unless a rule of the hosts says no; the rule stands beside it then. */
async function ruled(name: string, judge: () => Promise<unknown>): Promise<ProofCheck> {
  try {
    await judge();
    return { name, state: "passed" };
  } catch (error) {
    if (error instanceof Refused) return { name, state: "failed", detail: error.code };
    throw error;
  }
}

/** The edge writes the entry's words: who, what and where are compared with the ones that were signed. */
function toldCheck({ intent, entry }: SignedCommand, author: string | undefined): ProofCheck {
  const kind = "session" in intent.actor ? "person" : "automation";
  const fits =
    entry.actor.kind === kind &&
    entry.actor.id === author &&
    entry.detail.operation === intent.operation &&
    (entry.target === undefined || intent.targets.some(({ host }) => host === entry.target));
  return { name: "The entry tells who, what and where as it was signed", state: fits ? "passed" : "failed" };
}

/** The stored submission, or the check that could not be made. */
async function evidenceOf(
  client: EdgeClient,
  params: { readonly intent: string; readonly host: string },
): Promise<Evidence | ProofCheck> {
  try {
    const { submission } = await client.call("commandEvidence", { params });
    return { ...params, submission };
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    return { name: "What the person signed", state: "unchecked", detail: error.trouble.what };
  }
}

/** Every touch: the last person's over the command, those before over its proposal. */
async function touchesOf(deps: ProofDeps, signed: SignedCommand): Promise<ProvenApproval> {
  const { submission, intent, digest, past } = signed;
  const name =
    intent.proposal === undefined
      ? "Approved by a passkey of the trust log, with the person verified"
      : "Approved by several people, each by a passkey of the trust log, over exactly this command";
  const judged: { value?: JudgedApprovals } = {};
  const check = await ruled(name, async () => {
    judged.value = await judgeApprovals(submission, { intent, digest }, past);
  });
  const touches = judged.value?.touches ?? [];
  const last = touches.at(-1);
  if (last === undefined) return { shown: undefined, checks: [check] };
  const nameOf = (person: string) => deps.nameOf(person) ?? person;
  const before = touches.slice(0, -1).map(({ person }) => nameOf(person));
  const shown = {
    person: nameOf(last.person),
    ...(before.length === 0 ? {} : { before }),
    passkey: lastCredential(submission).slice(0, SHOWN_ID_CHARACTERS),
    userVerified: true,
    afterSeconds: judged.value?.after ?? 0,
    origin: last.origin.origin,
    originClass: last.origin.class,
  };
  return { shown, checks: [check] };
}
