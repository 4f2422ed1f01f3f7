/** Small histories for tests of freezing: who said what after what, and what a host makes of it in a given order. */
import { fromBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { applyOrFork } from "../../../protocol/trust/fork.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import {
  statementCodec,
  type SignedRoot,
  type SignedStatement,
  type StatementKind,
} from "../../../protocol/trust/statements.ts";
import { createCredential, type SoftwareCredential } from "../../fixtures/authenticator.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { hashOf, say, type Said } from "../../fixtures/team.ts";
import { applied, asserted, makeRoot, NOW, SIGNER_RP_ID, type Member } from "../../fixtures/workspace.ts";
import { applyRoot } from "../../../protocol/trust/apply.ts";

export type Admin = "ada" | "bea" | "cyd" | "eve";

export interface Council {
  readonly root: SignedRoot;
  readonly setupKey: string;
  readonly statements: readonly SignedStatement[];
  readonly state: TrustState;
  readonly admins: Readonly<Record<Admin, Member>>;
}

/** Four administrators, and no rule: each of them alone may do everything. */
export async function makeCouncil(): Promise<Council> {
  const made = await makeRoot();
  const first = await applyRoot(made.signed, { setupKey: made.setupKey });
  if (!first.ok) throw new Error(first.code);
  let { state } = first;
  const statements: SignedStatement[] = [];
  const admins: Record<string, Member> = { ada: { id: "p-ada", passkey: made.admin, daily: made.admin } };
  for (const name of ["bea", "cyd", "eve"]) {
    const passkey = await createCredential({ rpId: SIGNER_RP_ID });
    const id = `p-${name}`;
    const body = { id, name: nonceOf(id), roles: ["admin"], credentials: [passkey.pinned] };
    const signed = await say(state, { kind: "person.add", body }, { by: [made.admin] });
    state = await applied(state, signed);
    statements.push(signed);
    admins[name] = { id, passkey, daily: passkey };
  }
  const { signed: root, setupKey } = made;
  return { root, setupKey, statements, state, admins: admins as Record<Admin, Member> };
}

/** A statement as its author would write it after `state`, knowing exactly `knew` besides what the chain knows. */
export async function tell<K extends StatementKind>(
  council: Council,
  {
    by,
    after,
    knew = [],
    at,
  }: { by: Admin | Member; after: TrustState; knew?: readonly SignedStatement[]; at?: number },
  said: Said<K>,
): Promise<SignedStatement> {
  const member = typeof by === "string" ? council.admins[by] : by;
  // Only what the author knew: the state is reduced to it, so that `revoked` and `knew` follow.
  const known = new Map([...after.chain.knew, ...knew.map(hashOf)].map((digest) => [digest, undefined as never]));
  const view = { ...after, revocations: known };
  return say(view, said, { by: [member.passkey], at: at ?? NOW + after.chain.n });
}

/** The same bytes, approved by somebody else: a digest names no author. */
export async function saidAgain(signed: SignedStatement, passkey: SoftwareCredential): Promise<SignedStatement> {
  const { workspace, at } = statementCodec.decode(fromBase64url(signed.statement));
  const ask = { v: 1, workspace, kind: "statement", decision: "approve", at, subject: hashOf(signed) };
  return { ...signed, approvals: [await asserted(passkey, "approval", { body: encodeCanonical(ask) })] };
}

export function revoke(person: Admin): Said<"person.revoke"> {
  return { kind: "person.revoke", body: { person: `p-${person}` } };
}

let numbers = 0;
/** Something harmless that changes the chain. */
export function harmless(): Said<"person.add"> {
  const id = `p-n${++numbers}`;
  return { kind: "person.add", body: { id, name: nonceOf(id), roles: [] } };
}

/** A host that takes statements as they come, and again whatever it could not place before, until nothing more fits. */
export async function hear(start: TrustState, said: readonly SignedStatement[]): Promise<TrustState> {
  let state = start;
  let open = said;
  for (let before = Number.POSITIVE_INFINITY; open.length < before;) {
    before = open.length;
    const left: SignedStatement[] = [];
    for (const one of open) {
      const result = await applyOrFork(state, one);
      if (result.ok) ({ state } = result);
      else left.push(one);
    }
    open = left;
  }
  return state;
}

/** One statement, which must count. */
export async function heard(state: TrustState, one: SignedStatement): Promise<TrustState> {
  const result = await applyOrFork(state, one);
  if (!result.ok) throw new Error(`refused: ${result.code}`);
  return result.state;
}

/** Why not. */
export async function refusalOf(state: TrustState, one: SignedStatement): Promise<string> {
  const result = await applyOrFork(state, one);
  return result.ok ? "ok" : result.code;
}

export function permutations<T>(list: readonly T[]): readonly (readonly T[])[] {
  if (list.length < 2) return [list];
  return list.flatMap((one, i) => permutations(list.toSpliced(i, 1)).map((rest) => [one, ...rest]));
}

export interface Summary {
  readonly head: TrustState["head"];
  readonly frozen: TrustState["frozen"];
  /** Who can administer. */
  readonly people: readonly string[];
}

export function summaryOf({ head, frozen, people }: TrustState): Summary {
  return { head, frozen, people: [...people.values()].filter(({ roles }) => roles.length > 0).map(({ id }) => id) };
}
