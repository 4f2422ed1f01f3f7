/** A connection that did not come about, by a code that explain.ts has a sentence for. Holds no address and no secret. */
export type DialCode =
  | "ECONNRESET"
  | "ETIMEDOUT"
  | "protocol"
  | "proxy_credentials" // the proxy wants others
  | "proxy_invalid" // HTTPS_PROXY holds no address
  | "proxy_refused" // it does not let us through
  | "proxy_unreachable";

export class DialError extends Error {
  override readonly name = "DialError";
  readonly code: DialCode;
  constructor(code: DialCode) {
    super(code);
    this.code = code;
  }
}
