/**
 * When a client certificate is renewed. One rule for both ends: the host asks by it, the edge judges a request by it.
 * Times are seconds since 1970.
 */
import { CERTIFICATE_SPREAD_PARTS } from "./limits.ts";

/** As the certificate itself says. */
export interface CertificateTerm {
  readonly from: number;
  readonly until: number;
}

/** Two thirds of a life: of 90 days, a month is left to notice that renewal fails. */
export function dueAt({ from, until }: CertificateTerm): number {
  return from + Math.floor(((until - from) * 2) / 3);
}

/**
 * When the host asks: a little later than due, by its own fingerprint, so that hosts which joined together do not ask
 * together.
 */
export function renewAt(term: CertificateTerm, fingerprint: string): number {
  const spread = (term.until - term.from) / CERTIFICATE_SPREAD_PARTS;
  const share = Number.parseInt(fingerprint.slice(0, 8), 16) / 2 ** 32;
  return dueAt(term) + Math.floor(spread * share);
}
