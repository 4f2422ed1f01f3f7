/**
 * The client certificates of one host, as its object sees them: the host asks for the next one on its tunnel, and the one
 * before ends when the next was used. Nothing here trusts the tunnel: the request is signed by the host key.
 */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import type { LedgerDraft } from "../../protocol/ledger.ts";
import { CERTIFICATE_SKEW_SECONDS, MAX_CERTIFICATE_REQUESTS_PER_HOUR } from "../../protocol/limits.ts";
import type { Signed } from "../../protocol/messages.ts";
import { dueAt } from "../../protocol/renewal.ts";
import { verifySignature } from "../../protocol/signing.ts";
import {
  certificateRequestCodec,
  inwardFrames,
  type CertificateRefusal,
  type CertificateRequest,
  type InwardFrame,
} from "../../protocol/tunnel.ts";
import type { CertificateAuthority } from "../certificates/authority.ts";
import { issueCertificate, revokeCertificates, tellRevocations } from "../certificates/issue.ts";
import { readKeyRequest } from "../certificates/key-request.ts";
import { edgeSeconds } from "../clock.ts";
import { findCertificate, markCertificateUsed } from "../db/certificate-rows.ts";
import type { Database } from "../db/database.ts";
import { logFault, logStep } from "../log.ts";
import type { Books } from "./books.ts";
import type { OpenTunnel } from "./delivery.ts";
import { decoded } from "./greeting.ts";
import { HourlyBound } from "./hourly.ts";
import { CLOSE, tryClose, trySend, type AgentAttachment } from "./sockets.ts";
import type { HostStore, Identity } from "./store.ts";

export interface CertificatesDeps {
  readonly store: HostStore;
  readonly db: Database;
  readonly authority: () => CertificateAuthority;
  readonly books: Pick<Books, "append" | "appendLater">;
  readonly isAdmitted: (identity: Identity) => Promise<boolean>;
}

type Answer = Extract<InwardFrame, { kind: "certificate" | "certificate-refused" }>;

export class Certificates {
  readonly #deps: CertificatesDeps;
  /** Durable. */
  readonly #bound: HourlyBound;
  /** In memory only: a request that is being answered dies with this object, and the host asks again. */
  #isIssuing = false;

  constructor(deps: CertificatesDeps) {
    this.#deps = deps;
    const limit = MAX_CERTIFICATE_REQUESTS_PER_HOUR;
    this.#bound = new HourlyBound(deps.store, { name: "certificate-requests", limit });
  }

  /** @throws {MalformedError} for a request that this host's key did not sign for this very tunnel */
  async request({ socket, attachment }: OpenTunnel, signed: Signed): Promise<void> {
    const request = await judgeRequest(attachment, signed);
    if (request === undefined) throw new MalformedError("certificate request does not verify");
    const answer = await this.#answer(request, attachment);
    if (answer === undefined) return tryClose(socket, CLOSE.removed, "the certificate is no longer good");
    if (answer.kind === "certificate-refused")
      logStep("certificate-refused", { host: attachment.host, code: answer.code });
    trySend(socket, inwardFrames.encode(answer));
  }

  async #answer(request: CertificateRequest, attachment: AgentAttachment): Promise<Answer | undefined> {
    if (this.#isIssuing || !this.#bound.take()) return refused("too_often");
    this.#isIssuing = true;
    try {
      return await this.#issue(request, attachment);
    } finally {
      this.#isIssuing = false;
    }
  }

  async #issue(asked: CertificateRequest, attachment: AgentAttachment): Promise<Answer | undefined> {
    const { db, authority, books, isAdmitted } = this.#deps;
    const { workspace, host, certFingerprint } = attachment;
    const now = edgeSeconds();
    if (!(await isAdmitted(attachment))) return refused("not_admitted");
    const inUse = (await findCertificate(db, certFingerprint))?.certificate;
    if (inUse === undefined || inUse.revokedAt !== null) return undefined;
    if (now < dueAt({ from: inUse.validFrom, until: inUse.validUntil }) - CERTIFICATE_SKEW_SECONDS)
      return refused("not_due");
    const request = await readKeyRequest(fromBase64url(asked.csr));
    if (request === undefined) return refused("request");
    const order = { workspace, host, request, now };
    const issued = await issueCertificate(order, { db, authority: authority(), append: books.append });
    if (typeof issued === "string") return refused(issued);
    // One that the host never used, because its answer was lost; and this one, if somebody meanwhile removed the host or
    // took away the certificate by which it asked.
    const isStillAdmitted = await isAdmitted(attachment);
    const isStillGood = (await findCertificate(db, certFingerprint))?.certificate.revokedAt === null;
    await this.#revoke(attachment, ({ fingerprint, usedAt }) =>
      fingerprint === issued.fingerprint ? !isStillAdmitted || !isStillGood : usedAt === null,
    );
    if (!isStillAdmitted) return refused("not_admitted");
    if (!isStillGood) return undefined;
    return { kind: "certificate", certificate: toBase64url(issued.der) };
  }

  /** The edge has welcomed a tunnel with a certificate for the first time: from here on it is the only one. */
  async firstUse({ workspace, host, certFingerprint }: AgentAttachment): Promise<void> {
    await markCertificateUsed(this.#deps.db, certFingerprint, edgeSeconds());
    await this.#revoke({ workspace, host }, ({ fingerprint }) => fingerprint !== certFingerprint);
  }

  /** Tells the provider what is revoked here. Never rejects: what fails is told with the next one. */
  async tellRevocations(): Promise<void> {
    const { db, authority } = this.#deps;
    try {
      await tellRevocations({ db, authority: authority() }, edgeSeconds());
    } catch (error) {
      logFault("revocation_untold", error);
    }
  }

  async #revoke(identity: Identity, which: Parameters<typeof revokeCertificates>[1]): Promise<void> {
    const { db, books } = this.#deps;
    // What is over is over, whether the ledger can be written now or not: the entry waits beside it.
    const append = (draft: LedgerDraft): Promise<void> => books.appendLater(draft);
    await revokeCertificates(identity, which, { db, append, now: edgeSeconds() });
  }
}

function refused(code: CertificateRefusal): Answer {
  return { kind: "certificate-refused", code };
}

async function judgeRequest(attachment: AgentAttachment, signed: Signed): Promise<CertificateRequest | undefined> {
  const body = fromBase64url(signed.body);
  const { signature } = signed;
  const { hostKey: publicKey } = attachment;
  if (!(await verifySignature({ kind: "certificate-request", body, signature, publicKey }))) return undefined;
  const request = decoded(() => certificateRequestCodec.decode(body));
  const fits =
    request?.workspace === attachment.workspace &&
    request.host === attachment.host &&
    request.tunnel === attachment.tunnel;
  return fits ? request : undefined;
}
