/** The host asks for its next certificate, and takes none that it did not ask for. The edge here says anything. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority, type KeyPair } from "../../../../agent/edge/certificates.ts";
import { makeCertificateRequest } from "../../../../agent/host/link/certificate-request.ts";
import { TunnelViolation } from "../../../../agent/host/warden/connection.ts";
import type { CertificateKeeper } from "../../../../agent/host/warden/renewal.ts";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { CERTIFICATE_RETRY_SECONDS } from "../../../../protocol/limits.ts";
import { renewAt, type CertificateTerm } from "../../../../protocol/renewal.ts";
import { verifySignature } from "../../../../protocol/signing.ts";
import { certificateRequestCodec, type CertificateRequest } from "../../../../protocol/tunnel.ts";
import { CERT_FINGERPRINT } from "../../../fixtures/command.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { NOW } from "../../../fixtures/workspace.ts";
import { issueFor } from "../link/scripted-edge.ts";
import { Rig, until, worldOfForeignKey, type RigOptions } from "./rig.ts";

const DAY = 86_400;
/** Due since yesterday. */
const OLD = { fingerprint: CERT_FINGERPRINT, from: NOW - 62 * DAY, until: NOW + 28 * DAY };
const FRESH: CertificateTerm = { from: NOW - 300, until: NOW + 90 * DAY };

let agents: KeyPair;
let rig: Rig;
let inUse: ReturnType<CertificateKeeper["inUse"]>;
let kept: { publicKey: Uint8Array; certificate: string }[];
let hasNewer: boolean;
let retries: number;
let diskError: Error | undefined;

beforeAll(async () => {
  agents = await makeAuthority("agents", new Date());
});
beforeEach(() => {
  inUse = OLD;
  kept = [];
  hasNewer = false;
  retries = 0;
  diskError = undefined;
});
afterEach(async () => {
  expect(rig.faults).toEqual([]);
  await rig.close();
});

const certificates: CertificateKeeper = {
  inUse: () => inUse,
  makeRequest: makeCertificateRequest,
  keep: (pair) => {
    if (diskError !== undefined) throw diskError;
    kept.push(pair);
  },
  retry: () => {
    if (hasNewer) retries += 1;
    return hasNewer;
  },
};

async function welcomed(options: RigOptions = {}): Promise<void> {
  rig = await Rig.open({ certificates, ...options });
  await rig.welcome();
}

const requests = () => rig.sent.flatMap((frame) => (frame.kind === "certificate-request" ? [frame.signed] : []));

/** Ticks, and waits for the request that follows. */
async function asked(): Promise<CertificateRequest> {
  const before = requests().length;
  rig.warden.tick();
  await until(() => requests().length > before);
  return certificateRequestCodec.decode(fromBase64url(requests().at(-1)?.body ?? ""));
}

/** Ticks where nothing is to follow. */
async function quiet(): Promise<void> {
  const before = requests().length;
  rig.warden.tick();
  for (let turn = 0; turn < 3; turn += 1) await makeCertificateRequest("as long as it takes");
  expect(requests()).toHaveLength(before);
}

const answer = (certificate: string): Promise<void> => rig.receive({ kind: "certificate", certificate });

async function issued(request: CertificateRequest, term = FRESH): Promise<string> {
  return toBase64url(await issueFor(fromBase64url(request.csr), agents, term));
}

async function violation(work: Promise<void>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof TunnelViolation ? error.code : "none";
}

describe("a certificate that is due", () => {
  it("is asked for with the host key, for this tunnel, and with a new key that proves itself", async () => {
    await welcomed();
    const request = await asked();
    const [{ body, signature } = { body: "", signature: "" }] = requests();
    const { publicKey } = rig.context.keys.hostKey;
    const kind = "certificate-request";
    expect(await verifySignature({ kind, body: fromBase64url(body), signature, publicKey })).toBe(true);
    const { workspace, host } = rig.world;
    expect(request).toMatchObject({ workspace, host });
    const csr = new x509.Pkcs10CertificateRequest(fromBase64url(request.csr));
    expect(await csr.verify()).toBe(true);
    expect(csr.subject).toBe(`CN=${host}`);
  });

  it("comes for the key that was asked for, and is handed to the link with that key", async () => {
    await welcomed();
    const request = await asked();
    await answer(await issued(request));
    expect(kept).toHaveLength(1);
    const { publicKey, certificate } = kept[0] ?? expect.fail("nothing kept");
    expect(new Uint8Array(new x509.X509Certificate(certificate).publicKey.rawData)).toEqual(publicKey);
    expect(rig.tunnel.isWelcomed()).toBe(true);
  });

  it("is asked for at its own time, not a second before, and not without a tunnel or an admission", async () => {
    const at = renewAt(OLD, OLD.fingerprint);
    await welcomed();
    rig.clock.wallMilliseconds = (at - 1) * 1_000;
    await quiet();
    rig.clock.wallMilliseconds = at * 1_000;
    await asked();
    await rig.close();
    rig = await Rig.open({ certificates });
    await quiet();
    await rig.welcome();
    await asked(); // nothing was used up by the attempt before
    await rig.close();
    await welcomed({ world: await worldOfForeignKey() });
    await quiet();
  });

  it("is asked for once an hour, each time with another key, whatever the edge says", async () => {
    await welcomed();
    const first = await asked();
    await rig.receive({ kind: "certificate-refused", code: "quota" });
    expect(rig.logged).toContainEqual({ event: "certificate_refused", code: "quota" });
    expect(rig.warden.standing().certificateRefusal).toBe("quota");
    rig.clock.advance(CERTIFICATE_RETRY_SECONDS - 1);
    await quiet();
    rig.clock.advance(1);
    const second = await asked();
    expect(second.csr).not.toBe(first.csr);
    rig.clock.advance(CERTIFICATE_RETRY_SECONDS);
    const third = await asked(); // the second was never answered
    await answer(await issued(third));
    expect(rig.warden.standing().certificateRefusal).toBeUndefined();
    expect(kept).toHaveLength(1);
  });

  it("is not asked for while a newer pair waits to be welcomed: that one is dialled with again", async () => {
    hasNewer = true;
    await welcomed();
    await quiet();
    expect(retries).toBe(1);
    await quiet();
    expect(retries).toBe(1);
  });

  it("is asked for again after a full disk, and the tunnel stays", async () => {
    await welcomed();
    diskError = Object.assign(new Error("no space"), { code: "ENOSPC" });
    await answer(await issued(await asked()));
    expect(rig.logged).toContainEqual({ event: "certificate_not_written" });
    diskError = undefined;
    rig.clock.advance(CERTIFICATE_RETRY_SECONDS);
    await answer(await issued(await asked()));
    expect(kept).toHaveLength(1);
  });
});

describe("an edge that lies about certificates", () => {
  it("gets none for another key in, nor what is no certificate", async () => {
    await welcomed();
    await asked();
    const { csr } = await makeCertificateRequest("the edge's own");
    expect(await violation(answer(toBase64url(await issueFor(csr, agents, FRESH))))).toBe("foreign_certificate");
    rig.clock.advance(CERTIFICATE_RETRY_SECONDS);
    await rig.welcome();
    await asked();
    expect(await violation(answer(nonceOf("noise")))).toBe("foreign_certificate");
    expect(kept).toEqual([]);
  });

  it.each([
    ["that has ended", { from: NOW - 90 * DAY, until: NOW - 1 }],
    ["that is due again at once", { from: NOW - 300, until: NOW + 3_000 }],
    ["of tomorrow", { from: NOW + DAY, until: NOW + 90 * DAY }],
  ])("gets none in %s", async (_which, term) => {
    await welcomed();
    expect(await violation(answer(await issued(await asked(), term)))).toBe("foreign_certificate");
    expect(kept).toEqual([]);
  });

  it("closes its tunnel by answers that nobody asked for, or a second time, or to an earlier tunnel", async () => {
    await welcomed();
    expect(await violation(answer(nonceOf("unasked")))).toBe("out_of_order");
    expect(await violation(rig.receive({ kind: "certificate-refused", code: "not_due" }))).toBe("out_of_order");
    await rig.welcome();
    const certificate = await issued(await asked());
    await answer(certificate);
    expect(await violation(answer(certificate))).toBe("out_of_order");
    rig.clock.advance(CERTIFICATE_RETRY_SECONDS);
    await rig.welcome();
    const late = await issued(await asked());
    await rig.welcome();
    expect(await violation(answer(late))).toBe("out_of_order");
    expect(kept).toHaveLength(1);
  });

  it("cannot answer before it has proven itself", async () => {
    await welcomed();
    const certificate = await issued(await asked());
    rig.tunnel = rig.connect();
    await rig.challenge();
    expect(await violation(answer(certificate))).toBe("out_of_order");
    expect(kept).toEqual([]);
  });
});

describe("the certificate that a tunnel was dialled with", () => {
  it("is the one that the edge must name, whatever was in use when the agent started", async () => {
    await welcomed();
    const renewed = "ab".repeat(32);
    rig.tunnel = rig.connect(renewed);
    const hello = await rig.challenge();
    await rig.receive({ kind: "trust", page: rig.page() });
    const old = await rig.signWelcome(hello);
    expect(await violation(rig.receive({ kind: "welcome", signed: old }))).toBe("edge_unproven");
    rig.tunnel = rig.connect(renewed);
    const again = await rig.challenge();
    await rig.receive({ kind: "welcome", signed: await rig.signWelcome(again, { certFingerprint: renewed }) });
    expect(rig.tunnel.isWelcomed()).toBe(true);
    expect(again.hostBoot).toBe(hello.hostBoot);
  });

  it("is the one that a command's dispatch must name, and challenges live on", async () => {
    await welcomed();
    const command = await rig.command();
    const renewed = "ab".repeat(32);
    rig.tunnel = rig.connect(renewed);
    const hello = await rig.challenge();
    await rig.receive({ kind: "welcome", signed: await rig.signWelcome(hello, { certFingerprint: renewed }) });
    await rig.deliver(command.bytes); // dispatched for the certificate before
    expect(rig.gateway.restarts).toBe(0);
    await rig.welcome();
    await rig.deliver(command.bytes);
    expect(rig.lastReceipt()).toMatchObject({ intent: command.digest, verdict: "executed" });
  });
});
