/** Certificates from Cloudflare's managed authority, against a stand-in for its API. */
import { beforeEach, describe, expect, it } from "vitest";
import { authorityOf, type CertificateAuthority } from "../../../durable-objects/certificates/authority.ts";
import { cloudflareAuthority } from "../../../durable-objects/certificates/cloudflare.ts";
import { issueCertificate, revokeCertificates, tellRevocations } from "../../../durable-objects/certificates/issue.ts";
import { readCertificate, readKeyRequest, type KeyRequest } from "../../../durable-objects/certificates/key-request.ts";
import { findCertificate, standingCertificates } from "../../../durable-objects/db/certificate-rows.ts";
import { openDatabase } from "../../../durable-objects/db/database.ts";
import { saveHost } from "../../../durable-objects/db/host-rows.ts";
import { LedgerUnavailable } from "../../../durable-objects/ledger-client.ts";
import type { LedgerDraft } from "../../../protocol/ledger.ts";
import { bent, CertificateApi, failure, good, pemOf } from "./certificate-api.ts";
import { makeCsr } from "../../fixtures/edge/host-peer.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";

const ZONES = ["a".repeat(32), "b".repeat(32)] as const;
const TOKEN = "the-token";
const WORKSPACE = nonceOf("workspace");
const now = (): number => Math.floor(Date.now() / 1_000);
const db = openDatabase(env.DB);

let api: CertificateApi;
let authority: CertificateAuthority;
let drafts: LedgerDraft[];
let isLedgerFull: boolean;
let count = 0;

beforeEach(() => {
  const pair = { key: env.AGENT_CA_KEY ?? "", certificate: env.AGENT_CA_CERT ?? "" };
  api = new CertificateApi(pair, { [ZONES[0]]: 2, [ZONES[1]]: 1 });
  authority = cloudflareAuthority({ zones: ZONES, token: TOKEN, send: api.send });
  drafts = [];
  isLedgerFull = false;
});

async function keyRequest(): Promise<KeyRequest> {
  return (await readKeyRequest(new Uint8Array(await makeCsr()))) ?? expect.fail("no request");
}

const append = (draft: LedgerDraft): Promise<void> => {
  if (isLedgerFull) return Promise.reject(new LedgerUnavailable(draft.action));
  drafts.push(draft);
  return Promise.resolve();
};

/** A host of its own for each test. */
async function hostNamed(): Promise<string> {
  const host = `h-${String((count += 1))}`.padEnd(22, "x");
  const key = nonceOf(host);
  const row = { workspace: WORKSPACE, host, hostKey: key, cosignKey: key, label: "x", colocated: false, joinedAt: 1 };
  await saveHost(db, { ...row, joinBody: null, joinSignature: null });
  return host;
}

async function issue(host: string, request?: KeyRequest) {
  const order = { workspace: WORKSPACE, host, request: request ?? (await keyRequest()), now: now() };
  return issueCertificate(order, { db, authority, append });
}

async function issued(host: string): Promise<string> {
  const certificate = await issue(host);
  return typeof certificate === "string" ? expect.fail(certificate) : certificate.fingerprint;
}

const take = (host: string): Promise<void> =>
  revokeCertificates({ workspace: WORKSPACE, host }, () => true, { db, append, now: now() });

describe("the managed authority", () => {
  it("is asked with a token in a header, takes the request and 90 days, and what it signs is pinned by its bytes", async () => {
    const host = await hostNamed();
    const request = await keyRequest();
    const certificate = await issue(host, request);
    if (typeof certificate === "string") return expect.fail(certificate);
    expect(readCertificate(certificate.der)?.keyDigest).toBe(request.keyDigest);
    const [asked] = api.asked;
    expect(asked).toMatchObject({
      method: "POST",
      path: `/client/v4/zones/${ZONES[0]}/client_certificates`,
      authorization: `Bearer ${TOKEN}`,
      body: { validity_days: 90 },
    });
    expect(JSON.stringify(asked?.body)).not.toContain(TOKEN);
    const found = await findCertificate(db, certificate.fingerprint);
    expect(found?.certificate).toMatchObject({
      host,
      zone: ZONES[0],
      reference: [...api.kept.keys()][0],
      usedAt: null,
    });
    expect(drafts.map(({ action, detail }) => [action, detail.certificate])).toEqual([
      ["certificate.issued", certificate.fingerprint],
    ]);
  });

  it("is told of a revocation, again if it did not hear, and no more when it has", async () => {
    const host = await hostNamed();
    await issued(host);
    await take(host);
    expect(await standingCertificates(db, { workspace: WORKSPACE, host })).toEqual([]);
    api.instead.push(() => failure(500, 1_000));
    await tellRevocations({ db, authority }, now());
    expect([...api.kept.values()].map(({ status }) => status)).toEqual(["active"]);
    await tellRevocations({ db, authority }, now());
    expect([...api.kept.values()].map(({ status }) => status)).toEqual(["pending_revocation"]);
    const before = api.asked.length;
    await tellRevocations({ db, authority }, now());
    expect(api.asked).toHaveLength(before);
  });

  it("need not know a certificate that is to be revoked", async () => {
    const host = await hostNamed();
    await issued(host);
    await take(host);
    api.kept.clear();
    await tellRevocations({ db, authority }, now());
    const before = api.asked.length;
    await tellRevocations({ db, authority }, now());
    expect(api.asked).toHaveLength(before);
  });

  it("goes on in the next zone when one is full; when all are, revocations make room; then it says so", async () => {
    const hosts = await Promise.all([hostNamed(), hostNamed(), hostNamed(), hostNamed()]);
    for (const host of hosts.slice(0, 3)) await issued(host);
    expect([...api.kept.values()].map(({ zone }) => zone)).toEqual([ZONES[0], ZONES[0], ZONES[1]]);
    expect(await issue(hosts[3] ?? "")).toBe("quota");
    await take(hosts[0] ?? "");
    await issued(hosts[3] ?? "");
    expect([...api.kept.values()].map(({ zone }) => zone)).toEqual([ZONES[0], ZONES[0], ZONES[1], ZONES[0]]);
  });
});

describe("an answer that is not as agreed", () => {
  const sayings: readonly (readonly [string, CertificateApi["instead"][number]])[] = [
    ["a failure", () => failure(500, 1_000)],
    ["a failure with prose only", () => Response.json({ success: false, errors: "no" }, { status: 400 })],
    ["no JSON", () => new Response("<html>")],
    ["bytes that are no text", () => new Response(new Uint8Array([0xff, 0xfe]))],
    ["nothing", () => new Response(null)],
    ["a certificate that is none", () => good({ id: "1", status: "active", certificate: pemOf(new Uint8Array(9)) })],
    [
      "text for a certificate",
      () => good({ id: "1", status: "active", certificate: "-----BEGIN CERTIFICATE-----\nx" }),
    ],
    ["no id", async (real) => bent(await real(), { id: undefined })],
    ["an id that is a path", async (real) => bent(await real(), { id: "../x" })],
    ["one that is revoked already", async (real) => bent(await real(), { status: "revoked" })],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://elsewhere.example/" } })],
    ["more than an answer can be", async (real) => bent(await real(), { notes: "x".repeat(65_537) })],
    ["no connection", () => Promise.reject(new TypeError("unreachable"))],
  ];
  it.each(sayings)("%s brings no certificate and no entry", async (_what, instead) => {
    const host = await hostNamed();
    api.instead.push(instead);
    expect(await issue(host)).toBe("authority");
    expect(drafts).toEqual([]);
    expect(await standingCertificates(db, { workspace: WORKSPACE, host })).toEqual([]);
    expect(api.asked.filter(({ method }) => method === "POST")).toHaveLength(1); // no other zone is tried for a fault
  });

  it("is a certificate for another key: refused, and revoked at once", async () => {
    const host = await hostNamed();
    const other = await keyRequest();
    const request = await keyRequest();
    const swapped: CertificateAuthority = {
      sign: (order) => authority.sign({ ...order, request: other }),
      revoke: (keeping) => authority.revoke(keeping),
    };
    const order = { workspace: WORKSPACE, host, request, now: now() };
    expect(await issueCertificate(order, { db, authority: swapped, append })).toBe("authority");
    expect([...api.kept.values()].map(({ status }) => status)).toEqual(["pending_revocation"]);
    expect(drafts).toEqual([]);
  });

  it("is a certificate that has ended, or begins tomorrow", async () => {
    const host = await hostNamed();
    const day = 86_400;
    for (const shift of [-91 * day, 2 * day]) {
      const order = { workspace: WORKSPACE, host, request: await keyRequest(), now: now() - shift };
      expect(await issueCertificate(order, { db, authority, append })).toBe("authority");
    }
    expect(drafts).toEqual([]);
  });
});

describe("a ledger that cannot be written", () => {
  it("means no certificate, also at the provider", async () => {
    const host = await hostNamed();
    isLedgerFull = true;
    expect(await issue(host)).toBe("ledger");
    expect([...api.kept.values()].map(({ status }) => status)).toEqual(["pending_revocation"]);
    expect(await standingCertificates(db, { workspace: WORKSPACE, host })).toEqual([]);
  });
});

describe("which authority it is", () => {
  const managed = { CLIENT_CERTIFICATE_ZONES: JSON.stringify(ZONES), CLIENT_CERTIFICATE_TOKEN: TOKEN };
  const own = { AGENT_CA_KEY: "key", AGENT_CA_CERT: "certificate" };

  it("is the configured one", () => {
    expect(() => authorityOf(managed)).not.toThrow();
    expect(() => authorityOf(own)).not.toThrow();
  });

  it.each([
    ["none", {}],
    ["both", { ...managed, ...own }],
    ["half of one", { AGENT_CA_KEY: "key" }],
    ["zones without a token", { CLIENT_CERTIFICATE_ZONES: managed.CLIENT_CERTIFICATE_ZONES }],
    ["a token without zones", { CLIENT_CERTIFICATE_TOKEN: TOKEN, ...own }],
    ["no list", { ...managed, CLIENT_CERTIFICATE_ZONES: ZONES[0] }],
    ["an empty list", { ...managed, CLIENT_CERTIFICATE_ZONES: "[]" }],
    ["a name instead of an id", { ...managed, CLIENT_CERTIFICATE_ZONES: '["example.com"]' }],
    ["a zone twice", { ...managed, CLIENT_CERTIFICATE_ZONES: JSON.stringify([ZONES[0], ZONES[0]]) }],
  ])("is never guessed: %s", (_what, configured) => {
    expect(() => authorityOf(configured)).toThrow(TypeError);
  });
});
