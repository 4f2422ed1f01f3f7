/** Where a stream goes and what signs it, sealed: opened only to send. While one secret replaces another both sign. */
import * as v from "valibot";
import { STREAM_OVERLAP_SECONDS } from "../../protocol/limits.ts";
import type { Seals } from "../outbound/seal.ts";

export interface FarEnd {
  readonly url: string;
  /** The newest first. */
  readonly secrets: readonly { readonly secret: string; readonly until?: number | undefined }[];
}

/** Whoever rotates again and again must not make a message of signatures. */
const MAX_SECRETS = 4;

const farEndSchema = v.strictObject({
  url: v.string(),
  secrets: v.array(v.strictObject({ secret: v.string(), until: v.optional(v.number()) })),
});

const nameOf = (stream: string): string => `stream ${stream}`;

export function sealFarEnd(stream: string, farEnd: FarEnd, seals: Seals): Promise<string> {
  return seals.seal(nameOf(stream), JSON.stringify(farEnd));
}

/** Undefined when it was sealed with a key that this edge no longer has, or for another stream. */
export async function openFarEnd(stream: string, sealed: string, seals: Seals): Promise<FarEnd | undefined> {
  const text = await seals.open(nameOf(stream), sealed);
  return text === undefined ? undefined : v.parse(farEndSchema, JSON.parse(text));
}

/** `now`: seconds. */
export function rotated({ url, secrets }: FarEnd, secret: string, now: number): FarEnd {
  const until = now + STREAM_OVERLAP_SECONDS;
  const old = secrets
    .filter((one) => one.secret !== secret && (one.until === undefined || one.until > now))
    .map((one) => ({ secret: one.secret, until: one.until ?? until }));
  return { url, secrets: [{ secret }, ...old].slice(0, MAX_SECRETS) };
}

export function validSecrets({ secrets }: FarEnd, now: number): readonly string[] {
  return secrets.filter(({ until }) => until === undefined || until > now).map(({ secret }) => secret);
}
