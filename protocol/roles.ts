/**
 * Permissions and the built-in roles. A role is a named list of permissions with a host scope; presets and
 * custom roles are the same thing, written into the trust log. Default: no role.
 */
import { ADMIN_SESSION_SECONDS, DEFAULT_SESSION_SECONDS } from "./limits.ts";

export const permissions = [
  "metadata.read", // fleet, host pages: numbers, states, ids
  "ledger.read", // the activity page and its proofs
  "gateway.operate", // daily operations on a gateway
  "host.admit", // admit and remove hosts
  "workspace.administer", // people, credentials, roles
] as const;
export type Permission = (typeof permissions)[number];

export interface RoleDefinition {
  readonly id: string;
  readonly permissions: readonly Permission[];
  /** Host ids, or the single entry "all". */
  readonly hosts: readonly string[];
  /** The longest session of somebody who holds this role, in seconds. */
  readonly sessionSeconds: number;
}

export const builtInRoles: readonly RoleDefinition[] = [
  {
    id: "viewer",
    permissions: ["metadata.read", "ledger.read"],
    hosts: ["all"],
    sessionSeconds: DEFAULT_SESSION_SECONDS,
  },
  {
    id: "operator",
    permissions: ["metadata.read", "ledger.read", "gateway.operate"],
    hosts: ["all"],
    sessionSeconds: DEFAULT_SESSION_SECONDS,
  },
  { id: "admin", permissions: [...permissions], hosts: ["all"], sessionSeconds: ADMIN_SESSION_SECONDS },
];
