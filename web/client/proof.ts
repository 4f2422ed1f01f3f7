/** What this browser computed about one entry, step by step, and the proof as a file. */
import { utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import type { ActivityRow } from "../../protocol/contracts.ts";
import type { LedgerEntry as ProtocolEntry } from "../../protocol/ledger.ts";
import { actorName, approvalCodec, intentCodec, submissionCodec, type Submission } from "../../protocol/messages.ts";
import { digestOf, verifySignature } from "../../protocol/signing.ts";
import { sessionCodec } from "../../protocol/messages.ts";
import { verifyTouch } from "../../protocol/trust/approvals.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { TrustPage } from "../../protocol/trust/statements.ts";
import type { EntryProof, LedgerEntry, ProofCheck, Seal } from "../state/backend.ts";
import { bytesOf, type EdgeClient } from "./http.ts";
import { receiptView, type CheckedReceipt } from "./receipts.ts";
import { TroubleError } from "./trouble.ts";

/** As the list of passkeys shows them. */
const SHOWN_ID_CHARACTERS = 8;

/** A row whose chain link was checked. */
export interface CheckedRow {
  readonly row: ActivityRow;
  readonly entry: ProtocolEntry;
  readonly receipt: CheckedReceipt | undefined;
  /** Undefined when there is no source address, or it was erased. */
  readonly sourceFits: boolean | undefined;
}

export interface ProofDeps {
  readonly client: EdgeClient;
  readonly state: TrustState;
  readonly nameOf: (person: string) => string | undefined;
}

/**
 * A file that `clawhold verify` checks offline: the trust log from its root, then every entry of the chain up to the
 * proven one, each line canonical JSON. Nothing in it has to be believed.
 */
export function proofFile(page: TrustPage, rows: readonly CheckedRow[]): NonNullable<EntryProof["file"]> {
  const lines = [page, ...rows.map(({ row }) => row)].map((line) => utf8Text(encodeCanonical(line)));
  return { name: `clawhold-proof-${rows.length}.jsonl`, json: `${lines.join("\n")}\n` };
}

export interface ProofSubject {
  readonly checked: CheckedRow;
  readonly partner: CheckedRow | undefined;
  readonly entry: LedgerEntry;
  readonly chainSize: number;
  readonly file: NonNullable<EntryProof["file"]>;
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

export async function proveEntry(deps: ProofDeps, subject: ProofSubject): Promise<EntryProof> {
  const { checked, partner } = subject;
  const { acceptance, ledger } = commandOf(subject);
  const receipt = checked.receipt ?? partner?.receipt;
  const approval = acceptance === undefined ? undefined : await proveApproval(deps, acceptance);
  const checks = [...chainChecks(subject), ...(approval?.checks ?? []), ...receiptChecks(checked, receipt)];
  return {
    entry: { ...subject.entry, seal: sealBy(checks, subject.entry.seal) },
    ...(approval?.shown === undefined ? {} : { approval: approval.shown }),
    ...(receipt === undefined ? {} : { receipt: receiptView(receipt, { state: deps.state, ledger }) }),
    chainSize: subject.chainSize,
    checks,
    file: subject.file,
  };
}

/** A seal above a list in which something failed would be believed before the list is read. */
function sealBy(checks: readonly ProofCheck[], seal: Seal): Seal {
  const failed = checks.find(({ state }) => state === "failed");
  if (failed === undefined || seal.state === "failed") return seal;
  return {
    state: "failed",
    reason: `One check failed: ${failed.name.charAt(0).toLowerCase()}${failed.name.slice(1)}.`,
  };
}

function chainChecks({ checked, chainSize }: ProofSubject): readonly ProofCheck[] {
  const checks: ProofCheck[] = [
    { name: "Entry hash recomputed from its bytes", state: "passed" },
    {
      name: `Linked to entry ${checked.entry.index - 1}, and so to every entry before`,
      state: "passed",
    },
    { name: `Part of one chain of ${chainSize} entries`, state: "passed" },
  ];
  if (checked.sourceFits !== undefined) {
    checks.push({
      name: "Source address fits the commitment in the entry",
      state: checked.sourceFits ? "passed" : "failed",
    });
  }
  return checks;
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
  readonly shown: NonNullable<EntryProof["approval"]> | undefined;
  readonly checks: readonly ProofCheck[];
}

/** Checks the touch itself: what the person's passkey signed, against the keys of the trust log. */
async function proveApproval(deps: ProofDeps, acceptance: CheckedRow): Promise<ProvenApproval> {
  const { intent } = acceptance.entry.detail;
  const host = acceptance.entry.target;
  if (intent === undefined || host === undefined) return { shown: undefined, checks: [] };
  const evidence = await evidenceOf(deps.client, { intent, host });
  if (typeof evidence !== "string") return { shown: undefined, checks: [evidence] };
  const submission = submissionCodec.decode(bytesOf(evidence));
  const isSame = digestOf("intent", bytesOf(submission.intent)) === intent;
  const signed = await sessionSigned(submission);
  const checks: ProofCheck[] = [
    { name: "The signed command is the one in the entry", state: isSame ? "passed" : "failed" },
    { name: "Signed by the key of that sign-in", state: signed ? "passed" : "failed" },
  ];
  const touched = await touchOf(deps, submission, intent);
  const fits = saysTheSame(deps, acceptance, submission);
  const told: ProofCheck = { name: "The entry tells who, what and where as it was signed", state: fits };
  return { shown: touched.shown, checks: [...checks, touched.check, told] };
}

/** The edge writes the entry's words: person, operation and host are compared with the ones that were signed. */
function saysTheSame({ state }: ProofDeps, { entry }: CheckedRow, submission: Submission): "passed" | "failed" {
  const { operation, targets } = intentCodec.decode(bytesOf(submission.intent));
  const credentialId = submission.approvals.at(-1)?.assertion.credentialId ?? "";
  const fits =
    entry.actor.kind === "person" &&
    entry.actor.id === state.credentials.get(credentialId)?.person &&
    entry.detail.operation === operation &&
    targets.some(({ host }) => host === entry.target);
  return fits ? "passed" : "failed";
}

/** The stored submission, or the check that could not be made. */
async function evidenceOf(
  client: EdgeClient,
  params: { readonly intent: string; readonly host: string },
): Promise<string | ProofCheck> {
  try {
    return (await client.call("commandEvidence", { params })).submission;
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    return { name: "What the person signed", state: "unchecked", detail: error.trouble.what };
  }
}

interface Touched {
  readonly shown: ProvenApproval["shown"];
  readonly check: ProofCheck;
}

async function touchOf(deps: ProofDeps, submission: Submission, intent: string): Promise<Touched> {
  const name = "Approved by a passkey of the trust log, with the person verified";
  const [asserted] = submission.approvals;
  if (asserted === undefined) return { shown: undefined, check: { name, state: "failed", detail: "no approval" } };
  const approval = approvalCodec.decode(bytesOf(asserted.body));
  const verdict = await verifyTouch(deps.state, asserted, "approval");
  if (!verdict.ok) return { shown: undefined, check: { name, state: "failed", detail: verdict.rule } };
  if (approval.kind !== "intent" || approval.subject !== intent) {
    return { shown: undefined, check: { name, state: "failed", detail: "the touch was for something else" } };
  }
  const person = deps.state.credentials.get(asserted.assertion.credentialId)?.person ?? "";
  const shown = {
    person: deps.nameOf(person) ?? person,
    passkey: asserted.assertion.credentialId.slice(0, SHOWN_ID_CHARACTERS),
    userVerified: true,
    afterSeconds: approval.after,
    origin: verdict.origin.origin,
    originClass: verdict.origin.class,
  };
  return { shown, check: { name, state: "passed" } };
}

async function sessionSigned(submission: Submission): Promise<boolean> {
  if (submission.session === undefined) return false;
  const sessionBytes = bytesOf(submission.session.body);
  const session = sessionCodec.decode(sessionBytes);
  const body = bytesOf(submission.intent);
  if (actorName(intentCodec.decode(body).actor) !== digestOf("session", sessionBytes)) return false;
  return verifySignature({
    kind: "intent",
    body,
    signature: submission.sessionSignature,
    publicKey: session.sessionKey,
  });
}
