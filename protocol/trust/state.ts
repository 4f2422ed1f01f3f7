/** What a trust log says at one place in the chain. Immutable: `apply` returns a new state. */
import type { ListedOrigin, PinnedCredential } from "../assertion.ts";
import type { TrustHead } from "../fields.ts";
import type { Permission, RoleDefinition } from "../roles.ts";
import { encodeCanonical } from "../canonical.ts";
import { digestOf } from "../signing.ts";
import type { HostBody } from "./statements.ts";

export interface Person {
  readonly id: string;
  /** Commitment to the name. */
  readonly name: string;
  readonly roles: readonly string[];
}

export interface TrustState {
  /** digest(root): the workspace id. */
  readonly workspace: string;
  readonly head: TrustHead;
  readonly people: ReadonlyMap<string, Person>;
  readonly credentials: ReadonlyMap<string, PinnedCredential & { readonly person: string }>;
  /** Ids are never reused: a removed host stays in `removedHosts`. */
  readonly hosts: ReadonlyMap<string, HostBody>;
  readonly removedHosts: ReadonlySet<string>;
  readonly roles: ReadonlyMap<string, RoleDefinition>;
  readonly origins: readonly ListedOrigin[];
  readonly dispatchKey: string;
  readonly ledgerKey: string;
}

/** SHA-256 of the sorted digests of the revocations held; this version holds none. */
export const NO_REVOCATIONS = digestOf("revocations", encodeCanonical({ digests: [] }));

export function sameHead(a: TrustHead, b: TrustHead): boolean {
  return a.n === b.n && a.hash === b.hash && a.revoked === b.revoked;
}

export function rolesOf(state: TrustState, person: string): readonly RoleDefinition[] {
  const held = state.people.get(person)?.roles ?? [];
  return held.flatMap((role) => state.roles.get(role) ?? []);
}

/** A permission, on one host or (without `host`) on any. */
export interface Wanted {
  readonly permission: Permission;
  readonly host?: string;
}

export function hasPermission(state: TrustState, person: string, { permission, host }: Wanted): boolean {
  return rolesOf(state, person).some(
    (role) =>
      role.permissions.includes(permission) &&
      (host === undefined || role.hosts.includes("all") || role.hosts.includes(host)),
  );
}

/** The shortest session of a person's roles, in seconds; 0 without a role. */
export function sessionLimit(state: TrustState, person: string): number {
  const limits = rolesOf(state, person).map((role) => role.sessionSeconds);
  return limits.length === 0 ? 0 : Math.min(...limits);
}
