/** A file of trust statements, bounded before it is read. Judges nothing of what it says. */
import { readFileSync, statSync } from "node:fs";
import { MAX_TRUST_FILE_BYTES } from "../host/trust-file.ts";
import { systemCode } from "../shared/edge-error.ts";
import { CliError, usageError } from "./io.ts";

/** `next`: what to do when it cannot be read. @throws {CliError} */
export function readTrustBytes(path: string, next: string): Uint8Array {
  try {
    if (statSync(path).size > MAX_TRUST_FILE_BYTES) throw usageError(`${path} is too large for a trust log.`);
    return readFileSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || error instanceof CliError) throw error;
    throw usageError(`${path} cannot be read (${code}). ${next}`);
  }
}
