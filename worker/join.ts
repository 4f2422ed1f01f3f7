/**
 * A host joins: a token that a person carried to it, a request signed by its own key, and a certificate back. It stands
 * in quarantine until a statement admits it; joining grants nothing but a tunnel.
 */
import { edgeSeconds } from "../durable-objects/clock.ts";
import { saveHost } from "../durable-objects/db/host-rows.ts";
import { LedgerUnavailable } from "../durable-objects/ledger-client.ts";
import { fromBase64url, toBase64url } from "../protocol/bytes.ts";
import { MalformedError } from "../protocol/canonical.ts";
import { isAcceptablePoint } from "../protocol/ed25519.ts";
import { sha256Of, verifySignature } from "../protocol/signing.ts";
import { joinAnswerCodec, joinCodec, joinRequestCodec, type Join } from "../protocol/tunnel.ts";
import { hostIdOf } from "../protocol/words.ts";
import { issueClientCertificate, type IssuedCertificate } from "./certificates.ts";
import { findJoinToken, restoreJoinToken, useJoinToken } from "./db/join-tokens.ts";
import type { Deps } from "./deps.ts";
import { problem } from "./http/problems.ts";
import { requireTrust } from "./workspace.ts";

/** @throws {ProblemError} */
export async function joinHost(body: Uint8Array, deps: Deps): Promise<Uint8Array<ArrayBuffer>> {
  const request = decoded(() => joinRequestCodec.decode(body));
  if (request === undefined) throw problem("malformed_request", "join request");
  const now = edgeSeconds();
  const token = toBase64url(sha256Of(fromBase64url(request.token)));
  await requireToken(token, now, deps);
  const join = await judgeJoin(request, deps);
  const host = hostIdOf(join.hostKey);
  const csr = fromBase64url(join.csr);
  const certificate = await issueClientCertificate({ csr, host, authority: deps.agentAuthority, now });
  if (certificate === undefined) throw problem("join_refused", "csr");
  if (!(await useJoinToken(deps.db, token, now))) throw problem("join_token_used");
  await record({ join, host, certificate, token }, deps);
  await saveHost(deps.db, {
    workspace: join.workspace,
    host,
    hostKey: join.hostKey,
    cosignKey: join.cosignKey,
    label: join.label,
    colocated: join.colocated,
    fingerprint: certificate.fingerprint,
    certificateNotAfter: certificate.notAfter,
    revoked: false,
    joinedAt: now,
    joinBody: request.join,
    joinSignature: request.signature,
  });
  // A tunnel that is open rests on the certificate before this one.
  await deps.host(join.workspace, host).closeTunnel({ workspace: join.workspace, host });
  return joinAnswerCodec.encode({ host, certificate: toBase64url(certificate.der) });
}

/** Whoever holds the token may know what became of it; nobody else learns anything. */
async function requireToken(hash: string, now: number, deps: Deps): Promise<void> {
  const token = await findJoinToken(deps.db, hash);
  if (token === undefined) throw problem("join_token_wrong");
  if (token.usedAt !== null) throw problem("join_token_used");
  if (token.expires <= now) throw problem("join_token_expired");
}

async function judgeJoin(request: { readonly join: string; readonly signature: string }, deps: Deps): Promise<Join> {
  const body = fromBase64url(request.join);
  const join = decoded(() => joinCodec.decode(body));
  if (join === undefined) throw problem("join_refused", "malformed");
  const signed = { kind: "join", body, signature: request.signature, publicKey: join.hostKey } as const;
  if (!(await verifySignature(signed))) throw problem("join_refused", "signature");
  if (!isAcceptablePoint(fromBase64url(join.cosignKey))) throw problem("join_refused", "cosign key");
  const trust = await requireTrust(deps);
  if (join.workspace !== trust.workspace) throw problem("join_workspace");
  const host = hostIdOf(join.hostKey);
  if (trust.removedHosts.has(host)) throw problem("host_removed");
  const admitted = trust.hosts.get(host);
  if (admitted !== undefined && admitted.cosignKey !== join.cosignKey)
    throw problem("join_refused", "another cosign key");
  return join;
}

interface Joined {
  readonly join: Join;
  readonly host: string;
  readonly certificate: IssuedCertificate;
  readonly token: string;
}

/** Before anything is stored or handed out. A ledger that cannot write gives the token back. */
async function record({ join, host, certificate, token }: Joined, deps: Deps): Promise<void> {
  const append = deps.ledger(join.workspace);
  const actor = { kind: "host", id: host } as const;
  const detail = { certificate: certificate.fingerprint };
  try {
    await append({ actor, action: "host.joined", target: host, detail, subject: certificate.fingerprint });
    await append({
      actor: { kind: "edge" },
      action: "certificate.issued",
      target: host,
      detail,
      subject: certificate.fingerprint,
    });
  } catch (error) {
    if (error instanceof LedgerUnavailable) await restoreJoinToken(deps.db, token);
    throw error;
  }
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
