/**
 * Permissions and the roles that are offered. A role is a named list of permissions with a scope of hosts; the built-in
 * ones, the presets and a workspace's own are the same thing, written into the trust log. Default: no role.
 */
import { ADMIN_SESSION_SECONDS, DEFAULT_SESSION_SECONDS } from "./limits.ts";

export const permissions = [
  "metadata.read", // fleet, host pages: numbers, states, ids
  "ledger.read", // the activity page and its proofs
  "content.read", // logs, configuration, transcripts: sealed to the reader
  "alert.acknowledge", // alerts
  "gateway.operate", // daily operations on a gateway
  "gateway.configure", // critical operations: whatever can run code, loosen or destroy
  "agent.manage", // agents and their schedules
  "channel.manage", // channels, pairings, allow-lists
  "host.admit", // admit and remove hosts
  "workspace.administer", // people, credentials, roles, rules
] as const;
export type Permission = (typeof permissions)[number];

export interface RoleDefinition {
  readonly id: string;
  readonly permissions: readonly Permission[];
  /** Host ids, or the single entry "all". Empty when only labels decide. */
  readonly hosts: readonly string[];
  /** Labels of hosts; `prod-*` stands for every label that begins so. */
  readonly labels?: readonly string[] | undefined;
  /** The longest session of somebody who holds this role, in seconds. */
  readonly sessionSeconds: number;
}

const everywhere = { hosts: ["all"], sessionSeconds: DEFAULT_SESSION_SECONDS } as const;

export const builtInRoles: readonly RoleDefinition[] = [
  { ...everywhere, id: "viewer", permissions: ["metadata.read", "ledger.read"] },
  {
    ...everywhere,
    id: "operator",
    permissions: ["metadata.read", "ledger.read", "alert.acknowledge", "gateway.operate"],
  },
  { id: "admin", permissions: [...permissions], hosts: ["all"], sessionSeconds: ADMIN_SESSION_SECONDS },
];

/** Roles by job, offered beside the built-in ones; a workspace that wants one writes it into its trust log. */
export const presetRoles: readonly RoleDefinition[] = [
  {
    ...everywhere,
    id: "system-administrator",
    permissions: [
      "metadata.read",
      "ledger.read",
      "alert.acknowledge",
      "gateway.operate",
      "gateway.configure",
      "host.admit",
    ],
  },
  { ...everywhere, id: "agent-developer", permissions: ["metadata.read", "content.read", "agent.manage"] },
  { ...everywhere, id: "channel-manager", permissions: ["metadata.read", "channel.manage"] },
  { ...everywhere, id: "business-user", permissions: ["metadata.read"] },
  { ...everywhere, id: "auditor", permissions: ["metadata.read", "ledger.read"] },
];

/** Whether a scope covers a host. `label` is the host's name in the trust log. */
export function covers(
  scope: { readonly hosts: readonly string[]; readonly labels?: readonly string[] | undefined },
  host: { readonly id: string; readonly label: string | undefined },
): boolean {
  if (scope.hosts.includes("all") || scope.hosts.includes(host.id)) return true;
  const { label } = host;
  return label !== undefined && (scope.labels ?? []).some((pattern) => fits(pattern, label));
}

function fits(pattern: string, label: string): boolean {
  return pattern.endsWith("*") ? label.startsWith(pattern.slice(0, -1)) : label === pattern;
}
