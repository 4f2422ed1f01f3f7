/** What will end soon: certificates that were not renewed, roles that nobody renewed. Pure: the caller brings the clock. */
import type { CertificateRecord } from "../../migrations/schema.ts";
import { CERTIFICATE_NOTICE_SECONDS, GRANT_NOTICE_SECONDS } from "../../protocol/limits.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { NewAlert } from "./alert-table.ts";

/** Kinds that the edge resolves by itself, as soon as nothing ends any more. */
export const endingKinds = ["certificate.ending", "grant.ending"] as const;

export interface EndingsView {
  readonly trust: TrustState;
  /** One for each host that joined: the one that it connects with. */
  readonly certificates: readonly CertificateRecord[];
  /** Edge clock, seconds. */
  readonly now: number;
}

export function findEndings({ trust, certificates, now }: EndingsView): readonly NewAlert[] {
  return [...endingCertificates(trust, certificates, now), ...endingGrants(trust, now)];
}

function endingCertificates(
  trust: TrustState,
  certificates: readonly CertificateRecord[],
  now: number,
): readonly NewAlert[] {
  return certificates
    .filter(({ host, revokedAt }) => trust.hosts.has(host) && revokedAt === null)
    .filter(({ validUntil }) => validUntil - now <= CERTIFICATE_NOTICE_SECONDS)
    .map(({ host, validUntil: until }) => ({ kind: "certificate.ending", subject: host, host, detail: { until } }));
}

/** Also when they have ended: then somebody should know that a person can do nothing any more. */
function endingGrants(trust: TrustState, now: number): readonly NewAlert[] {
  return [...trust.people.values()].flatMap(({ id, until, roles }) =>
    until === undefined || roles.length === 0 || until - now > GRANT_NOTICE_SECONDS
      ? []
      : [{ kind: "grant.ending" as const, subject: id, person: id, detail: { until } }],
  );
}
