/**
 * The host's next client certificate: asked for here, with the host key, because neither an edge nor whoever holds the
 * network side of this host may get one for a key of its own. What comes back counts only for the key that was asked for.
 */
import { X509Certificate } from "node:crypto";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { CERTIFICATE_RETRY_SECONDS, CERTIFICATE_SKEW_SECONDS } from "../../../protocol/limits.ts";
import { dueAt, renewAt, type CertificateTerm } from "../../../protocol/renewal.ts";
import { certificateRequestCodec, type CertificateRefusal, type InwardFrame } from "../../../protocol/tunnel.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { admissionOf } from "./admission.ts";
import { wallSeconds } from "./clock.ts";
import { TunnelViolation, type Connection } from "./connection.ts";
import type { WardenContext } from "./deps.ts";

/** A request for a certificate, and the key that it is for; the private half stays with the link. */
export interface KeyRequest {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
}

/** The pairs of the link, as far as the warden knows them. */
export interface CertificateKeeper {
  /** Of the pair that opened the newest tunnel. */
  inUse(): CertificateTerm & { readonly fingerprint: string };
  /** A new key and a request that proves it. */
  makeRequest(host: string): Promise<KeyRequest>;
  /** Writes the certificate (PEM) down with the key of that request, and dials with it. @throws on a full disk, and then nothing was kept */
  keep(pair: { readonly publicKey: Uint8Array; readonly certificate: string }): void;
  /** Dials with a pair that was kept and never welcomed; false when there is none. */
  retry(): boolean;
}

/** An edge may have to ask a provider. */
const ANSWER_MILLISECONDS = 60_000;

interface Asked {
  readonly connection: Connection;
  /** For which a certificate is waited for. */
  readonly publicKey: Uint8Array;
}

export class Renewal {
  readonly #context: WardenContext;
  #asked: Asked | undefined;
  /** Monotonic, milliseconds. */
  #lastAt = Number.NEGATIVE_INFINITY;
  #refusal: CertificateRefusal | undefined;

  constructor(context: WardenContext) {
    this.#context = context;
  }

  /** Asks when it is due, at most once an hour, whatever came of it. */
  async tick(connection: Connection): Promise<void> {
    const { certificates, clock, keys, trust } = this.#context;
    if (!connection.isWelcomed || admissionOf(trust.state, keys) !== "admitted") return;
    if (clock.monotonic() - this.#lastAt < CERTIFICATE_RETRY_SECONDS * 1_000) return;
    const inUse = certificates.inUse();
    if (wallSeconds(clock) < renewAt(inUse, inUse.fingerprint)) return;
    this.#lastAt = clock.monotonic();
    if (!certificates.retry()) await this.#ask(connection);
  }

  /** Why there was no new certificate when one was last asked for. */
  get refusal(): CertificateRefusal | undefined {
    return this.#refusal;
  }

  /** An edge that does not answer is not waited for. */
  get isWaiting(): boolean {
    return this.#asked !== undefined && this.#context.clock.monotonic() - this.#lastAt < ANSWER_MILLISECONDS;
  }

  async #ask(connection: Connection): Promise<void> {
    const { certificates, keys, workspace, log } = this.#context;
    const { publicKey, csr } = await certificates.makeRequest(keys.host);
    const { tunnel } = connection;
    const request = { v: 1, workspace, host: keys.host, tunnel, csr: toBase64url(csr) } as const;
    const body = certificateRequestCodec.encode(request);
    const signature = await keys.hostKey.sign("certificate-request", body);
    this.#asked = { connection, publicKey };
    log({ event: "certificate_asked" });
    connection.send({ kind: "certificate-request", signed: { body: toBase64url(body), signature } });
  }

  /** @throws {TunnelViolation} for a certificate that nobody asked for, or for another key */
  certificate(frame: Extract<InwardFrame, { kind: "certificate" }>, connection: Connection): void {
    const { publicKey } = this.#answered(connection);
    const { certificates, clock, log } = this.#context;
    const certificate = readCertificate(frame.certificate);
    if (certificate === undefined || !isGood(certificate, publicKey, wallSeconds(clock)))
      throw new TunnelViolation("foreign_certificate");
    this.#refusal = undefined;
    try {
      certificates.keep({ publicKey, certificate: certificate.toString() });
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      log({ event: "certificate_not_written" }); // the one in use stays; asked for again in an hour
    }
  }

  /** @throws {TunnelViolation} for an answer that nobody waits for */
  refused({ code }: Extract<InwardFrame, { kind: "certificate-refused" }>, connection: Connection): void {
    this.#answered(connection);
    this.#refusal = code;
    this.#context.log({ event: "certificate_refused", code });
  }

  /** One answer to one question, on the tunnel of the question. */
  #answered(connection: Connection): Asked {
    const asked = this.#asked;
    if (asked?.connection !== connection) throw new TunnelViolation("out_of_order");
    this.#asked = undefined;
    return asked;
  }
}

function readCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(fromBase64url(text));
  } catch {
    return undefined; // not a certificate
  }
}

/** For the key that was asked for, good now, and not due again at once: an edge must not keep a host busy with renewing. */
function isGood(certificate: X509Certificate, publicKey: Uint8Array, now: number): boolean {
  const from = Math.floor(certificate.validFromDate.getTime() / 1_000);
  const until = Math.floor(certificate.validToDate.getTime() / 1_000);
  return (
    certificate.publicKey.export({ type: "spki", format: "der" }).equals(publicKey) &&
    from <= now + CERTIFICATE_SKEW_SECONDS &&
    dueAt({ from, until }) > now + CERTIFICATE_SKEW_SECONDS
  );
}
