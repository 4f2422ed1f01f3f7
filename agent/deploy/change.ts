/**
 * What a deployment is made of: steps that look at what is there and say what differs from what is wanted. The same look
 * is the plan before, and the check after. A step writes only by the changes that it named.
 */
import type { Api } from "./api.ts";
import type { Bundle } from "./bundle.ts";
import type { Wanted } from "./config.ts";
import type { RecordFile } from "./record.ts";

export interface Change {
  readonly kind: "create" | "change" | "remove";
  /** A line for a person: what, and where it helps, why. Never a secret. */
  readonly what: string;
  readonly apply: () => Promise<void>;
}

/** Learnt while looking. Undefined: not there yet. */
export interface Found {
  zoneId: string;
  /** Cloudflare's name of the zone's plan, e.g. `free`. */
  plan: string;
  teamDomain: string;
  databaseId: string | undefined;
  serviceTokenId: string | undefined;
  peoplePolicyId: string | undefined;
  signerPolicyId: string | undefined;
  audience: string | undefined;
  workerExists: boolean;
  /** Id of the workspace, once somebody founded it. */
  workspace: string | undefined;
  /** Seconds since 1970: until when a setup link that was made earlier works. */
  setupEnds: number | undefined;
}

export interface Context {
  readonly wanted: Wanted;
  readonly api: Api;
  readonly record: RecordFile;
  readonly bundle: Bundle;
  /** Of the token for certificates. */
  readonly certificateToken: string;
  readonly uid: number;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly found: Found;
  /** For people: what was left as it is, and why. Not a change. */
  readonly notes: string[];
}

export interface Step {
  readonly name: string;
  /** Throws `DeployError` where going on would be wrong. */
  look(context: Context): Promise<readonly Change[]>;
  /** What of this step's is there and ours, to be taken away; nothing else. */
  remains(context: Context): Promise<readonly Change[]>;
}
