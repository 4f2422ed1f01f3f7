/**
 * People, roles and keys as the verified trust log has them, for the pages. Pure: what is shown of anybody's power
 * comes from here, and here it comes from statements that this browser verified.
 * May not: read what the edge says beside the log.
 */
import { GRANT_NOTICE_SECONDS } from "../../protocol/limits.ts";
import { presetRoles, type RoleDefinition } from "../../protocol/roles.ts";
import { rolesOf, usableAdministrators, type Authority, type TrustState } from "../../protocol/trust/state.ts";
import type { Statement, StatementKind } from "../../protocol/trust/statements.ts";
import type { OriginClass } from "./backend.ts";

/** A statement this browser applied. */
export interface AppliedStatement {
  readonly hash: string;
  readonly statement: Statement;
}

export interface TrustView {
  readonly state: TrustState;
  /** Only names that fit their commitment in the log. */
  readonly names: ReadonlyMap<string, string>;
  readonly applied: readonly AppliedStatement[];
  /** When the root was made, by its own word. */
  readonly rootAt: number;
}

export interface PasskeyView {
  readonly id: string;
  readonly rpId: string;
  readonly originClass: OriginClass;
  readonly addedAt: number;
  /** The authenticator may copy it to other devices. */
  readonly synced: boolean;
}

export interface PersonView {
  readonly id: string;
  readonly name: string;
  readonly named: boolean;
  readonly roles: readonly string[];
  /** The statement that gave them. */
  readonly grant: string;
  /** Absent: the roles never end. */
  readonly until?: number;
  readonly ending: Ending;
  readonly passkeys: readonly PasskeyView[];
  readonly addedAt: number;
}

/** `kept`: over, but every administrator's is, so theirs still count. */
export type Ending = "never" | "later" | "soon" | "over" | "kept";

export function nameIn({ names }: TrustView, person: string): string {
  return names.get(person) ?? person;
}

export function peopleOf(view: TrustView, now: number): readonly PersonView[] {
  return [...view.state.people.values()].map((person) => ({
    id: person.id,
    name: nameIn(view, person.id),
    named: view.names.has(person.id),
    roles: person.roles,
    grant: person.grant,
    ...(person.until === undefined ? {} : { until: person.until }),
    ending: endingOf(view.state, person.id, now),
    passkeys: passkeysOf(view, person.id),
    addedAt: person.addedAt,
  }));
}

export function endingOf(state: Authority, id: string, now: number): Ending {
  const person = state.people.get(id);
  if (person?.until === undefined || person.roles.length === 0) return "never";
  if (now > person.until) return rolesOf(state, id, now).length > 0 ? "kept" : "over";
  return person.until - now < GRANT_NOTICE_SECONDS ? "soon" : "later";
}

function passkeysOf(view: TrustView, person: string): readonly PasskeyView[] {
  return [...view.state.credentials.values()]
    .filter((credential) => credential.person === person)
    .map(({ credentialId: id, rpId, backupEligible: synced }) => ({
      id,
      rpId,
      originClass: view.state.chain.rpClasses.get(rpId) ?? "daily",
      addedAt: addedAt(view, id),
      synced,
    }));
}

/** By the word of the statement that added it; the first ones came with the root. */
function addedAt({ applied, rootAt }: TrustView, credential: string): number {
  const found = applied.find(({ statement }) => credentialsIn(statement).includes(credential));
  return found?.statement.at ?? rootAt;
}

function credentialsIn(statement: Statement): readonly string[] {
  if (statement.kind === "credential.add") return [statement.body.credentialId];
  if (statement.kind === "person.add") return (statement.body.credentials ?? []).map((one) => one.credentialId);
  return [];
}

/** Grants that somebody should renew before they end, soonest first. */
export function endingSoon(view: TrustView, now: number): readonly PersonView[] {
  return peopleOf(view, now)
    .filter(({ ending }) => ending === "soon" || ending === "over" || ending === "kept")
    .toSorted((a, b) => (a.until ?? 0) - (b.until ?? 0));
}

/** Whole days until then, rounded down: "ends in 0 days" is said as "ends today". */
export function daysUntil(at: number, now: number): number {
  return Math.max(0, Math.floor((at - now) / 86_400));
}

export interface RoleView {
  readonly role: RoleDefinition;
  /** Written into this workspace's log. A preset that is not holds for nobody. */
  readonly written: boolean;
  readonly holders: readonly string[];
}

/** The log's own roles in its order, then the presets that it lacks. */
export function rolesIn(view: TrustView): readonly RoleView[] {
  const written = [...view.state.roles.values()].map((role) => ({
    role,
    written: true,
    holders: [...view.state.people.values()]
      .filter(({ roles }) => roles.includes(role.id))
      .map(({ id }) => nameIn(view, id)),
  }));
  const offered = presetRoles
    .filter(({ id }) => !view.state.roles.has(id))
    .map((role) => ({ role, written: false, holders: [] }));
  return [...written, ...offered];
}

/** How many people could approve together today: what a rule can ask for at most. */
export function ableToApprove(state: Authority): number {
  return usableAdministrators(state).length;
}

/** Of a host that was removed: as it was admitted. */
export function hostLabelIn(
  { state, applied }: Pick<TrustView, "state" | "applied">,
  host: string,
): string | undefined {
  const present = state.hosts.get(host)?.label;
  if (present !== undefined) return present;
  for (const { statement } of applied) {
    if (statement.kind === "host.admit" && statement.body.host === host) return statement.body.label;
  }
  return undefined;
}

/** Losing this person would leave the workspace to nobody. */
export function isOnlyAdministrator(view: TrustView | undefined, person: string | undefined): boolean {
  if (view === undefined) return false;
  const able = usableAdministrators(view.state);
  return able.length === 1 && able[0] === person;
}

/** The newest statement that took something from somebody, for the coverage card. */
export function lastRevocation({ applied }: TrustView): AppliedStatement | undefined {
  return applied.findLast(({ statement }) => isRevoking(statement.kind));
}

function isRevoking(kind: StatementKind): boolean {
  return kind.endsWith(".revoke") || kind === "host.remove";
}
