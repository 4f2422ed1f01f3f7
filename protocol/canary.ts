/**
 * When many hosts may be brought to a new release at once: after one of them was, came back by itself, and says so under its own
 * key. Every host that is asked judges that word, so neither a page nor an edge can skip the first host. Pure.
 * May not: believe a version from telemetry, which the edge writes down.
 */
import { fromBase64url } from "./bytes.ts";
import { MalformedError } from "./canonical.ts";
import { CANARY_SECONDS, MAX_CANARY_AGE_SECONDS } from "./limits.ts";
import { preparedCodec, type Prepared } from "./messages.ts";
import { verifySignature } from "./signing.ts";
import type { TrustState } from "./trust/state.ts";

export const canaryRefusals = ["canary_unproven", "canary_early", "canary_stale"] as const;
export type CanaryRefusal = (typeof canaryRefusals)[number];

export interface CanaryWord {
  /** The version that a person wants on the others. */
  readonly version: string;
  /** `prepared` of the first host, base64url, and its host key's signature over it. */
  readonly canary: string;
  readonly canarySignature: string;
}

interface Judging {
  readonly trust: TrustState;
  /** Hosts that the command names. */
  readonly targets: readonly string[];
  /** Wall clock of whoever judges, seconds. */
  readonly now: number;
}

/** Undefined: another host of this workspace runs that version, and did for long enough. */
export async function judgeCanary(word: CanaryWord, judging: Judging): Promise<CanaryRefusal | undefined> {
  const prepared = await genuine(word, judging.trust);
  if (prepared === undefined || judging.targets.includes(prepared.host)) return "canary_unproven";
  const { agent } = prepared.facts;
  if (agent?.version !== word.version || agent.since === undefined) return "canary_unproven";
  if (Math.abs(judging.now - prepared.now) > MAX_CANARY_AGE_SECONDS) return "canary_stale";
  return prepared.now - agent.since < CANARY_SECONDS ? "canary_early" : undefined;
}

/** Signed by a host of this workspace that is admitted now. */
async function genuine({ canary, canarySignature }: CanaryWord, trust: TrustState): Promise<Prepared | undefined> {
  const body = fromBase64url(canary);
  const prepared = decoded(body);
  const host = prepared === undefined ? undefined : trust.hosts.get(prepared.host);
  if (prepared?.workspace !== trust.workspace || host === undefined) return undefined;
  const signed = { kind: "prepared", body, signature: canarySignature, publicKey: host.hostKey } as const;
  return (await verifySignature(signed)) ? prepared : undefined;
}

function decoded(body: Uint8Array): Prepared | undefined {
  try {
    return preparedCodec.decode(body);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
