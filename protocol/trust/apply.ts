/**
 * One pure function that edge, host and browser share: a state and a signed statement give the next state or a
 * named refusal. Nothing here trusts who delivered the bytes. The result for a set of statements does not depend on the
 * order in which the revocations among them arrived (docs/PROTOCOL.md, "The trust log").
 */
import { fromBase64url } from "../bytes.ts";
import { MalformedError } from "../canonical.ts";
import { sessionCodec } from "../messages.ts";
import { digestOf, verifySignature, type Digest } from "../signing.ts";
import { judgeApprovals, verifyTouch } from "./approvals.ts";
import { heldSeconds } from "./aside.ts";
import type { Stated } from "./extend.ts";
import type { TrustRefusal } from "./refusals.ts";
import { judgeThaw, lengthen } from "./resolve.ts";
import { effectiveState, settle } from "./settle.ts";
import {
  approversOf,
  chainAt,
  heldRevocations,
  usableAdministrators,
  type ChainState,
  type HeldRevocation,
  type TrustState,
} from "./state.ts";
import {
  isRevocation,
  rootCodec,
  statementCodec,
  type ChainStatement,
  type Revocation,
  type Root,
  type SignedRoot,
  type SignedStatement,
  type Statement,
} from "./statements.ts";
import { fitsName, hasUsableKey, isUsablePoint } from "./transitions.ts";

export type TrustResult =
  | { readonly ok: true; readonly state: TrustState }
  | { readonly ok: false; readonly code: TrustRefusal };

const refuse = (code: TrustRefusal): TrustResult => ({ ok: false, code });

// ---- the root ----

/** What the caller knows about the root from a source that is not the edge. At least one member is needed. */
export interface RootPin {
  readonly setupKey?: string;
  readonly workspace?: string;
}

/** The first state of a workspace. @throws {TypeError} when called without any pin. */
export async function applyRoot(signed: SignedRoot, pin: RootPin): Promise<TrustResult> {
  if (pin.setupKey === undefined && pin.workspace === undefined) throw new TypeError("applyRoot: no pin");
  const bytes = fromBase64url(signed.root);
  const root = decoded(() => rootCodec.decode(bytes));
  const session = decoded(() => sessionCodec.decode(fromBase64url(signed.session.body)));
  if (root === undefined || session === undefined) return refuse("malformed");
  const workspace = digestOf("root", bytes);
  if (pin.workspace !== undefined && pin.workspace !== workspace) return refuse("workspace");
  if (pin.setupKey !== undefined && pin.setupKey !== root.setupKey) return refuse("setup_key");
  const bySetupKey = { kind: "root", body: bytes, signature: signed.setupSignature, publicKey: root.setupKey } as const;
  if (!(await verifySignature(bySetupKey))) return refuse("setup_key");
  const state = effectiveState(workspace, rootChain(root, workspace), new Map());
  const fault = judgeRoot(root, state);
  if (fault !== undefined) return refuse(fault);
  if (session.workspace !== workspace) return refuse("session");
  const verdict = await verifyTouch(state, signed.session, "session");
  if (!verdict.ok) return refuse("assertion");
  if (verdict.origin.class !== "signer" || verdict.origin.origin !== session.origin) return refuse("origin");
  return { ok: true, state };
}

function rootChain(root: Root, workspace: Digest): ChainState {
  const person = { ...root.person, roles: ["admin"], grant: workspace, addedBy: [], addedAt: root.at };
  return {
    n: 0,
    hash: workspace,
    at: root.at,
    people: new Map([[person.id, person]]),
    credentials: new Map(root.credentials.map((c) => [c.credentialId, { ...c, person: person.id }])),
    hosts: new Map(),
    removedHosts: new Set(),
    roles: new Map(root.roles.map((role) => [role.id, role])),
    origins: root.origins,
    rpClasses: new Map(root.origins.map((listed) => [listed.rpId, listed.class])),
    automationKeys: new Map(),
    policies: new Map(),
    dispatchKey: root.dispatchKey,
    ledgerKey: root.ledgerKey,
    knew: new Set(),
    approvers: [],
    dropped: new Map(),
    kept: new Map(),
    previous: undefined,
  };
}

/** A root counts for ever: one that reads two ways, or that nobody could administer, is refused at the start. */
function judgeRoot(root: Root, state: TrustState): TrustRefusal | undefined {
  const ids = [
    root.credentials.map((c) => c.credentialId),
    root.origins.map((o) => o.origin),
    root.roles.map((r) => r.id),
  ];
  if (ids.some((list) => new Set(list).size !== list.length)) return "exists";
  // A name is served either by people's own machines or by the edge, for ever: its passkeys work on both pages.
  const classes = new Set(root.origins.map((listed) => `${listed.rpId} ${listed.class}`));
  if (classes.size !== new Set(root.origins.map((listed) => listed.rpId)).size) return "exists";
  if (!root.origins.every((listed) => fitsName(listed.origin, listed.rpId))) return "name_class";
  if (!root.credentials.every((credential) => state.chain.rpClasses.has(credential.rpId))) return "unknown";
  if (![root.dispatchKey, root.ledgerKey].every(isUsablePoint) || !root.credentials.every(hasUsableKey)) return "key";
  return usableAdministrators(state).length === 0 ? "last_admin" : undefined;
}

// ---- statements ----

/**
 * The next state, or why not. The statement's place in the chain is its freshness, and its author must have known every
 * revocation that is held here.
 */
export async function applyStatement(state: TrustState, signed: SignedStatement): Promise<TrustResult> {
  const stated = read(state, signed);
  if (typeof stated === "string") return refuse(stated);
  const { statement } = stated;
  if (isRevocation(statement)) {
    const result = await applyRevocation(state, { ...stated, statement });
    return result.ok && result.state.disowned?.has(stated.hash) === true ? refuse("revoked") : result;
  }
  if (!isNext(state, statement)) return refuse("place");
  if (state.frozen !== undefined && statement.kind !== "fork.resolve") return refuse("frozen");
  if (statement.revoked !== state.head.revoked) return refuse("revocations");
  const result = await extend(state, { ...stated, statement });
  if (!result.ok || statement.kind !== "fork.resolve") return result;
  const fault = await judgeThaw(state, statement.body, stated);
  return fault === undefined ? result : refuse(fault);
}

/**
 * The same for whoever must reach one result from one set of statements, whatever came first: a statement whose author
 * did not know a revocation is held too, and freezes the state if the revocation names its author. What is said while
 * the state is frozen is held as well; it thaws nothing and nobody obeys it. So is a revocation that came too late.
 */
export async function applyAsWitness(state: TrustState, signed: SignedStatement): Promise<TrustResult> {
  const stated = read(state, signed);
  if (typeof stated === "string") return refuse(stated);
  const { statement } = stated;
  if (isRevocation(statement)) return applyRevocation(state, { ...stated, statement });
  if (!isNext(state, statement)) return refuse("place");
  return extend(state, { ...stated, statement });
}

function read({ workspace }: TrustState, signed: SignedStatement): Stated<Statement> | TrustRefusal {
  const bytes = fromBase64url(signed.statement);
  const statement = decoded(() => statementCodec.decode(bytes));
  if (statement === undefined) return "malformed";
  if (statement.workspace !== workspace) return "workspace";
  return { statement, hash: digestOf("statement", bytes), signed };
}

function isNext({ chain }: TrustState, { prev }: ChainStatement): boolean {
  return prev.n === chain.n && prev.hash === chain.hash;
}

async function extend(state: TrustState, stated: Stated<ChainStatement>): Promise<TrustResult> {
  const chain = await lengthen(state, state.chain, stated);
  return typeof chain === "string" ? refuse(chain) : { ok: true, state: settle(state, chain) };
}

// ---- revocations ----

/**
 * Judged by its author's role at the chain head that it names, as if nobody else had been revoked; but it revokes nobody
 * when a chain statement that did not know it knew its author revoked.
 */
async function applyRevocation(state: TrustState, stated: Stated<Revocation>): Promise<TrustResult> {
  const { statement, hash, signed } = stated;
  const held = heldRevocations(state);
  const before = held.get(hash);
  const by = new Set(signed.approvals.map(({ assertion }) => assertion.credentialId));
  if (before !== undefined && approversOf(before).some(({ credential }) => by.has(credential))) return refuse("exists");
  const chain = placeOf(state, statement);
  if (chain === undefined) return refuse("place");
  if (!existsIn(chain, statement)) return refuse("unknown");
  // Never earlier than what it names: whose grant has ended there would otherwise date it back, and revoke whose has not.
  const at = Math.max(statement.at, chain.at);
  const approvers = await judgeApprovals(chain, { ...stated, statement: { ...statement, at } }, state.workspace);
  if (typeof approvers === "string") return refuse(approvers);
  const [approver] = approvers;
  if (approver === undefined || approvers.length !== 1) return refuse("approval");
  const one: HeldRevocation =
    before === undefined
      ? { digest: hash, revocation: statement, approver }
      : { ...before, others: [...(before.others ?? []), approver] };
  const { disputed: _disputed, disowned: _disowned, ...rest } = state;
  return { ok: true, state: settle({ ...rest, revocations: new Map(held).set(hash, one) }, state.chain) };
}

/** The place that a revocation names, in this history or in the other. */
function placeOf(state: TrustState, { prev }: Revocation): ChainState | undefined {
  const mine = chainAt(state.chain, prev.n);
  if (mine?.hash === prev.hash) return mine;
  return heldSeconds(state)
    .map((history) => chainAt(history, prev.n))
    .find((place) => place?.hash === prev.hash);
}

function existsIn(chain: ChainState, { kind, body }: Revocation): boolean {
  switch (kind) {
    case "person.revoke":
      return chain.people.has(body.person);
    case "credential.revoke":
      return chain.credentials.has(body.credential);
    case "role.revoke":
      return [...chain.people.values()].some(({ grant }) => grant === body.grant);
    case "automation-key.revoke":
      return chain.automationKeys.has(body.automationKey);
    case "origin.revoke":
      return chain.origins.some(({ origin }) => origin === body.origin);
  }
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}
