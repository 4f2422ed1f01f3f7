/** What a signer needs of an edge elsewhere to make a join file: where agents dial, and a token. The pin is the signer's own. */
import * as v from "valibot";
import { nonce, seconds } from "../fields.ts";
import { joinFileSchema } from "../join-file.ts";
import { approvedChange } from "./edge-action.ts";
import type { Endpoint } from "./endpoint.ts";

export const hostInviteChangeSchema = v.strictObject({ setting: v.literal("hostInvite") });

export const hostInviteSchema = v.strictObject({ edge: joinFileSchema.entries.edge, token: nonce, expires: seconds });

export const hostInviteEndpoints = {
  hostInvite: {
    method: "POST",
    path: "/api/hosts/invite",
    access: "session",
    permission: "host.admit",
    touch: { needed: true, why: "whoever holds the token may ask to join; it is admitted by another touch" },
    request: approvedChange(hostInviteChangeSchema),
    response: hostInviteSchema,
  },
} as const satisfies Record<string, Endpoint>;
