/**
 * Has client certificates signed by Cloudflare's managed authority, through its API. That authority is one for all zones of
 * an account, so a certificate that was asked for in any of them verifies on the agents' hostname; each zone has a quota of
 * its own. What comes back is bounded, parsed, and believed in nothing but its bytes. Fields that are not read may come and
 * go: they are the provider's.
 */
import * as x509 from "@peculiar/x509";
import * as v from "valibot";
import { concatBytes, utf8Text } from "../../protocol/bytes.ts";
import { CLIENT_CERTIFICATE_SECONDS } from "../../protocol/limits.ts";
import { logFault, logStep } from "../log.ts";
import type { CertificateAuthority, Keeping, SignedCertificate, SigningFailure, SigningOrder } from "./authority.ts";

const API = "https://api.cloudflare.com/client/v4";
/** A host waits for it with its old certificate, a person who joins one for at most twice as long. */
const ANSWER_MILLISECONDS = 10_000;
/** A certificate with its request and the names around it is about 4 KB. */
const MAX_ANSWER_BYTES = 65_536;
/** "Client certificate quota reached for this zone" (Cloudflare's documentation of client certificates, limits). */
const QUOTA_CODE = 1_445;
const NOT_FOUND = 404;
const DAY_SECONDS = 86_400;

export interface CloudflareDeps {
  /** Ids, in the order in which they are filled. */
  readonly zones: readonly string[];
  /** API token, "SSL and Certificates: Edit" on these zones and nothing else. Never logged. */
  readonly token: string;
  readonly send: (request: Request) => Promise<Response>;
}

const errorsSchema = v.array(v.object({ code: v.pipe(v.number(), v.integer()) }));
const failureSchema = v.object({ success: v.literal(false), errors: errorsSchema });
const keptSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,36}$/)),
  status: v.picklist(["active", "pending_reactivation", "pending_revocation", "revoked"]),
});
const signedSchema = v.object({
  success: v.literal(true),
  result: v.object({
    ...keptSchema.entries,
    status: v.literal("active"),
    certificate: v.pipe(v.string(), v.maxLength(16_384), v.startsWith("-----BEGIN CERTIFICATE-----")),
  }),
});
const revokedSchema = v.object({
  success: v.literal(true),
  result: v.object({ ...keptSchema.entries, status: v.picklist(["pending_revocation", "revoked"]) }),
});

export function cloudflareAuthority(deps: CloudflareDeps): CertificateAuthority {
  return {
    async sign(order) {
      for (const zone of deps.zones) {
        const signed = await signIn(zone, order, deps);
        if (signed !== "quota") return signed;
        logStep("certificate-quota", { zone });
      }
      return "quota";
    },
    revoke: (keeping) => revoke(keeping, deps),
  };
}

async function signIn(
  zone: string,
  { request: { csr } }: SigningOrder,
  deps: CloudflareDeps,
): Promise<SignedCertificate | SigningFailure> {
  const body = {
    csr: `${x509.PemConverter.encode(csr, "CERTIFICATE REQUEST")}\n`,
    validity_days: CLIENT_CERTIFICATE_SECONDS / DAY_SECONDS,
  };
  const { said } = await call({ method: "POST", path: `/zones/${zone}/client_certificates`, body }, deps);
  const signed = v.safeParse(signedSchema, said);
  if (signed.success) {
    const { id: reference, certificate } = signed.output.result;
    const der = derOf(certificate);
    return der === undefined ? "authority" : { der, keeping: { zone, reference } };
  }
  if (isQuota(said)) return "quota";
  logRefusal("sign", said);
  return "authority";
}

async function revoke({ zone, reference }: Keeping, deps: CloudflareDeps): Promise<boolean> {
  const path = `/zones/${zone}/client_certificates/${reference}`;
  const { status, said } = await call({ method: "DELETE", path, body: undefined }, deps);
  // Never there, or deleted by somebody else: then it is done too.
  if (v.is(revokedSchema, said) || status === NOT_FOUND) return true;
  logRefusal("revoke", said);
  return false;
}

interface Call {
  readonly method: "POST" | "DELETE";
  readonly path: string;
  readonly body: unknown;
}
/** `said` is unparsed, and undefined when nothing came in time, or something else than JSON. */
interface Said {
  readonly status: number | undefined;
  readonly said: unknown;
}

async function call({ method, path, body }: Call, { token, send }: CloudflareDeps): Promise<Said> {
  const end = new AbortController();
  // A timer of its own, because one that nobody clears would keep the object awake.
  const timer = setTimeout(() => end.abort(), ANSWER_MILLISECONDS);
  try {
    const response = await send(
      new Request(`${API}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: "manual", // the token goes to no other place
        signal: end.signal,
      }),
    );
    const text = await readBounded(response);
    return { status: response.status, said: text === undefined ? undefined : (JSON.parse(text) as unknown) };
  } catch (error) {
    logFault("certificate_authority", error);
    return { status: undefined, said: undefined };
  } finally {
    clearTimeout(timer);
  }
}

async function readBounded({ body }: Response): Promise<string | undefined> {
  if (body === null) return undefined;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) return undefined; // leaving the loop cancels the rest
    parts.push(part);
  }
  return utf8Text(concatBytes(...parts));
}

function derOf(pem: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const [der] = x509.PemConverter.decode(pem);
    return der === undefined ? undefined : new Uint8Array(der);
  } catch {
    return undefined; // not PEM: refused like any other answer that is not as agreed
  }
}

function isQuota(answer: unknown): boolean {
  const failure = v.safeParse(failureSchema, answer);
  return failure.success && failure.output.errors.some(({ code }) => code === QUOTA_CODE);
}

/** Of a failure only the numbers of its errors are logged: its prose may quote the request. */
function logRefusal(call: "sign" | "revoke", said: unknown): void {
  const failure = v.safeParse(failureSchema, said);
  const codes = failure.success ? failure.output.errors.map(({ code }) => code).join(" ") : "unreadable";
  logStep("certificate-authority-refused", { call, codes });
}
