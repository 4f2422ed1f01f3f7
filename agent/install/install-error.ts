/** What can stop an installation, as a closed list of codes. The message is for a person: what happened, and what to do. */

export type InstallErrorCode =
  | "already_newer" // an older version than the one that is installed
  | "foreign" // something of somebody else's is in the way
  | "not_installed"
  | "not_root"
  | "release_changed" // the same version with other content
  | "release_damaged"
  | "step_failed"
  | "workspace_other";

export class InstallError extends Error {
  override readonly name = "InstallError";
  readonly code: InstallErrorCode;

  constructor(code: InstallErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
