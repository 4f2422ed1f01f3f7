/**
 * Who signs the client certificates of hosts. What an authority returns is a claim until issue.ts has held it against the
 * request; which certificates count is for our own rows to say, never for an authority.
 */
import * as v from "valibot";
import type { Env } from "../env.ts";
import { cloudflareAuthority } from "./cloudflare.ts";
import { localAuthority } from "./local.ts";
import type { KeyRequest } from "./key-request.ts";

export interface SigningOrder {
  readonly request: KeyRequest;
  /** Becomes the common name, where the authority lets us choose. */
  readonly host: string;
  /** Edge clock, seconds. */
  readonly now: number;
}

/** Where a provider keeps a certificate. */
export interface Keeping {
  readonly zone: string;
  readonly reference: string;
}

export interface SignedCertificate {
  readonly der: Uint8Array<ArrayBuffer>;
  /** Undefined for what this edge signed itself. */
  readonly keeping: Keeping | undefined;
}

/** `quota`: it issues no more. `authority`: it did not answer, or not as agreed. */
export type SigningFailure = "quota" | "authority";

export interface CertificateAuthority {
  /** Never throws for what the far end does. */
  sign(order: SigningOrder): Promise<SignedCertificate | SigningFailure>;
  /** True when the provider counts it no more. Our own rows refuse it in any case. */
  revoke(keeping: Keeping): Promise<boolean>;
}

const zonesSchema = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/))),
  v.minLength(1),
  v.maxLength(16),
  v.check((zones) => new Set(zones).size === zones.length),
);

/**
 * The authority that this deployment configured: Cloudflare's managed one, or a key of its own (local and VPN; in the
 * cloud with a certificate authority that was uploaded there).
 * @throws {TypeError} for none, two or a half: a deployment must not issue by mistake.
 */
export function authorityOf(env: AuthorityEnv): CertificateAuthority {
  const { AGENT_CA_KEY: key, AGENT_CA_CERT: certificate } = env;
  const { CLIENT_CERTIFICATE_ZONES: zones, CLIENT_CERTIFICATE_TOKEN: token } = env;
  if (zones === undefined && token === undefined && key !== undefined && certificate !== undefined)
    return localAuthority({ key, certificate });
  if (key !== undefined || zones === undefined || token === undefined)
    throw new TypeError("client certificates: set AGENT_CA_KEY or CLIENT_CERTIFICATE_ZONES with its token, not both");
  return cloudflareAuthority({ zones: parseZones(zones), token, send: (request) => fetch(request) });
}

export type AuthorityEnv = Pick<
  Env,
  "AGENT_CA_KEY" | "AGENT_CA_CERT" | "CLIENT_CERTIFICATE_ZONES" | "CLIENT_CERTIFICATE_TOKEN"
>;

function parseZones(text: string): readonly string[] {
  try {
    return v.parse(zonesSchema, JSON.parse(text));
  } catch (error) {
    throw new TypeError("CLIENT_CERTIFICATE_ZONES: not a JSON list of zone ids", { cause: error });
  }
}
