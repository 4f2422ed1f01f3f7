/** What the parts of an update leave for each other. Root writes both files. */
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { fingerprint, seconds } from "../../../protocol/fields.ts";
import { releaseVersion } from "../../../protocol/release.ts";
import { systemCode } from "../../shared/edge-error.ts";

const orderSchema = v.strictObject({ version: releaseVersion, sha256: fingerprint });
export type Order = v.InferOutput<typeof orderSchema>;

const pendingSchema = v.strictObject({
  from: releaseVersion,
  to: releaseVersion,
  /** What `previous` named before. */
  previous: v.optional(releaseVersion),
});
export type Pending = v.InferOutput<typeof pendingSchema>;

const lastSchema = v.strictObject({
  from: releaseVersion,
  to: releaseVersion,
  ended: v.picklist(["updated", "back"]),
  at: seconds,
});
export type LastChange = v.InferOutput<typeof lastSchema>;

export const readLast = (path: string): LastChange | undefined => read(path, lastSchema);
export const readOrder = (path: string): Order | undefined => read(path, orderSchema);
export const readPending = (path: string): Pending | undefined => read(path, pendingSchema);

/** A file that is not ours is none. */
function read<S extends v.GenericSchema>(path: string, schema: S): v.InferOutput<S> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(readFileSync(path, "utf8")));
    return result.success ? result.output : undefined;
  } catch (error) {
    if (systemCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
