/**
 * What a person signed, against the entry that says that a command was accepted: the same rules that hosts apply, by the
 * keys and roles of the moment, so that whoever was revoked since is judged by what they were then.
 */
import { fromBase64url } from "../bytes.ts";
import { MalformedError } from "../canonical.ts";
import type { LedgerEntry } from "../ledger.ts";
import { intentCodec, submissionCodec, type Intent, type Submission } from "../messages.ts";
import type { RefusalCode } from "../refusals.ts";
import { digestOf } from "../signing.ts";
import type { TrustState } from "../trust/state.ts";
import { judgeApprovals, type JudgedApprovals } from "../verify/approvals.ts";
import { judgeAuthor, type Author } from "../verify/author.ts";
import { Refused } from "../verify/refused.ts";
import { stateAtHead } from "./once-known.ts";

/** What an entry `command.accepted` says. */
export type AcceptedCommand = Pick<LedgerEntry, "at" | "actor" | "target" | "detail">;

export type EvidenceFault =
  | "malformed" // no submission
  | "other" // of another command than the entry names
  | "head" // signed under a trust log that is not this one
  | "told"; // the entry tells who, what or where differently

export type EvidenceVerdict =
  | { readonly ok: true; readonly author: Author; readonly approvals: JudgedApprovals | undefined }
  /** `rule`: that the hosts apply and that says no. */
  | { readonly ok: false; readonly fault: EvidenceFault }
  | { readonly ok: false; readonly fault: "refused"; readonly rule: RefusalCode };

export async function judgeEvidence(
  bytes: Uint8Array,
  entry: AcceptedCommand,
  trust: TrustState,
): Promise<EvidenceVerdict> {
  const read = readSubmission(bytes);
  if (read === undefined) return { ok: false, fault: "malformed" };
  const { submission, intent, digest } = read;
  if (digest !== entry.detail.intent) return { ok: false, fault: "other" };
  const past = stateAtHead(trust, intent.trustHead);
  if (past === undefined) return { ok: false, fault: "head" };
  try {
    const author = await judgeAuthor(authored(read), {
      trust: past,
      now: Math.floor(entry.at / 1_000),
      isSessionEnded: () => false, // the edge and the host asked that when it mattered
    });
    const approvals = author.kind === "automation" ? undefined : await judgeApprovals(submission, read, past);
    if (!tellsTheSame(entry, { intent, author, approvals })) return { ok: false, fault: "told" };
    return { ok: true, author, approvals };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, fault: "refused", rule: error.code };
    throw error;
  }
}

interface ReadSubmission {
  readonly submission: Submission;
  readonly intent: Intent;
  readonly digest: string;
}

function readSubmission(bytes: Uint8Array): ReadSubmission | undefined {
  try {
    const submission = submissionCodec.decode(bytes);
    const body = fromBase64url(submission.intent);
    return { submission, intent: intentCodec.decode(body), digest: digestOf("intent", body) };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function authored({ submission, intent }: ReadSubmission): Parameters<typeof judgeAuthor>[0] {
  return {
    kind: "intent",
    body: fromBase64url(submission.intent),
    signature: submission.sessionSignature,
    actor: intent.actor,
    session: submission.session,
    successor: submission.successor,
  };
}

interface Judged {
  readonly intent: Intent;
  readonly author: Author;
  readonly approvals: JudgedApprovals | undefined;
}

/** The edge writes the entry's words: who, what and where are compared with the ones that were signed. */
function tellsTheSame({ actor, target, detail }: AcceptedCommand, { intent, author, approvals }: Judged): boolean {
  const who = author.kind === "session" ? author.person : author.key.id;
  const kind = author.kind === "session" ? "person" : "automation";
  // The person whose session carries the command is the person of the last touch.
  if (approvals !== undefined && approvals.touches.at(-1)?.person !== who) return false;
  return (
    actor.kind === kind &&
    actor.id === who &&
    detail.operation === intent.operation &&
    detail.session === ("session" in intent.actor ? intent.actor.session : undefined) &&
    detail.proposal === intent.proposal &&
    intent.targets.some(({ host }) => host === target)
  );
}
