/** What can happen to a host while its certificate is being signed elsewhere, which takes seconds. */
import { beforeEach, describe, expect, it } from "vitest";
import { authorityOf, type CertificateAuthority } from "../../../durable-objects/certificates/authority.ts";
import { openDatabase } from "../../../durable-objects/db/database.ts";
import {
  markCertificatesRevoked,
  saveCertificate,
  standingCertificates,
} from "../../../durable-objects/db/certificate-rows.ts";
import { saveHost } from "../../../durable-objects/db/host-rows.ts";
import { Certificates } from "../../../durable-objects/host/certificates.ts";
import type { OpenTunnel } from "../../../durable-objects/host/delivery.ts";
import type { HostStore } from "../../../durable-objects/host/store.ts";
import { toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import type { LedgerDraft } from "../../../protocol/ledger.ts";
import { inwardFrames, type InwardFrame } from "../../../protocol/tunnel.ts";
import { hostIdOf } from "../../../protocol/words.ts";
import { makeCsr } from "../../fixtures/edge/host-peer.ts";
import { nonceOf, signed, signerOf } from "../../fixtures/keys.ts";
import { env } from "../../worker/environment.ts";

const DAY = 86_400;
const workspace = nonceOf("workspace");
const tunnel = nonceOf("tunnel");
const db = openDatabase(env.DB);
const now = Math.floor(Date.now() / 1_000);

let sign: CertificateAuthority["sign"];
let isAdmitted: boolean;
let drafts: LedgerDraft[];
let said: InwardFrame[];
let closed: number[];
let count = 0;

beforeEach(() => {
  sign = (order) => authorityOf(env).sign(order);
  isAdmitted = true;
  drafts = [];
  said = [];
  closed = [];
});

interface Desk {
  readonly host: string;
  readonly fingerprint: string;
  /** Asks with a fresh key. */
  ask(): Promise<void>;
}

async function desk(): Promise<Desk> {
  const key = await signerOf(`host ${String((count += 1))}`);
  const host = hostIdOf(key.publicKey);
  const fingerprint = String(count).padStart(64, "0");
  const row = { workspace, host, hostKey: key.publicKey, cosignKey: key.publicKey, label: "x", colocated: false };
  await saveHost(db, { ...row, joinedAt: 1, joinBody: null, joinSignature: null });
  const term = { validFrom: now - 61 * DAY, validUntil: now + 29 * DAY, issuedAt: 1, usedAt: 1 };
  const kept = { keyDigest: null, revokedAt: null, zone: null, reference: null, toldAt: null };
  await saveCertificate(db, { fingerprint, workspace, host, ...term, ...kept });
  const latest = new Map<string, string>();
  const append = (draft: LedgerDraft) => Promise.resolve(drafts.push(draft)).then(() => ({ index: 1, hash: "" }));
  const certificates = new Certificates({
    store: {
      latest: (name) => latest.get(name),
      setLatest: (name, value) => void latest.set(name, value),
    } as HostStore,
    db,
    authority: () => ({ sign, revoke: () => Promise.resolve(true) }),
    books: { append, appendLater: (draft) => append(draft).then(() => undefined) },
    isAdmitted: () => Promise.resolve(isAdmitted),
  });
  const open = {
    socket: {
      send: (text: string) => said.push(inwardFrames.decode(text)),
      close: (code: number) => closed.push(code),
    },
    attachment: { workspace, host, hostKey: key.publicKey, certFingerprint: fingerprint, tunnel },
  } as unknown as OpenTunnel;
  return {
    host,
    fingerprint,
    async ask() {
      const body = encodeCanonical({ v: 1, workspace, host, tunnel, csr: toBase64url(await makeCsr()) });
      await certificates.request(open, await signed(key, "certificate-request", body));
    },
  };
}

const standing = async ({ host }: Desk): Promise<readonly string[]> =>
  (await standingCertificates(db, { workspace, host })).map(({ fingerprint }) => fingerprint);

describe("while a certificate is being signed", () => {
  it("a host that is removed gets none, and what was signed is revoked", async () => {
    const host = await desk();
    sign = (order) => {
      isAdmitted = false;
      return authorityOf(env).sign(order);
    };
    await host.ask();
    expect(said).toEqual([{ kind: "certificate-refused", code: "not_admitted" }]);
    expect(await standing(host)).toEqual([host.fingerprint]);
    expect(drafts.map(({ action }) => action)).toEqual(["certificate.issued", "certificate.revoked"]);
  });

  it("a host whose certificate is taken away gets none, and what was signed is revoked", async () => {
    const host = await desk();
    sign = async (order) => {
      await markCertificatesRevoked(db, [host.fingerprint], now);
      return authorityOf(env).sign(order);
    };
    await host.ask();
    expect([said, closed]).toEqual([[], [4003]]);
    expect(await standing(host)).toEqual([]);
    expect(drafts.map(({ action }) => action)).toEqual(["certificate.issued", "certificate.revoked"]);
  });

  it("a second request is refused, and does not end the first", async () => {
    const host = await desk();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    sign = async (order) => {
      await held;
      return authorityOf(env).sign(order);
    };
    const first = host.ask();
    await host.ask();
    expect(said).toEqual([{ kind: "certificate-refused", code: "too_often" }]);
    release();
    await first;
    expect(said.map(({ kind }) => kind)).toEqual(["certificate-refused", "certificate"]);
    expect(await standing(host)).toHaveLength(2);
  });

  it.each(["quota", "authority"] as const)("what the authority says is said to the host: %s", async (code) => {
    const host = await desk();
    sign = () => Promise.resolve(code);
    await host.ask();
    expect(said).toEqual([{ kind: "certificate-refused", code }]);
    expect([drafts, await standing(host)]).toEqual([[], [host.fingerprint]]);
  });
});
