import { describe, expect, it } from "vitest";
import { findEndings } from "../../../durable-objects/alerts/endings.ts";
import type { CertificateRecord } from "../../../migrations/schema.ts";
import { CERTIFICATE_NOTICE_SECONDS, GRANT_NOTICE_SECONDS } from "../../../protocol/limits.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";

const now = 1_800_000_000;
const host = (name: string, validUntil: number, revokedAt: number | null = null): CertificateRecord =>
  ({ host: name, validUntil, revokedAt }) as CertificateRecord;
const person = (id: string, until: number | undefined, roles: readonly string[] = ["operator"]) => [
  id,
  { id, roles, ...(until === undefined ? {} : { until }) },
];
const trustOf = (people: readonly unknown[]): TrustState =>
  ({ hosts: new Map([["h-one", {}]]), people: new Map(people as [string, object][]) }) as unknown as TrustState;

describe("what ends soon", () => {
  it("is a certificate at the end of its notice, not a second before", () => {
    const at = (notAfter: number) => findEndings({ trust: trustOf([]), certificates: [host("h-one", notAfter)], now });
    expect(at(now + CERTIFICATE_NOTICE_SECONDS + 1)).toEqual([]);
    const until = now + CERTIFICATE_NOTICE_SECONDS;
    expect(at(until)).toEqual([{ kind: "certificate.ending", subject: "h-one", host: "h-one", detail: { until } }]);
  });

  it("is no certificate of a host that is not admitted, or that was revoked", () => {
    const certificates = [host("h-stranger", now), host("h-one", now, now)];
    expect(findEndings({ trust: trustOf([]), certificates, now })).toEqual([]);
  });

  it("is a grant at the end of its notice; not one without an end, and not one without roles", () => {
    const until = now + GRANT_NOTICE_SECONDS;
    const people = [person("p-soon", until), person("p-later", until + 1), person("p-ever", undefined)];
    const trust = trustOf([...people, person("p-none", until, [])]);
    expect(findEndings({ trust, certificates: [], now })).toEqual([
      { kind: "grant.ending", subject: "p-soon", person: "p-soon", detail: { until } },
    ]);
  });
});
