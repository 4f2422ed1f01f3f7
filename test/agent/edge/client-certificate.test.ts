import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { makeAuthority } from "../../../agent/edge/certificates.ts";
import { judgeClient } from "../../../agent/edge/client-certificate.ts";
import { issueClient } from "./fixtures/client-certificates.ts";

const authority = await makeAuthority("agents", new Date());
const client = await issueClient(authority, { name: "CN=höst-1, O=Claw" });

/** Only what a judgement may look at. */
function socketWith(overrides: { readonly authorized?: boolean; readonly reused?: boolean } = {}): TLSSocket {
  return {
    getPeerX509Certificate: () => new X509Certificate(client.cert),
    isSessionReused: () => overrides.reused ?? false,
    authorized: overrides.authorized ?? true,
  } as unknown as TLSSocket;
}

const judge = (socket: TLSSocket): ReturnType<typeof judgeClient> =>
  judgeClient(socket, new X509Certificate(authority.certificate), new Date());

describe("the judgement of a client certificate", () => {
  it("describes it in Cloudflare's shape", () => {
    expect(judge(socketWith())).toEqual({
      verified: true,
      clientAuth: {
        certPresented: "1",
        certVerified: "SUCCESS",
        certRevoked: "0",
        certFingerprintSHA256: client.fingerprint,
        certSerial: "01ABCDEF",
        certNotBefore: expect.stringMatching(/ GMT$/),
        certNotAfter: expect.stringMatching(/ GMT$/),
        certSubjectDN: expect.stringMatching(/^O=Claw,CN=h/),
        certIssuerDN: "CN=agents",
      },
    });
    expect(client.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it("needs OpenSSL's verdict too", () => {
    expect(judge(socketWith({ authorized: false }))).toEqual({ verified: false, code: "certificate_untrusted" });
  });

  it("refuses a resumed session", () => {
    expect(judge(socketWith({ reused: true }))).toEqual({ verified: false, code: "certificate_untrusted" });
  });
});
