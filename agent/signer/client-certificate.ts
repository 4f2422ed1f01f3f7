/**
 * The certificate with which this machine passes an edge that lets in only those it gave one to: a file of its owner
 * with certificate and key. A filter like a service token: whoever passes it may still do nothing.
 */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { readOwnerFile } from "./owner-file.ts";
import { SignerError } from "./signer-error.ts";

export class ClientCertificate {
  // Private, so that a value printed by mistake shows nothing.
  readonly #pem: string;

  constructor(pem: string) {
    this.#pem = pem;
  }

  /** For a TLS connection to the edge it was given for. */
  tls(): { readonly cert: string; readonly key: string } {
    return { cert: this.#pem, key: this.#pem };
  }
}

/** @throws {SignerError} `certificate_exposed`, `certificate_unusable` */
export function readClientCertificate(path: string, uid: number): ClientCertificate {
  const file = readOwnerFile(path, uid);
  switch (file.kind) {
    case "text":
      return parse(path, file.text);
    case "exposed":
      throw new SignerError(
        "certificate_exposed",
        `The certificate in ${path} is not used: ${file.why}. Revoke it on the edge's machine and make a new one, in a file of your own: chmod 600 ${path}`,
      );
    case "foreign":
      throw unusable(path, file.why);
    case "absent":
      throw unusable(path, "there is no such file");
  }
}

function parse(path: string, text: string): ClientCertificate {
  let isPair: boolean;
  try {
    isPair = new X509Certificate(text).checkPrivateKey(createPrivateKey(text));
  } catch {
    throw unusable(path, "it does not hold a certificate and its key in PEM form"); // the parser's words may quote the key
  }
  if (!isPair) throw unusable(path, "its key belongs to another certificate");
  return new ClientCertificate(text);
}

function unusable(path: string, why: string): SignerError {
  return new SignerError(
    "certificate_unusable",
    `No client certificate can be taken from ${path}: ${why}. Have one made on the edge's machine with: clawhold up browser-certificate --pem`,
  );
}
