/**
 * What a trust log says. `ChainState` is the chain alone, as if nobody had been revoked; `TrustState` is what counts:
 * the chain without whom and what the held revocations name. Both are immutable: `apply` returns new ones.
 */
import type { ListedOrigin, OriginClass, PinnedCredential } from "../assertion.ts";
import type { TrustHead } from "../fields.ts";
import { encodeCanonical } from "../canonical.ts";
import { NEWCOMER_SECONDS } from "../limits.ts";
import { covers, type Permission, type RoleDefinition } from "../roles.ts";
import { ruleNames } from "../rule-names.ts";
import { digestOf, type Digest } from "../signing.ts";
import type { AutomationKey, HostBody, Policy, Revocation } from "./statements.ts";

export interface Person {
  readonly id: string;
  /** Commitment to the name. */
  readonly name: string;
  readonly roles: readonly string[];
  /** The statement that gave these roles; a revocation names it. */
  readonly grant: Digest;
  /** End of the roles, seconds; absent: the first administrator's, which never end. */
  readonly until?: number;
  /** Who added this person, and when; nobody added the first one. */
  readonly addedBy: readonly string[];
  readonly addedAt: number;
}

export type OwnedCredential = PinnedCredential & { readonly person: string };

/** Whose touch approved a statement, in the terms that a revocation can name. */
export interface Approver {
  readonly person: string;
  readonly credential: string;
  readonly origin: string;
  /** The grant on which the permission rested. */
  readonly grant: Digest;
}

/** What is in force at one place of the chain. */
export interface Authority {
  readonly people: ReadonlyMap<string, Person>;
  readonly credentials: ReadonlyMap<string, OwnedCredential>;
  /** Ids are never reused: a removed host stays in `removedHosts`. */
  readonly hosts: ReadonlyMap<string, HostBody>;
  readonly removedHosts: ReadonlySet<string>;
  readonly roles: ReadonlyMap<string, RoleDefinition>;
  readonly origins: readonly ListedOrigin[];
  readonly automationKeys: ReadonlyMap<string, AutomationKey>;
  readonly policies: ReadonlyMap<string, Policy>;
  readonly dispatchKey: string;
  readonly ledgerKey: string;
}

export interface ChainState extends Authority {
  readonly n: number;
  readonly hash: Digest;
  /** The statement's own time; never earlier than its predecessor's. */
  readonly at: number;
  /** A name belongs to people's own machines or to the edge, for ever. */
  readonly rpClasses: ReadonlyMap<string, OriginClass>;
  /** Digests of the revocations that this statement, or one before it, knew. */
  readonly knew: ReadonlySet<Digest>;
  readonly approvers: readonly Approver[];
  /** First statements of histories that a `fork.resolve` up to here dropped, and kept, with its place. */
  readonly dropped: ReadonlyMap<Digest, number>;
  readonly kept: ReadonlyMap<Digest, number>;
  readonly previous: ChainState | undefined;
}

export interface HeldRevocation {
  readonly digest: Digest;
  readonly revocation: Revocation;
  readonly approver: Approver;
  /** Whoever else approved the same: its digest names no author, and nobody who came first may stand before another. */
  readonly others?: readonly Approver[];
}

/**
 * Why nothing but a revocation or a `fork.resolve` counts: two statements claim one place, or one was written by
 * somebody revoked before. `mine` is what this log holds at `place`, `other` what stands against it.
 */
export interface Freeze {
  readonly reason: "fork" | "revoked_author";
  readonly place: number;
  readonly mine: Digest;
  readonly other: Digest;
}

export interface TrustState extends Authority {
  /** digest(root): the workspace id. */
  readonly workspace: string;
  readonly head: TrustHead;
  readonly chain: ChainState;
  readonly revocations: ReadonlyMap<Digest, HeldRevocation>;
  /** Revocations that this chain disowns by statements which they accuse: they revoke nobody, and freeze. */
  readonly disputed?: ReadonlyMap<Digest, HeldRevocation>;
  /**
   * Revocations that this chain disowns and that accuse nothing in it: they revoke nobody and freeze nothing. A second
   * history may have known them, or stand on whom they name; whoever could make us forget them could hide it.
   */
  readonly disowned?: ReadonlyMap<Digest, HeldRevocation>;
  readonly frozen?: Freeze;
  /** The other history, while two claim to follow the same statement. */
  readonly other?: ChainState;
  /**
   * Histories that ours dropped, by their last statement. Whoever dropped one must have been able to in it as well, so what
   * comes of it later, above all a revocation, can still speak against them.
   */
  readonly aside?: ReadonlyMap<Digest, ChainState>;
}

export function approversOf({ approver, others = [] }: HeldRevocation): readonly Approver[] {
  return [approver, ...others];
}

export type Held = ReadonlyMap<Digest, HeldRevocation>;

/** All that a statement can know: what counts, what is disputed and what is disowned. */
export function heldRevocations({ revocations, disputed, disowned }: TrustState): Held {
  if (disputed === undefined && disowned === undefined) return revocations;
  return new Map([...revocations, ...(disputed ?? []), ...(disowned ?? [])]);
}

/** This place of a chain knew the revocation's author revoked, and did not know the revocation: it came too late. */
export function isDisowned(held: Held, { knew }: ChainState, one: HeldRevocation): boolean {
  if (knew.has(one.digest)) return false;
  const ids = revokedIds([...knew].flatMap((digest) => held.get(digest)?.revocation ?? []));
  return approversOf(one).every((approver) => killsApprover(ids, approver));
}

/** The name of a set of revocations: of its sorted digests. */
export function revokedDigest(digests: Iterable<Digest>): Digest {
  return digestOf("revocations", encodeCanonical({ digests: [...digests].toSorted() }));
}
export const NO_REVOCATIONS = revokedDigest([]);

export function sameHead(a: TrustHead, b: TrustHead): boolean {
  return a.n === b.n && a.hash === b.hash && a.revoked === b.revoked;
}

/** The chain at place `n`; undefined beyond its end. */
export function chainAt(chain: ChainState, n: number): ChainState | undefined {
  let place: ChainState | undefined = chain;
  while (place !== undefined && place.n > n) place = place.previous;
  return place?.n === n ? place : undefined;
}

// ---- whom and what revocations name ----

export interface RevokedIds {
  readonly people: ReadonlySet<string>;
  readonly credentials: ReadonlySet<string>;
  readonly grants: ReadonlySet<string>;
  readonly automationKeys: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
}

export function revokedIds(revocations: Iterable<Revocation>): RevokedIds {
  const ids = {
    people: new Set<string>(),
    credentials: new Set<string>(),
    grants: new Set<string>(),
    automationKeys: new Set<string>(),
    origins: new Set<string>(),
  };
  for (const { kind, body } of revocations) {
    if (kind === "person.revoke") ids.people.add(body.person);
    else if (kind === "credential.revoke") ids.credentials.add(body.credential);
    else if (kind === "role.revoke") ids.grants.add(body.grant);
    else if (kind === "automation-key.revoke") ids.automationKeys.add(body.automationKey);
    else ids.origins.add(body.origin);
  }
  return ids;
}

/** What is left of a chain when these ids are taken out. */
export function without(chain: Authority, ids: RevokedIds): Authority {
  const people = [...chain.people.values()]
    .filter((person) => !ids.people.has(person.id))
    .map((person) => (ids.grants.has(person.grant) ? { ...person, roles: [] } : person));
  const credentials = [...chain.credentials.values()].filter(
    ({ credentialId, person }) => !ids.credentials.has(credentialId) && !ids.people.has(person),
  );
  return {
    people: new Map(people.map((person) => [person.id, person])),
    credentials: new Map(credentials.map((credential) => [credential.credentialId, credential])),
    hosts: chain.hosts,
    removedHosts: chain.removedHosts,
    roles: chain.roles,
    origins: chain.origins.filter(({ origin }) => !ids.origins.has(origin)),
    automationKeys: new Map([...chain.automationKeys].filter(([id]) => !ids.automationKeys.has(id))),
    policies: chain.policies,
    dispatchKey: chain.dispatchKey,
    ledgerKey: chain.ledgerKey,
  };
}

export function killsApprover(ids: RevokedIds, approver: Approver): boolean {
  return (
    ids.people.has(approver.person) ||
    ids.credentials.has(approver.credential) ||
    ids.grants.has(approver.grant) ||
    ids.origins.has(approver.origin)
  );
}

// ---- who may do what ----

/**
 * The roles that a person holds now. Grants end; but where every administrator's has ended, the last ones still count,
 * because a workspace that nobody can administer is lost.
 */
export function rolesOf(state: Authority, person: string, now: number): readonly RoleDefinition[] {
  const member = state.people.get(person);
  if (member === undefined) return [];
  const roles = namedRoles(state, member);
  if (!hasEnded(member, now)) return roles;
  return roles.some(administers) && !hasLivingAdministrator(state, now) && endsLast(state, member) ? roles : [];
}

function namedRoles(state: Authority, { roles }: Person): readonly RoleDefinition[] {
  return roles.flatMap((role) => state.roles.get(role) ?? []);
}

function hasEnded({ until }: Person, now: number): boolean {
  return until !== undefined && now > until;
}

function administers({ permissions }: RoleDefinition): boolean {
  return permissions.includes("workspace.administer");
}

/**
 * As many as the strictest rule asks for. Not everybody: a statement says its own time, and somebody whose grant ended
 * long ago could date one so far ahead that everybody's has.
 */
function endsLast(state: Authority, { until }: Person): boolean {
  const ends = usableAdministrators(state)
    .map((id) => state.people.get(id)?.until ?? Number.POSITIVE_INFINITY)
    .toSorted((a, b) => b - a);
  return (until ?? Number.POSITIVE_INFINITY) >= (ends[largestPeople(state) - 1] ?? 0);
}

function hasLivingAdministrator(state: Authority, now: number): boolean {
  return usableAdministrators(state).some((id) => {
    const person = state.people.get(id);
    return person !== undefined && !hasEnded(person, now);
  });
}

/**
 * People who can approve statements, whatever the end of their grants. Statements are approved in the signer only, so
 * an administrator without a passkey for a signer's name does not count.
 */
export function usableAdministrators(state: Authority): readonly string[] {
  const names = new Set(state.origins.filter((listed) => listed.class === "signer").map(({ rpId }) => rpId));
  const able = new Set([...state.credentials.values()].filter(({ rpId }) => names.has(rpId)).map((c) => c.person));
  return [...state.people.values()]
    .filter((person) => able.has(person.id) && namedRoles(state, person).some(administers))
    .map(({ id }) => id);
}

/** A permission at a moment, on one host or (without `host`) on any. `now`: seconds. */
export interface Wanted {
  readonly permission: Permission;
  readonly host?: string;
  readonly now: number;
}

export function hasPermission(state: Authority, person: string, { permission, host, now }: Wanted): boolean {
  if (host !== undefined)
    return hasPermissionOn(state, person, { permission, now, host: { id: host, label: state.hosts.get(host)?.label } });
  return rolesOf(state, person, now).some((role) => role.permissions.includes(permission));
}

/** A host as scopes see it; perhaps not admitted yet. */
export interface ScopedHost {
  readonly id: string;
  readonly label: string | undefined;
}

export function hasPermissionOn(
  state: Authority,
  person: string,
  { permission, now, host }: { readonly permission: Permission; readonly now: number; readonly host: ScopedHost },
): boolean {
  return rolesOf(state, person, now).some((role) => role.permissions.includes(permission) && covers(role, host));
}

/** Whether a scope (of a role, a policy, an automation key) covers a host of this workspace. */
export function coversHost(
  state: Authority,
  scope: { readonly hosts: readonly string[]; readonly labels?: readonly string[] | undefined },
  host: string,
): boolean {
  return covers(scope, { id: host, label: state.hosts.get(host)?.label });
}

/** The shortest session of a person's roles, in seconds; 0 without a role. */
export function sessionLimit(state: Authority, person: string, now: number): number {
  const limits = rolesOf(state, person, now).map((role) => role.sessionSeconds);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

// ---- how many people ----

/** How many people an operation needs on a host: the largest policy that matches, else one. */
export function peopleNeeded(state: Authority, operation: string, host: string): number {
  const names = ["all", ...ruleNames(operation)];
  const matching = [...state.policies.values()].filter(
    (policy) => policy.operations.some((name) => names.includes(name)) && coversHost(state, policy, host),
  );
  return Math.max(1, ...matching.map(({ people }) => people));
}

/** Whether a policy lets this person allow a command once, on this host, where the edge serves the page. */
export function mayExecOnceFromDaily(state: Authority, person: string, host: string): boolean {
  return [...state.policies.values()].some(
    (policy) => policy.execOnceFrom?.people.includes(person) === true && coversHost(state, policy, host),
  );
}

/** What loosens a rule needs as many people as the strictest rule. */
export function largestPeople(state: Authority): number {
  return Math.max(1, ...[...state.policies.values()].map(({ people }) => people));
}

/**
 * How many different people these are. Another passkey of the same person adds nobody, and neither does anybody whom one
 * of the others alone added within a day: with them they count as one, and so do two whom the same one alone added.
 */
export function countPeople(state: Authority, people: readonly string[], now: number): number {
  const inventor = (id: string): string => {
    const person = state.people.get(id);
    const [adder, ...others] = person?.addedBy ?? [];
    if (person === undefined || adder === undefined || others.length > 0) return id;
    return now - person.addedAt < NEWCOMER_SECONDS ? inventor(adder) : id; // whoever adds was there before
  };
  return new Set(people.map(inventor)).size;
}
