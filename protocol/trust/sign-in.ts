/**
 * Verifies the sign-in behind a session key, once for the same bytes and the same trust state. Every request of a
 * session brings the same sign-in, and the verdict follows from state and bytes alone: no clock, no counter. A new
 * statement makes a new state, which has proven nothing yet. What is refused is never remembered, so a stranger can
 * neither fill the memory nor push anything out of it.
 */
import { utf8Text } from "../bytes.ts";
import type { AssertionVerdict } from "../assertion.ts";
import { encodeCanonical } from "../canonical.ts";
import type { Asserted } from "../messages.ts";
import { verifyTouch } from "./apply.ts";
import type { TrustState } from "./state.ts";

/** More sessions than are busy at once on one host; the oldest is then verified again. */
const MAX_PROVEN = 64;
/** By state, then by the whole sign-in: every byte of body and assertion. */
const provenOf = new WeakMap<TrustState, Map<string, AssertionVerdict>>();

export async function verifySignIn(state: TrustState, asserted: Asserted): Promise<AssertionVerdict> {
  const name = utf8Text(encodeCanonical(asserted));
  const proven = provenOf.get(state) ?? new Map<string, AssertionVerdict>();
  const earlier = proven.get(name);
  if (earlier !== undefined) return earlier;
  const verdict = await verifyTouch(state, asserted, "session");
  if (!verdict.ok) return verdict;
  const [oldest] = proven.keys();
  if (proven.size >= MAX_PROVEN && oldest !== undefined) proven.delete(oldest);
  proven.set(name, verdict);
  provenOf.set(state, proven);
  return verdict;
}
