import "reflect-metadata";
import { createPublicKey } from "node:crypto";
import { Pkcs10CertificateRequest } from "@peculiar/x509";
import { describe, expect, it } from "vitest";
import { makeCertificateRequest } from "../../../../agent/host/link/certificate-request.ts";

describe("a request for a client certificate", () => {
  it.each(["h-6jmkfb8gsicysx58glwm", "h", "h".repeat(120), "h".repeat(300)])(
    "reads as PKCS#10 for %s",
    async (host) => {
      const { key, csr } = await makeCertificateRequest(host);
      const request = new Pkcs10CertificateRequest(new Uint8Array(csr));
      expect(await request.verify()).toBe(true);
      expect(request.subject).toBe(`CN=${host}`);
      expect(request.attributes).toEqual([]);
      expect(request.publicKey.algorithm).toMatchObject({ name: "ECDSA", namedCurve: "P-256" });
      const own = createPublicKey(key).export({ type: "spki", format: "der" });
      expect(Buffer.from(request.publicKey.rawData)).toEqual(own);
      expect(Buffer.from(request.rawData)).toEqual(Buffer.from(csr)); // nothing is read in another way than it was written
    },
  );

  it("is for another key each time", async () => {
    const [one, two] = [await makeCertificateRequest("h-one"), await makeCertificateRequest("h-one")];
    expect(one.key).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(one.key).not.toBe(two.key);
  });
});
