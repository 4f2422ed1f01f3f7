/** From which networks the dashboard may be reached, which hosts' door is closed to whom, and which addresses are banned. */
import * as v from "valibot";
import { count, seconds } from "../fields.ts";
import { MAX_BANS_LISTED, MAX_NETWORKS } from "../limits.ts";
import { parseNetwork } from "../networks.ts";
import { approvedChange } from "./edge-action.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * `allow`: where it is not empty, the dashboard answers these only. `deny`: never these, whatever else is said. `spared`:
 * never banned, counted like everybody. `deny-hosts`: the agents' door stays closed to these.
 */
export const networkLists = ["allow", "deny", "spared", "deny-hosts"] as const;
export type NetworkList = (typeof networkLists)[number];

const network = v.pipe(
  v.string(),
  v.maxLength(43),
  v.check((text) => parseNetwork(text) !== undefined, "network"),
);
const list = v.pipe(v.array(network), v.maxLength(MAX_NETWORKS));

export const networkChangeSchema = v.variant("setting", [
  v.strictObject({ setting: v.literal("networkAdd"), list: v.picklist(networkLists), network }),
  v.strictObject({ setting: v.literal("networkRemove"), list: v.picklist(networkLists), network }),
  v.strictObject({ setting: v.literal("addressUnban"), network }),
]);
export type NetworkChange = v.InferOutput<typeof networkChangeSchema>;

export const networksSchema = v.strictObject({
  lists: v.strictObject({ allow: list, deny: list, spared: list, "deny-hosts": list }),
  /** The newest first. */
  bans: v.pipe(
    v.array(v.strictObject({ network, until: seconds, times: v.pipe(count, v.minValue(1)) })),
    v.maxLength(MAX_BANS_LISTED),
  ),
  /** What this very request is counted and judged by; absent where nothing states an address. */
  you: v.optional(network),
  /** This request comes from the edge's own machine, which is never turned away. */
  isLocal: v.boolean(),
  /** The owner of the deployment has switched the lists off. */
  isOff: v.boolean(),
  now: seconds,
});
export type Networks = v.InferOutput<typeof networksSchema>;

export const networkEndpoints = {
  networks: {
    method: "GET",
    path: "/api/networks",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "reads settings and the addresses that are banned now" },
    response: networksSchema,
  },
  networksChange: {
    method: "POST",
    path: "/api/networks",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: true, why: "decides from where the dashboard and the agents' door answer at all" },
    request: approvedChange(networkChangeSchema),
    response: networksSchema,
  },
} as const satisfies Record<string, Endpoint>;
