/** What stops an automation run, for the person who reads the log of a pipeline. Never holds a secret. */

export type AutomationErrorCode =
  | "key_exposed"
  | "key_file"
  | "edge_unreachable"
  | "edge_answer"
  | "refused"
  | "trust"
  | "host_unknown"
  | "not_granted";

export class AutomationError extends Error {
  override readonly name = "AutomationError";
  readonly code: AutomationErrorCode;
  /** The edge's or the host's own code, where it was them. */
  readonly detail: string | undefined;

  constructor(code: AutomationErrorCode, message: string, detail?: string) {
    super(message);
    this.code = code;
    this.detail = detail;
  }
}
