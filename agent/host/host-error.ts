/**
 * What can stop the agent from joining, starting or running, as a closed list of codes. The message is for a person:
 * what happened, why, and what to type next. It never holds a secret.
 */

export type HostErrorCode =
  | "deny_list" // the local deny list cannot be trusted or read
  | "edge_certificate" // the edge's certificate does not verify
  | "edge_fingerprint" // the edge shows another authority than the join file names
  | "edge_unreachable"
  | "clock" // this machine's clock disagrees with the edge's certificates
  | "host_reset" // somebody let this host forget whom it obeys
  | "join_file" // what was given is not a join file
  | "join_refused"
  | "join_token" // wrong, used or expired
  | "joined_elsewhere" // this state belongs to another workspace
  | "journal_damaged"
  | "not_joined"
  | "not_started_by_systemd" // one of the three processes of an installed host, typed by hand
  | "session_ends_damaged"
  | "state_damaged"
  | "state_exposed" // others can read or change our files
  | "trust_damaged"
  | "trust_file" // what was given is not a trust log
  | "witness_damaged"
  | "workspace_typed"; // the join file is for another workspace than the one that was typed, or none was

export class HostError extends Error {
  override readonly name = "HostError";
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
