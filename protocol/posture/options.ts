/**
 * What a person may choose about a fix. It names users, addresses and ports of the machine, so it goes sealed to the host and the
 * edge never reads it. Everything that is left out is chosen by the host, and shown in the plan before it is signed.
 */
import * as v from "valibot";
import { parseNetwork } from "../networks.ts";

/** What a person oversees; also what fits one order. */
const MAX_ROWS = 16;
/** Below are ports that only root opens; above are those that the kernel lends to clients. */
const MIN_PORT = 1024;
const MAX_PORT = 32_767;

const port = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(65_535));
/** One address or network, as it is written shortest. */
const network = v.pipe(
  v.string(),
  v.maxLength(43),
  v.check((text) => parseNetwork(text) !== undefined, "no network"),
);
/** As useradd takes it. */
const userName = v.pipe(v.string(), v.regex(/^[a-z_][a-z0-9_-]{0,31}$/));
const interfaceName = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/));
/** Printed into comments of rules, so: no quotes, no line ends. */
const reason = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,59}$/));
const rows = <S extends v.GenericSchema>(schema: S) => v.pipe(v.array(schema), v.maxLength(MAX_ROWS));

export const zoneRoles = ["dmz", "internal", "management"] as const;

export const fixOptionsSchema = v.strictObject({
  /** SSH's next port. `random`: one that the host draws and shows in the plan. */
  sshPort: v.optional(
    v.union([v.literal("random"), v.pipe(v.number(), v.safeInteger(), v.minValue(MIN_PORT), v.maxValue(MAX_PORT))]),
  ),
  /** Who may sign in; absent: those who have a key now. */
  sshUsers: v.optional(v.pipe(rows(userName), v.minLength(1))),
  /** Addresses of administrators: never banned. */
  admins: v.optional(rows(network)),
  /** `admins`: SSH answers those addresses and no other. */
  sshFrom: v.optional(v.picklist(["anywhere", "admins"])),
  /** What stays reachable besides SSH. */
  openings: v.optional(
    rows(
      v.strictObject({
        port,
        protocol: v.picklist(["tcp", "udp"]),
        from: v.optional(network),
        reason,
        /** Where networks have roles: on which it is reachable; absent: on each. */
        role: v.optional(v.picklist(zoneRoles)),
      }),
    ),
  ),
  /** Where the gateway's user may connect to; absent: any public address on port 443. */
  egress: v.optional(rows(v.strictObject({ to: network, port, reason }))),
  /** What each network of the machine is for. */
  zones: v.optional(rows(v.strictObject({ interface: interfaceName, role: v.picklist(zoneRoles) }))),
  /** The access log of a public web server. */
  httpLog: v.optional(v.pipe(v.string(), v.regex(/^\/var\/log\/[A-Za-z0-9][A-Za-z0-9._/-]{0,150}$/))),
});
export type FixOptions = v.InferOutput<typeof fixOptionsSchema>;

export const profileNames = ["standard"] as const;

/** All of it at once: one plan, one transaction, one way back. `movePort`: SSH leaves port 22 as well. */
export const profileOptionsSchema = v.strictObject({
  profile: v.picklist(profileNames),
  movePort: v.boolean(),
  options: fixOptionsSchema,
});
