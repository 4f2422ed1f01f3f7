/**
 * What can go wrong between us and a gateway, as a closed list. A fault never carries the gateway's own words: the
 * gateway is hostile, and its error texts may quote messages, paths or secrets. Only a bounded, upper-case code of
 * its own survives, for the log.
 */

export const gatewayFaults = [
  "unreachable", // nothing answers there
  "starting", // it answers and says that it is not ready yet
  "timeout", // it took longer than a gateway takes
  "closed", // the connection ended while we waited
  "unauthorized", // it does not accept our device or token
  "scope", // it accepts our device token, but not for what we ask
  "unsupported", // it speaks another protocol version
  "refused", // it answered our request with an error
  "hostile", // it broke the protocol or one of our limits
  "busy", // we already wait for as many answers as we allow
  "foreign", // the port belongs to an operating system user who does not own the configuration
] as const;

export type GatewayFault = (typeof gatewayFaults)[number];

export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly fault: GatewayFault;
  /** The fault, and behind a dot the gateway's own code (capitals and underscores, at most 35): safe to log. */
  readonly code: string;

  constructor(fault: GatewayFault, detail?: string) {
    const code = detail === undefined ? fault : `${fault}.${detail}`;
    super(`gateway: ${code}`);
    this.fault = fault;
    this.code = code;
  }
}

const authorizationCodes = new Set([
  "AUTH_TOKEN_MISMATCH",
  "AUTH_TOKEN_MISSING",
  "AUTH_DEVICE_TOKEN_MISMATCH",
  "AUTH_PASSWORD_MISMATCH",
  "AUTH_PASSWORD_MISSING",
  "AUTH_IDENTITY_HEADER_REQUIRED",
  "AUTH_RATE_LIMITED",
  "AUTH_REQUIRED",
  "AUTH_UNAUTHORIZED",
  "DEVICE_IDENTITY_REQUIRED",
  "DEVICE_AUTH_SIGNATURE_INVALID",
  "PAIRING_REQUIRED",
]);

/** Maps the code of a refused `connect`. Everything unknown is `refused`: we never guess that a refusal is harmless. */
export function faultOfConnect(code: string | undefined, detail: string | undefined): GatewayFault {
  if (detail === "PROTOCOL_MISMATCH" || code === "PROTOCOL_MISMATCH") return "unsupported";
  if (detail === "AUTH_SCOPE_MISMATCH") return "scope";
  const named = detail ?? code ?? "";
  if (authorizationCodes.has(named) || named.startsWith("AUTH_") || named.startsWith("DEVICE_AUTH_"))
    return "unauthorized";
  if (authorizationCodes.has(code ?? "") || code === "NOT_PAIRED" || code === "UNAUTHORIZED") return "unauthorized";
  return code === "UNAVAILABLE" ? "starting" : "refused";
}
