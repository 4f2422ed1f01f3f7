/** Words for what the trust log holds: permissions, scopes, ends. Pure. */
import { formatExact, formatList, formatNumberOf, formatSpan } from "../format.ts";
import { daysUntil, type Ending } from "../state/people.ts";
import type { Permission, RoleDefinition } from "../../protocol/roles.ts";
import type { StatementKind } from "../../protocol/trust/statements.ts";

/** A new permission does not compile without a sentence. */
export const permissionWords = {
  "metadata.read": "See hosts, numbers and states",
  "ledger.read": "Read the ledger and its proofs",
  "content.read": "Read logs, configuration and transcripts",
  "alert.acknowledge": "Acknowledge alerts",
  "gateway.operate": "Daily operations: restart, check",
  "gateway.configure": "Critical operations: what can run code, loosen or destroy",
  "agent.manage": "Agents and their schedules",
  "channel.manage": "Channels, pairings, allow-lists",
  "host.admit": "Admit and remove hosts",
  "workspace.administer": "People, passkeys, roles, rules and keys",
} as const satisfies Record<Permission, string>;

/** What each kind of statement does, in the fewest words. A new kind does not compile without. */
export const statementWords = {
  "person.add": "Add a person",
  "credential.add": "Add a passkey",
  "role.define": "Write or change a role",
  "role.assign": "Give and renew roles",
  "host.admit": "Admit a host",
  "host.remove": "Remove a host",
  "automation-key.add": "Grant an automation key",
  "origin.add": "Add an address",
  "dispatch-key.rotate": "Change the dispatch key",
  "ledger-key.rotate": "Change the ledger key",
  "policy.set": "Set a rule",
  "fork.resolve": "End a fork",
  "root.rotate": "Let another edge take over",
  "person.revoke": "Revoke a person",
  "credential.revoke": "Revoke a passkey",
  "role.revoke": "Take all roles from somebody",
  "automation-key.revoke": "Revoke an automation key",
  "origin.revoke": "Revoke an address",
} as const satisfies Record<StatementKind, string>;

export interface Scope {
  readonly hosts: readonly string[];
  readonly labels?: readonly string[] | undefined;
}

/** `labelOf`: the name of a host in the trust log. */
export function scopeWords({ hosts, labels = [] }: Scope, labelOf: (host: string) => string): string {
  if (hosts.includes("all")) return "all hosts";
  const named = hosts.map(labelOf);
  const patterns = labels.map((label) => (label.endsWith("*") ? `hosts named ${label}` : `the host named ${label}`));
  const all = [...named, ...patterns];
  return all.length === 0 ? "no host" : formatList(all);
}

/** `ends today`, `ends in 12 days`, with what an end that has passed means. */
export function endWords(until: number | undefined, now: number, ending: Ending): string {
  if (until === undefined || ending === "never") return "never ends";
  if (ending === "over") return "ended: these roles allow nothing any more";
  if (ending === "kept") return "ended; still counts, because no other administrator is left";
  const days = daysUntil(until, now);
  return days === 0 ? "ends today" : `ends in ${formatNumberOf(days, "day")}`;
}

export function sessionWords({ sessionSeconds }: Pick<RoleDefinition, "sessionSeconds">): string {
  return `sessions of at most ${formatSpan(sessionSeconds)}`;
}

export function momentWords(at: number | undefined): string {
  return at === undefined ? "as late as allowed: 90 days from now" : formatExact(at);
}

/** Roles as a person would say them. */
export function roleWords(roles: readonly string[]): string {
  return roles.length === 0 ? "no role" : formatList(roles);
}

export const enough = { one: "one person", two: "two people", three: "three people" } as const;

export function peopleWords(people: number): string {
  if (people === 1) return enough.one;
  if (people === 2) return enough.two;
  return people === 3 ? enough.three : `${people} people`;
}
