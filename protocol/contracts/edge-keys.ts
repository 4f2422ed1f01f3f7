/** The public keys that the edge itself holds: what it can sign with, beside what the trust log says it must sign with. */
import * as v from "valibot";
import { publicKey } from "../fields.ts";
import type { Endpoint } from "./endpoint.ts";

/** The one in force and one that waits. */
export const MAX_KEYS_OF_A_JOB = 2;
const held = v.pipe(v.array(publicKey), v.minLength(1), v.maxLength(MAX_KEYS_OF_A_JOB));

export const edgeKeysSchema = v.strictObject({ dispatch: held, ledger: held });
export type EdgeKeys = v.InferOutput<typeof edgeKeysSchema>;

export const edgeKeyEndpoints = {
  /** A claim of the edge: which of them counts, the trust log says. */
  edgeKeys: {
    method: "GET",
    path: "/api/edge-keys",
    access: "session",
    permission: "workspace.administer",
    touch: { needed: false, why: "reads public keys" },
    response: edgeKeysSchema,
  },
} as const satisfies Record<string, Endpoint>;
