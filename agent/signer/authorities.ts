/**
 * Who may vouch for an https edge: the authorities of this system, of Node, and of NODE_EXTRA_CA_CERTS; or, where a person
 * named a file, those in the file and nobody else.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { systemCode } from "../shared/edge-error.ts";
import { SignerError } from "./signer-error.ts";

/** @throws {SignerError} `authority_unusable` */
export function readAuthorities(path: string | undefined): readonly string[] {
  if (path === undefined) return [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
  const found = read(path).match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw unusable(path, "it holds no certificate");
  for (const pem of found) {
    try {
      // Parsed here, where it has a name: at the first connection it would be nobody's fault.
      void new X509Certificate(pem).fingerprint256;
    } catch (error) {
      throw unusable(path, "one of its certificates is damaged", error);
    }
  }
  return found;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw unusable(path, `it cannot be read (${code})`, error);
  }
}

function unusable(path: string, why: string, cause?: unknown): SignerError {
  return new SignerError(
    "authority_unusable",
    `No certificate authority can be taken from ${path}: ${why}. Give --ca a file with its certificate in PEM form.`,
    { cause },
  );
}
