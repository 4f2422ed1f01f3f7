/**
 * Ends sessions on this host: the word proves itself, whoever brings it. Their challenges die at once, and what was
 * verified but has not begun is refused.
 */
import { fromBase64url } from "../../../protocol/bytes.ts";
import type { SignedSessionEnd } from "../../../protocol/messages.ts";
import { digestOf } from "../../../protocol/signing.ts";
import { verifySessionEnd } from "../../../protocol/verify/session-end.ts";
import { AppendError } from "./append-file.ts";
import { wallSeconds } from "./clock.ts";
import { holderOf } from "./challenges.ts";
import type { WardenContext } from "./deps.ts";
import type { EndedSession } from "./session-ends.ts";

export async function endSession(signed: SignedSessionEnd, context: WardenContext): Promise<void> {
  const { trust, clock, log } = context;
  if (trust.state === undefined) return;
  const named = digestOf("session-end", fromBase64url(signed.body));
  const verdict = await verifySessionEnd(signed, { trust: trust.state, now: wallSeconds(clock) });
  // An honest edge may know more than this host, or be late; it says it again at the next hello while it matters.
  if (verdict.kind === "refused") return log({ event: "session_end_refused", end: named, code: verdict.code });
  const { end, ended } = verdict;
  // RAM first: also when the disk is full, nothing more comes of what was asked for.
  for (const { session } of ended) {
    context.challenges.dropActor(session, holderOf({ kind: "person", id: end.person }));
    context.grants.drop(session);
  }
  for (const { session, until } of ended) keepEnd({ session, person: end.person, until }, context);
}

function keepEnd(end: EndedSession, { sessionEnds, log }: WardenContext): void {
  const { session } = end;
  try {
    if (sessionEnds.add(end)) log({ event: "session_ended", session });
  } catch (error) {
    if (!(error instanceof AppendError)) throw error;
    log({ event: "session_end_write_failed", session });
  }
}
