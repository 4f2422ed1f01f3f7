/**
 * Reads files that hold keys or decide what the host obeys. A file that another user could have read or changed is
 * refused, never tidied up: by then the damage may be done.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { systemCode } from "../shared/edge-error.ts";
import { HostError } from "./host-error.ts";

/** State files are a few KB; the trust log and the journal have their own reader. */
const MAX_PRIVATE_FILE_BYTES = 262_144;

/** To nobody else; or to be read by everybody, and changed by nobody else. */
const FORBIDDEN = { private: 0o077, shown: 0o022 } as const;

/**
 * The text, or undefined when there is no such file. Checks and reading share one descriptor. `shown`: it holds no secret, and
 * other users of an installed host may read it.
 */
export function readPrivateFile(path: string, kind: keyof typeof FORBIDDEN = "private"): string | undefined {
  let fd: number;
  try {
    // A pipe in its place would hold up whoever reads until somebody writes.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") throw exposed(path, "it is a symbolic link");
    throw error;
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile() || facts.size > MAX_PRIVATE_FILE_BYTES) {
      throw new HostError(
        "state_damaged",
        `${path} is not a file that this program wrote. Restore it from a backup, or type clawhold trust reset and join this machine anew.`,
      );
    }
    if ((facts.mode & FORBIDDEN[kind]) !== 0) throw exposed(path, "other users can read it");
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function exposed(path: string, why: string): HostError {
  return new HostError(
    "state_exposed",
    `${path} is not private: ${why}. If you trust what happened meanwhile, replace it by a plain file and type: chmod 600 ${path}`,
  );
}
