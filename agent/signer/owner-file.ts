/**
 * Reads files that only their owner may have touched: what a signer remembers, and the secret that it shows to Access.
 * Says why a file is not such a one; repairs nothing, because by then somebody may have read or changed it.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { systemCode } from "../shared/edge-error.ts";

export type OwnerFile =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "absent" }
  | { readonly kind: "exposed"; readonly why: string }
  | { readonly kind: "foreign"; readonly why: string };

/** A few hundred bytes each; more is another file. */
const MAX_OWNER_FILE_BYTES = 8_192;

/** Checks and reading share one descriptor, so that nobody exchanges the file in between. */
export function readOwnerFile(path: string, uid: number): OwnerFile {
  let fd: number;
  try {
    // O_NONBLOCK: a named pipe in the place of the file must not hold the program.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    if (code === "ENOENT") return { kind: "absent" };
    if (code === "ELOOP") return { kind: "exposed", why: "it is a symbolic link" };
    return { kind: "foreign", why: `it cannot be read (${code})` };
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) return { kind: "foreign", why: "it is not a plain file" };
    if (facts.uid !== uid) return { kind: "exposed", why: "it belongs to another user" };
    if ((facts.mode & 0o077) !== 0) return { kind: "exposed", why: "other users may open it" };
    if (facts.size > MAX_OWNER_FILE_BYTES) return { kind: "foreign", why: "it is too large" };
    return { kind: "text", text: readFileSync(fd, "utf8") };
  } finally {
    closeSync(fd);
  }
}
