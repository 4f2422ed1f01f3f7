/**
 * What can stop the local edge from starting or serving, as a closed list of codes.
 * The message is for a person: what happened, why, and what to type next. It never holds a secret.
 */

export type EdgeErrorCode =
  | "address_unavailable"
  | "admin_failed"
  | "bind_public"
  | "bind_refused"
  | "backup_absent"
  | "backup_damaged"
  | "backup_exists"
  | "backup_place"
  | "backup_slow"
  | "browser_certificates"
  | "bundle_missing"
  | "data_foreign"
  | "data_newer"
  | "data_permissions"
  | "data_unreadable"
  | "few_open_files"
  | "key_waiting"
  | "keys_damaged"
  | "lock_tool_missing"
  | "locked"
  | "metrics_address"
  | "migration_failed"
  | "port_forbidden"
  | "port_taken"
  | "restore_occupied"
  | "runtime_failed"
  | "runtime_missing"
  | "tls_files";

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
