/**
 * What can stop the local edge from starting or serving, as a closed list of codes.
 * The message is for a person: what happened, why, and what to type next. It never holds a secret.
 */

export type EdgeErrorCode =
  | "address_unavailable"
  | "admin_failed"
  | "bundle_missing"
  | "data_foreign"
  | "data_newer"
  | "data_permissions"
  | "data_unreadable"
  | "keys_damaged"
  | "lock_tool_missing"
  | "locked"
  | "migration_failed"
  | "port_forbidden"
  | "port_taken"
  | "runtime_failed"
  | "runtime_missing";

export class EdgeError extends Error {
  override readonly name = "EdgeError";
  readonly code: EdgeErrorCode;

  constructor(code: EdgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The code of a system error (`ENOENT`, ...), or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
