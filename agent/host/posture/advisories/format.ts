/**
 * The list of published advisories: what ships inside the program, and what a newer signed file brings. One document, canonical
 * JSON, signed whole with the release key; a file with another shape, another signature or an older revision is refused.
 */
import * as v from "valibot";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { decodeCanonical, MalformedError } from "../../../../protocol/canonical.ts";
import { count } from "../../../../protocol/fields.ts";
import { verifySignature } from "../../../../protocol/signing.ts";
import { checkSeverities } from "../../../../protocol/posture/words.ts";
import { isReleaseVersion } from "./versions.ts";

/** Three times what was ever published. */
export const MAX_ADVISORIES = 2_000;
export const MAX_ADVISORIES_BYTES = 1 << 20;

const day = v.pipe(v.string(), v.regex(/^\d{4}-\d{2}-\d{2}$/));
const release = v.pipe(v.string(), v.maxLength(40), v.check(isReleaseVersion));

export const advisorySchema = v.strictObject({
  /** As it is published: CVE-… or GHSA-…. */
  id: v.pipe(v.string(), v.regex(/^(?:CVE-\d{4}-\d{4,7}|GHSA(?:-[0-9a-z]{4}){3})$/)),
  severity: v.picklist(checkSeverities),
  introduced: v.union([v.literal("0"), release]),
  fixed: release,
  title: v.pipe(v.string(), v.maxLength(160)),
});
export type Advisory = v.InferOutput<typeof advisorySchema>;

export const advisoriesSchema = v.strictObject({
  v: v.literal(1),
  /** Counts up; the higher one is newer. */
  revision: count,
  /** Until when what was published is in it. */
  asOf: day,
  advisories: v.pipe(v.array(advisorySchema), v.maxLength(MAX_ADVISORIES)),
});
export type Advisories = v.InferOutput<typeof advisoriesSchema>;

const envelopeSchema = v.strictObject({
  v: v.literal(1),
  /** Canonical JSON of the list, base64url. */
  advisories: v.pipe(v.string(), v.maxLength(2 * MAX_ADVISORIES_BYTES)),
  /** Over PAE("advisories", those bytes), base64url. */
  signature: v.pipe(v.string(), v.maxLength(100)),
});
export type AdvisoriesFile = v.InferOutput<typeof envelopeSchema>;

export type Opened =
  | { readonly kind: "ok"; readonly advisories: Advisories }
  | { readonly kind: "malformed" | "signature" | "no_key" };

export async function openAdvisories(text: string, publicKey: string | undefined): Promise<Opened> {
  if (text.length > 2 * MAX_ADVISORIES_BYTES) return { kind: "malformed" };
  let envelope: AdvisoriesFile;
  let body: Uint8Array<ArrayBuffer>;
  try {
    envelope = v.parse(envelopeSchema, JSON.parse(text));
    body = fromBase64url(envelope.advisories);
  } catch {
    return { kind: "malformed" };
  }
  if (publicKey === undefined) return { kind: "no_key" };
  // The received bytes are verified, and then those bytes are read.
  if (!(await verifySignature({ kind: "advisories", body, signature: envelope.signature, publicKey })))
    return { kind: "signature" };
  try {
    const result = v.safeParse(advisoriesSchema, decodeCanonical(body));
    return result.success ? { kind: "ok", advisories: result.output } : { kind: "malformed" };
  } catch (error) {
    if (error instanceof MalformedError) return { kind: "malformed" };
    throw error;
  }
}
