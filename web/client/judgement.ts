/**
 * What would become of a statement, before anybody is asked for a touch: the same rules that edge and hosts apply, run
 * here over the state that this browser verified. Pure.
 * May not: decide anything. Whoever obeys the statement judges it again, with its touches.
 */
import { digestOf, type Digest } from "../../protocol/signing.ts";
import { peopleFor, statementPermissions } from "../../protocol/trust/approvals.ts";
import { lint } from "../../protocol/trust/extend.ts";
import type { TrustRefusal } from "../../protocol/trust/refusals.ts";
import { settle } from "../../protocol/trust/settle.ts";
import {
  hasPermission,
  largestPeople,
  revokedIds,
  usableAdministrators,
  without,
  type Authority,
  type ChainState,
  type TrustState,
} from "../../protocol/trust/state.ts";
import {
  isRevocation,
  statementCodec,
  type ChainStatement,
  type Revocation,
  type Statement,
} from "../../protocol/trust/statements.ts";
import { transition } from "../../protocol/trust/transitions.ts";
import type { TooFew } from "../state/statements.ts";

export type Judgement =
  /** `people`: how many different ones must approve it. */
  | { readonly ok: true; readonly people: number; readonly leaves?: TooFew }
  | { readonly ok: false; readonly code: TrustRefusal };

const refuse = (code: TrustRefusal): Judgement => ({ ok: false, code });

export function judge(state: TrustState, statement: Statement, person: string): Judgement {
  const { prev } = statement;
  if (prev.n !== state.chain.n || prev.hash !== state.chain.hash) return refuse("place");
  if (!mayApprove(state, statement, person)) return refuse("role");
  if (isRevocation(statement)) return judgeRevocation(state, statement, person);
  const fault = faultOfChange(state, statement, person);
  if (fault !== undefined) return refuse(fault);
  const own = statement.kind === "credential.add" && statement.body.person === person;
  return { ok: true, people: own ? 1 : peopleFor(state, statement) };
}

/** Everybody may add and revoke passkeys of their own; all else needs the permission. */
function mayApprove(state: Authority, statement: Statement, person: string): boolean {
  if (statement.kind === "credential.add" && statement.body.person === person) return true;
  if (statement.kind === "credential.revoke") {
    if (state.credentials.get(statement.body.credential)?.person === person) return true;
  }
  return hasPermission(state, person, { permission: statementPermissions[statement.kind], now: statement.at });
}

function faultOfChange(state: TrustState, statement: ChainStatement, person: string): TrustRefusal | undefined {
  if (statement.revoked !== state.head.revoked) return "revocations";
  if (statement.at < state.chain.at) return "time";
  if (state.frozen !== undefined && statement.kind !== "fork.resolve") return "frozen";
  if (hasTooFew(state)) return "too_few_admins"; // whoever would be one more: too few are left to add them
  const hash = digestOf("statement", statementCodec.encode(statement));
  const ground = { chain: state.chain, authority: state, hash, at: statement.at, approvedBy: [person] };
  const changes = transition(ground, statement);
  if (typeof changes === "string") return changes;
  return lint(without({ ...state.chain, ...changes }, heldIds(state)));
}

function heldIds({ revocations }: TrustState): ReturnType<typeof revokedIds> {
  return revokedIds([...revocations.values()].map(({ revocation }) => revocation));
}

/** Fewer administrators than the strictest rule asks for: so it stays, for adding one takes as many. */
export function hasTooFew(state: Authority): boolean {
  return lint(state) === "too_few_admins";
}

function judgeRevocation(state: TrustState, statement: Revocation, person: string): Judgement {
  if (!isThere(state, statement)) return refuse("unknown");
  const digest: Digest = digestOf("statement", statementCodec.encode(statement));
  const approver = { person, credential: "", origin: "", grant: "" };
  const revocations = new Map(state.revocations).set(digest, { digest, revocation: statement, approver });
  const after = settle({ ...state, revocations }, state.chain);
  const administrators = usableAdministrators(after).length;
  // Where too few are left already, taking something else away makes it no worse.
  if (administrators === usableAdministrators(state).length) return { ok: true, people: 1 };
  if (administrators === 0) return refuse("last_admin");
  return hasTooFew(after)
    ? { ok: true, people: 1, leaves: { administrators, people: largestPeople(after) } }
    : { ok: true, people: 1 };
}

/** What is revoked already needs no second revocation. */
function isThere(state: Authority, { kind, body }: Revocation): boolean {
  switch (kind) {
    case "person.revoke":
      return state.people.has(body.person);
    case "credential.revoke":
      return state.credentials.has(body.credential);
    case "role.revoke":
      return [...state.people.values()].some(({ grant, roles }) => grant === body.grant && roles.length > 0);
    case "automation-key.revoke":
      return state.automationKeys.has(body.automationKey);
    case "origin.revoke":
      return state.origins.some(({ origin }) => origin === body.origin);
  }
}

/** Revocations that the next chain statement is the first to know. */
export function newlyKnown({ revocations, chain }: { revocations: TrustState["revocations"]; chain: ChainState }) {
  return [...revocations.keys()].filter((digest) => !chain.knew.has(digest));
}
