/**
 * One pure function that edge, host and browser share: a state and a signed statement give the next state or a
 * named refusal. Nothing here trusts who delivered the bytes.
 */
import { verifyAssertion, type AssertionVerdict, type PinnedCredential } from "../assertion.ts";
import { fromBase64url } from "../bytes.ts";
import { MalformedError } from "../canonical.ts";
import { isAcceptablePoint } from "../ed25519.ts";
import { approvalCodec, sessionCodec, type Asserted } from "../messages.ts";
import { isAcceptablePublicKey } from "../public-key.ts";
import { digestBytes, digestOf, verifySignature } from "../signing.ts";
import { hostIdOf } from "../words.ts";
import type { Permission } from "../roles.ts";
import { hasPermission, NO_REVOCATIONS, type Person, type TrustState } from "./state.ts";
import {
  rootCodec,
  statementCodec,
  type Root,
  type SignedRoot,
  type SignedStatement,
  type Statement,
  type StatementKind,
} from "./statements.ts";

export type TrustRefusal =
  | "malformed"
  | "workspace" // for another workspace, or not the pinned root
  | "setup_key" // the root is not signed by the setup key that this machine made
  | "session" // the first sign-in does not name this root
  | "assertion" // a touch does not verify
  | "origin" // the touch was not made in a signer
  | "approval" // an approval is for something else, or missing
  | "place" // another statement holds this place in the chain
  | "revocations" // the statement knew other revocations than we hold
  | "role" // the approver's role does not allow it
  | "exists" // the id is taken, now or in the past
  | "unknown" // it names something that does not exist
  | "key" // a key or id does not fit its owner
  | "last_admin"; // it would leave nobody who can administer

export type TrustResult =
  | { readonly ok: true; readonly state: TrustState }
  | { readonly ok: false; readonly code: TrustRefusal };

const refuse = (code: TrustRefusal): TrustResult => ({ ok: false, code });

/** Which permission a person needs to approve a statement. */
export const statementPermissions = {
  "person.add": "workspace.administer",
  "credential.add": "workspace.administer",
  "role.assign": "workspace.administer",
  "host.admit": "host.admit",
  "host.remove": "host.admit",
} as const satisfies Record<StatementKind, Permission>;

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
  const state = rootState(root, workspace);
  const fault = judgeRoot(root, state);
  if (fault !== undefined) return refuse(fault);
  if (session.workspace !== workspace) return refuse("session");
  const verdict = await verifyTouch(state, signed.session, "session");
  if (!verdict.ok) return refuse("assertion");
  if (verdict.origin.class !== "signer" || verdict.origin.origin !== session.origin) return refuse("origin");
  return { ok: true, state };
}

function rootState(root: Root, workspace: string): TrustState {
  const person: Person = { ...root.person, roles: ["admin"] };
  return {
    workspace,
    head: { n: 0, hash: workspace, revoked: NO_REVOCATIONS },
    people: new Map([[person.id, person]]),
    credentials: new Map(root.credentials.map((c) => [c.credentialId, { ...c, person: person.id }])),
    hosts: new Map(),
    removedHosts: new Set(),
    roles: new Map(root.roles.map((role) => [role.id, role])),
    origins: root.origins,
    dispatchKey: root.dispatchKey,
    ledgerKey: root.ledgerKey,
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
  if (!root.credentials.every((credential) => isListed(state, credential.rpId))) return "unknown";
  const keys = [root.dispatchKey, root.ledgerKey].every((key) => isAcceptablePoint(fromBase64url(key)));
  if (!keys || !root.credentials.every(hasUsableKey)) return "key";
  return isAdministered(state) ? undefined : "last_admin";
}

function isListed(state: TrustState, rpId: string): boolean {
  return state.origins.some((listed) => listed.rpId === rpId);
}

function hasUsableKey({ alg, publicKey }: PinnedCredential): boolean {
  return isAcceptablePublicKey(alg, fromBase64url(publicKey));
}

/** The next state, or why not. The statement's place in the chain is its freshness. */
export async function applyStatement(state: TrustState, signed: SignedStatement): Promise<TrustResult> {
  const bytes = fromBase64url(signed.statement);
  const statement = decoded(() => statementCodec.decode(bytes));
  if (statement === undefined) return refuse("malformed");
  if (statement.workspace !== state.workspace) return refuse("workspace");
  if (statement.prev.n !== state.head.n || statement.prev.hash !== state.head.hash) return refuse("place");
  if (statement.revoked !== state.head.revoked) return refuse("revocations");
  const hash = digestOf("statement", bytes);
  const approver = await judgeApprovals(state, signed, { kind: statement.kind, hash });
  if (approver !== undefined) return refuse(approver);
  const next = nextState(state, statement);
  if (typeof next === "string") return refuse(next);
  const head = { n: state.head.n + 1, hash, revoked: state.head.revoked };
  return { ok: true, state: { ...next, head } };
}

interface Subject {
  readonly kind: StatementKind;
  readonly hash: string;
}

async function judgeApprovals(
  state: TrustState,
  signed: SignedStatement,
  subject: Subject,
): Promise<TrustRefusal | undefined> {
  for (const asserted of signed.approvals) {
    const approval = decoded(() => approvalCodec.decode(fromBase64url(asserted.body)));
    if (approval === undefined) return "malformed";
    if (approval.kind !== "statement" || approval.workspace !== state.workspace) return "approval";
    if (approval.subject !== subject.hash) return "approval";
    const verdict = await verifyTouch(state, asserted, "approval");
    if (!verdict.ok) return "assertion";
    if (verdict.origin.class !== "signer") return "origin";
    const person = state.credentials.get(asserted.assertion.credentialId)?.person ?? "";
    if (!hasPermission(state, person, { permission: statementPermissions[subject.kind] })) return "role";
  }
  return signed.approvals.length === 0 ? "approval" : undefined;
}

/** Verifies that a credential of this state signed exactly this body. */
export async function verifyTouch(
  state: TrustState,
  asserted: Asserted,
  kind: "session" | "approval",
): Promise<AssertionVerdict> {
  const credential = state.credentials.get(asserted.assertion.credentialId);
  if (credential === undefined) return { ok: false, rule: "credential" };
  const challenge = digestBytes(kind, fromBase64url(asserted.body));
  return verifyAssertion({ assertion: asserted.assertion, challenge, credential, origins: state.origins });
}

type Outcome = TrustState | TrustRefusal;
type BodyOf<K extends StatementKind> = Extract<Statement, { kind: K }>["body"];

/** What each kind does to a state, once its approvals hold. A new kind does not compile until it is here. */
const transitions: { readonly [K in StatementKind]: (state: TrustState, body: BodyOf<K>) => Outcome } = {
  "person.add": addPerson,
  "credential.add": addCredential,
  "role.assign": assignRoles,
  "host.admit": admitHost,
  "host.remove": removeHost,
};

function nextState<K extends StatementKind>(state: TrustState, statement: { kind: K; body: BodyOf<K> }): Outcome {
  return transitions[statement.kind](state, statement.body);
}

function addCredential(state: TrustState, body: BodyOf<"credential.add">): Outcome {
  const { person, ...credential } = body;
  if (!state.people.has(person)) return "unknown";
  if (state.credentials.has(credential.credentialId)) return "exists";
  if (!isListed(state, credential.rpId)) return "unknown";
  if (!hasUsableKey(credential)) return "key";
  const credentials = new Map(state.credentials).set(credential.credentialId, { ...credential, person });
  return { ...state, credentials };
}

function assignRoles(state: TrustState, body: BodyOf<"role.assign">): Outcome {
  const person = state.people.get(body.person);
  if (person === undefined || !body.roles.every((role) => state.roles.has(role))) return "unknown";
  const people = new Map(state.people).set(person.id, { ...person, roles: body.roles });
  const next = { ...state, people };
  return isAdministered(next) ? next : "last_admin";
}

function admitHost(state: TrustState, body: BodyOf<"host.admit">): Outcome {
  const { host, hostKey, cosignKey } = body;
  if (state.hosts.has(host) || state.removedHosts.has(host)) return "exists";
  if (host !== hostIdOf(hostKey)) return "key";
  if (!isAcceptablePoint(fromBase64url(hostKey)) || !isAcceptablePoint(fromBase64url(cosignKey))) return "key";
  return { ...state, hosts: new Map(state.hosts).set(host, body) };
}

function removeHost(state: TrustState, { host }: BodyOf<"host.remove">): Outcome {
  if (!state.hosts.has(host)) return "unknown";
  const hosts = new Map(state.hosts);
  hosts.delete(host);
  return { ...state, hosts, removedHosts: new Set(state.removedHosts).add(host) };
}

function addPerson(state: TrustState, body: BodyOf<"person.add">): Outcome {
  if (state.people.has(body.id)) return "exists";
  if (!body.roles.every((role) => state.roles.has(role))) return "unknown";
  return { ...state, people: new Map(state.people).set(body.id, body) };
}

/**
 * A workspace that nobody can administer is lost for ever; no statement may lead there. Statements are approved in
 * the signer only, so an administrator without a passkey for a signer's name does not count.
 */
function isAdministered(state: TrustState): boolean {
  const signerNames = new Set(state.origins.filter((listed) => listed.class === "signer").map(({ rpId }) => rpId));
  return [...state.credentials.values()].some(
    ({ person, rpId }) => signerNames.has(rpId) && hasPermission(state, person, { permission: "workspace.administer" }),
  );
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}
