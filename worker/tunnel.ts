/**
 * Opens a host's tunnel: mutual TLS is checked here, at each request, by fingerprint. A resumed TLS session proves
 * nothing new, and any certificate of the authority verifies, so only those count that were issued here and not revoked.
 */
import { edgeSeconds } from "../durable-objects/clock.ts";
import { findCertificate, standingCertificates, type CertifiedHost } from "../durable-objects/db/certificate-rows.ts";
import { encodeOpening, SOCKET_HEADER } from "../durable-objects/host/sockets.ts";
import type { CertificateRecord } from "../migrations/schema.ts";
import type { Deps } from "./deps.ts";
import { sourceAddress } from "./http/arrival.ts";
import { problem } from "./http/problems.ts";
import { requireTrust, sayDamage } from "./workspace.ts";

/** The part of `request.cf.tlsClientAuth` that is read; the same texts locally and on Cloudflare. */
export interface ClientTls {
  readonly certPresented?: string;
  readonly certVerified?: string;
  readonly certRevoked?: string;
  readonly certFingerprintSHA256?: string;
}

/** @throws {ProblemError} */
export async function openTunnel(request: Request, deps: Deps): Promise<Response> {
  const { certificate, host: row } = await requireJoinedHost(request, deps);
  if (request.headers.get("upgrade") !== "websocket") throw problem("method", "not an upgrade");
  const { workspace, host, hostKey } = row;
  const isFirstUse = certificate.usedAt === null ? ({ isFirstUse: true } as const) : {};
  const source = sourceAddress(request);
  const address = source === undefined ? {} : { address: source };
  const opening = { workspace, host, hostKey, certFingerprint: certificate.fingerprint, ...isFirstUse, ...address };
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  // Set, not added: what a client sent under this name is gone.
  headers.set(SOCKET_HEADER, encodeOpening({ kind: "agent", ...opening }));
  return deps.host(workspace, host).fetch(new Request(request, { headers }));
}

/** The host whose certificate this request presents. @throws {ProblemError} */
export async function requireJoinedHost(request: Request, deps: Deps): Promise<CertifiedHost> {
  return requireHost(requireCertificate(requireClientTls(request)), deps);
}

/** Cloudflare's own names take no client certificates (its documentation of mTLS): there, no host is who it says it is. */
const WITHOUT_CERTIFICATES = ".workers.dev";

/** @throws {ProblemError} where this address could not even ask for a certificate; also for a host that joins */
export function requireClientTls(request: Request): ClientTls {
  if (new URL(request.url).hostname.endsWith(WITHOUT_CERTIFICATES))
    throw problem("certificate_unavailable", "workers.dev");
  const tls = request.cf?.tlsClientAuth as ClientTls | undefined | null;
  if (tls === undefined || tls === null) throw problem("certificate_unavailable", "no client TLS");
  return tls;
}

function requireCertificate(tls: ClientTls): string {
  if (tls.certPresented !== "1") throw problem("certificate_missing");
  // A revoked certificate still verifies on Cloudflare; the two are separate answers.
  if (tls.certRevoked !== "0") throw problem("certificate_revoked");
  if (tls.certVerified !== "SUCCESS") throw problem(codeOfFailure(tls.certVerified), tls.certVerified);
  const fingerprint = tls.certFingerprintSHA256 ?? "";
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) throw problem("certificate_untrusted", "fingerprint");
  return fingerprint;
}

/** Which sentence the host gets. Cloudflare's reasons are OpenSSL's texts after a prefix. */
function codeOfFailure(
  verdict: string | undefined,
): "certificate_expired" | "certificate_early" | "certificate_untrusted" {
  if (verdict?.includes("not yet valid") === true) return "certificate_early";
  return verdict?.includes("expired") === true ? "certificate_expired" : "certificate_untrusted";
}

/** A newer one on another machine is how a copy shows; without one the host itself was meant. */
async function codeOfRevoked(
  { workspace, host, issuedAt }: CertificateRecord,
  { db }: Deps,
): Promise<"certificate_replaced" | "certificate_revoked"> {
  const standing = await standingCertificates(db, { workspace, host });
  return standing.some((other) => other.issuedAt >= issuedAt) ? "certificate_replaced" : "certificate_revoked";
}

async function requireHost(fingerprint: string, deps: Deps): Promise<CertifiedHost> {
  const found = await findCertificate(deps.db, fingerprint);
  if (found === undefined) throw problem("certificate_unknown");
  const { certificate, host } = found;
  const trust = await sayDamage(requireTrust(deps));
  if (host.workspace !== trust.workspace) throw problem("certificate_unknown");
  if (trust.removedHosts.has(host.host)) throw problem("host_removed");
  if (certificate.revokedAt !== null) throw problem(await codeOfRevoked(certificate, deps));
  if (certificate.validUntil <= edgeSeconds()) throw problem("certificate_expired");
  return found;
}
