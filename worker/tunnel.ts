/**
 * Opens a host's tunnel: mutual TLS is checked here, at each request, by fingerprint. A resumed TLS session proves
 * nothing new, and any certificate of the authority verifies, so only the newest one of a host that joined counts.
 */
import { edgeSeconds } from "../durable-objects/clock.ts";
import { findHostByCertificate } from "../durable-objects/db/host-rows.ts";
import { encodeOpening, SOCKET_HEADER } from "../durable-objects/host/sockets.ts";
import type { HostRecord } from "../migrations/schema.ts";
import type { Deps } from "./deps.ts";
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
  const row = await requireJoinedHost(request, deps);
  if (request.headers.get("upgrade") !== "websocket") throw problem("method", "not an upgrade");
  const { workspace, host, hostKey, fingerprint } = row;
  const headers = new Headers(request.headers);
  headers.delete("cookie");
  // Set, not added: what a client sent under this name is gone.
  headers.set(SOCKET_HEADER, encodeOpening({ kind: "agent", workspace, host, hostKey, certFingerprint: fingerprint }));
  return deps.host(workspace, host).fetch(new Request(request, { headers }));
}

/** The host whose newest certificate this request presents. @throws {ProblemError} */
export async function requireJoinedHost(request: Request, deps: Deps): Promise<HostRecord> {
  return requireHost(requireCertificate(request.cf?.tlsClientAuth as ClientTls | undefined | null), deps);
}

function requireCertificate(tls: ClientTls | undefined | null): string {
  if (tls === undefined || tls === null || tls.certPresented !== "1") throw problem("certificate_missing");
  // A revoked certificate still verifies on Cloudflare; the two are separate answers.
  if (tls.certRevoked !== "0") throw problem("certificate_revoked");
  if (tls.certVerified !== "SUCCESS") throw problem("certificate_untrusted", tls.certVerified);
  const fingerprint = tls.certFingerprintSHA256 ?? "";
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) throw problem("certificate_untrusted", "fingerprint");
  return fingerprint;
}

async function requireHost(fingerprint: string, deps: Deps): Promise<HostRecord> {
  const row = await findHostByCertificate(deps.db, fingerprint);
  if (row === undefined) throw problem("certificate_unknown");
  const trust = await sayDamage(requireTrust(deps));
  if (row.workspace !== trust.workspace) throw problem("certificate_unknown");
  if (trust.removedHosts.has(row.host)) throw problem("host_removed");
  if (row.revoked) throw problem("certificate_revoked");
  if (row.certificateNotAfter <= edgeSeconds()) throw problem("certificate_expired");
  return row;
}
