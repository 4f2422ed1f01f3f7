/**
 * The gateway's shared secret as an opaque value. It may leave only through `reveal`, which the handshake calls; every
 * way in which a value gets printed by accident (JSON, string templates, the inspector) shows a placeholder.
 */
import { inspect } from "node:util";

export type CredentialKind = "token" | "password";

/** Longer than any sane secret; a larger one is a mistaken file. */
export const MAX_SECRET_CHARACTERS = 4_096;

export class GatewayCredential {
  readonly kind: CredentialKind;
  readonly #secret: string;

  constructor(kind: CredentialKind, secret: string) {
    if (secret.length === 0 || secret.length > MAX_SECRET_CHARACTERS) {
      throw new TypeError("a gateway credential has between 1 and 4096 characters");
    }
    this.kind = kind;
    this.#secret = secret;
  }

  reveal(): string {
    return this.#secret;
  }

  toString(): string {
    return "[gateway credential]";
  }

  toJSON(): string {
    return "[gateway credential]";
  }

  [inspect.custom](): string {
    return "[gateway credential]";
  }
}
