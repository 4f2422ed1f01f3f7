/**
 * What a person signed, against the entry that says that a command was accepted: the same rules that the edge applied, by
 * the keys and roles of the moment, so that whoever was revoked since is judged by what they were then.
 */
import { MalformedError } from "../canonical.ts";
import type { LedgerEntry } from "../ledger.ts";
import { intentCodec, submissionCodec, type Intent, type Submission } from "../messages.ts";
import { fromBase64url } from "../bytes.ts";
import type { RefusalCode } from "../refusals.ts";
import { digestOf } from "../signing.ts";
import type { TrustState } from "../trust/state.ts";
import { verifySubmission, type CommandAuthor } from "../verify.ts";
import { stateAtHead } from "./once-known.ts";

/** What an entry `command.accepted` says. */
export type AcceptedCommand = Pick<LedgerEntry, "at" | "actor" | "target" | "detail">;

export type EvidenceVerdict =
  | { readonly ok: true; readonly intent: Intent; readonly author: CommandAuthor }
  | { readonly ok: false; readonly fault: EvidenceFault }
  /** `rule`: that edge and hosts apply, and that says no. */
  | { readonly ok: false; readonly fault: "refused"; readonly rule: RefusalCode };

export type EvidenceFault =
  | "malformed" // no submission
  | "other" // of another command than the entry names
  | "head" // signed under a trust log that is not this one
  | "told"; // the entry tells who, what or where differently

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
  const verdict = await verifySubmission(submission, {
    trust: past,
    now: Math.floor(entry.at / 1_000),
    isSessionEnded: () => false, // edge and host asked that when it mattered
  });
  if (verdict.kind === "refused") return { ok: false, fault: "refused", rule: verdict.code };
  const { author } = verdict;
  return tellsTheSame(entry, intent, author) ? { ok: true, intent, author } : { ok: false, fault: "told" };
}

function readSubmission(
  bytes: Uint8Array,
): { readonly submission: Submission; readonly intent: Intent; readonly digest: string } | undefined {
  try {
    const submission = submissionCodec.decode(bytes);
    const body = fromBase64url(submission.intent);
    return { submission, intent: intentCodec.decode(body), digest: digestOf("intent", body) };
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** The edge writes the entry's words: who, what and where are compared with the ones that were signed. */
function tellsTheSame({ actor, target, detail }: AcceptedCommand, intent: Intent, author: CommandAuthor): boolean {
  return (
    actor.kind === author.kind &&
    actor.id === author.id &&
    detail.operation === intent.operation &&
    detail.session === ("session" in intent.actor ? intent.actor.session : undefined) &&
    detail.proposal === intent.proposal &&
    intent.targets.some(({ host }) => host === target)
  );
}
