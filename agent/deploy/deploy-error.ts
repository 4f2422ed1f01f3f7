/** What can stop a deployment, as a closed list of codes. The message is for a person; it never holds a secret. */

export type DeployErrorCode =
  | "bots_fight"
  | "busy"
  | "bundle_unusable"
  | "cloudflare_fault"
  | "config_unusable"
  | "hostname_taken"
  | "not_confirmed"
  | "quota"
  | "record_damaged"
  | "refused"
  | "routes_overlap"
  | "rules_full"
  | "secret_lost"
  | "team_missing"
  | "token_exposed"
  | "token_permission"
  | "token_unusable"
  | "unreachable"
  | "verify_failed"
  | "worker_taken"
  | "zone_inactive"
  | "zone_unknown";

export class DeployError extends Error {
  override readonly name = "DeployError";
  readonly code: DeployErrorCode;

  constructor(code: DeployErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
