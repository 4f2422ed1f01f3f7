/**
 * A host joins: a token that a person carried to it, a request signed by its own key, and a certificate back. It stands
 * in quarantine until a statement admits it; joining grants nothing but a tunnel.
 */
import { edgeSeconds } from "../durable-objects/clock.ts";
import { saveHost } from "../durable-objects/db/host-rows.ts";
import {
  issueCertificate,
  revokeCertificates,
  type IssuedCertificate,
  type IssueFailure,
  type Order,
} from "../durable-objects/certificates/issue.ts";
import { readKeyRequest } from "../durable-objects/certificates/key-request.ts";
import type { HostName } from "../durable-objects/db/certificate-rows.ts";
import type { LedgerDraft } from "../protocol/ledger.ts";
import { fromBase64url, toBase64url } from "../protocol/bytes.ts";
import { MalformedError } from "../protocol/canonical.ts";
import { isAcceptablePoint } from "../protocol/ed25519.ts";
import { sha256Of, verifySignature } from "../protocol/signing.ts";
import { joinAnswerCodec, joinCodec, joinRequestCodec, type Join } from "../protocol/tunnel.ts";
import { hostIdOf } from "../protocol/words.ts";
import { findJoinToken, restoreJoinToken, useJoinToken } from "./db/join-tokens.ts";
import type { Deps } from "./deps.ts";
import { problem, type ProblemCode } from "./http/problems.ts";
import { requireTrust } from "./workspace.ts";

/** @throws {ProblemError} */
export async function joinHost(body: Uint8Array, deps: Deps): Promise<Uint8Array<ArrayBuffer>> {
  const request = decoded(() => joinRequestCodec.decode(body));
  if (request === undefined) throw problem("malformed_request", "join request");
  const now = edgeSeconds();
  const token = toBase64url(sha256Of(fromBase64url(request.token)));
  await requireToken(token, now, deps);
  const join = await judgeJoin(request, deps);
  const { workspace, hostKey, cosignKey, label, colocated } = join;
  const host = hostIdOf(hostKey);
  const key = await readKeyRequest(fromBase64url(join.csr));
  if (key === undefined) throw problem("join_refused", "csr");
  if (!(await useJoinToken(deps.db, token, now))) throw problem("join_token_used");
  const certificate = await issue({ workspace, host, request: key, now }, token, deps);
  await saveHost(deps.db, {
    workspace,
    host,
    hostKey,
    cosignKey,
    label,
    colocated,
    joinedAt: now,
    joinBody: request.join,
    joinSignature: request.signature,
  });
  await endEarlier({ workspace, host }, certificate.fingerprint, deps);
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

/** Nothing is handed out without its entries. Whatever fails gives the token back. */
async function issue(order: Order, token: string, deps: Deps): Promise<IssuedCertificate> {
  const { workspace, host } = order;
  const announce = (fingerprint: string): LedgerDraft => ({
    actor: { kind: "host", id: host },
    action: "host.joined",
    target: host,
    detail: { certificate: fingerprint },
    subject: fingerprint,
  });
  const authority = deps.authority();
  const issued = await issueCertificate(
    { ...order, announce },
    { db: deps.db, authority, append: deps.ledger(workspace) },
  );
  if (typeof issued !== "string") return issued;
  await restoreJoinToken(deps.db, token);
  throw problem(PROBLEM_OF[issued], "certificate");
}

const PROBLEM_OF = {
  repeated: "join_refused",
  quota: "certificate_quota",
  authority: "certificate_authority",
  ledger: "ledger_unavailable",
} as const satisfies Record<IssueFailure, ProblemCode>;

/** A host that joins again begins anew: what it had before is over, and so is the tunnel that rests on it. */
async function endEarlier(name: HostName, newest: string, { db, ledger, host }: Deps): Promise<void> {
  const append = ledger(name.workspace);
  await revokeCertificates(name, ({ fingerprint }) => fingerprint !== newest, { db, append, now: edgeSeconds() });
  await host(name.workspace, name.host).closeTunnel(name);
}

function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
