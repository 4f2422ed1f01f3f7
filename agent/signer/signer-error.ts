/**
 * What can stop a signer from starting, as a closed list of codes. The message is for a person: what happened, why, and
 * what to type next. It never holds a secret.
 */

export type SignerErrorCode =
  | "authority_unusable"
  | "certificate_exposed"
  | "certificate_unusable"
  | "edge_address"
  | "edge_ambiguous"
  | "memory_damaged"
  | "memory_exposed"
  | "token_exposed"
  | "token_unusable"
  | "workspace_unknown";

export class SignerError extends Error {
  override readonly name = "SignerError";
  readonly code: SignerErrorCode;

  constructor(code: SignerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
