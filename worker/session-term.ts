/**
 * How long the trust log lets a person's sessions last and rest. Of several roles the shortest decides, because whoever
 * holds them all can do what the most powerful one does; nobody else's roles do.
 */
import type { PersonTerm } from "../durable-objects/session-table.ts";
import { SESSION_IDLE_SECONDS } from "../protocol/limits.ts";
import { rolesOf, sessionLimit, type TrustState } from "../protocol/trust/state.ts";

/** A session rests at most an eighth of what its roles let it last: a quarter of an hour of two hours, and never more. */
const IDLE_SHARE = 8;
/** The idle clock is a minute coarse: below two, a busy page would end. */
const MIN_IDLE_SECONDS = 120;

export interface SessionTerm extends PersonTerm {
  /** The longest session of this person; 0 without a role. */
  readonly limitSeconds: number;
}

export function idleSecondsOf(limitSeconds: number): number {
  return Math.min(SESSION_IDLE_SECONDS, Math.max(MIN_IDLE_SECONDS, Math.floor(limitSeconds / IDLE_SHARE)));
}

export function termOf(trust: TrustState, person: string, now: number): SessionTerm {
  const limitSeconds = sessionLimit(trust, person, now);
  const rolesEnd = endOfRoles(trust, person, now);
  return { person, limitSeconds, idleSeconds: idleSecondsOf(limitSeconds), rolesEnd };
}

/** Grants end by themselves, without a statement that anybody could follow; those of the last administrators do not. */
function endOfRoles(trust: TrustState, person: string, now: number): number | undefined {
  const until = trust.people.get(person)?.until;
  if (until === undefined || until < now) return undefined;
  const after = until + 1;
  return rolesOf(trust, person, after).length === 0 ? after : undefined;
}
