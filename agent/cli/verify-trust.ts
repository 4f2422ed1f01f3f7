/** What `clawhold verify` and `clawhold audit check` hold a file's trust log against. Reads files; asks nobody. */
import { readFileSync, statSync } from "node:fs";
import { fromBase64url, utf8 } from "../../protocol/bytes.ts";
import { digestOf } from "../../protocol/signing.ts";
import { MAX_TRUST_FILE_BYTES, readTrustFile, type HeldTrust } from "../host/trust-file.ts";
import { isRoot, type TrustItem } from "../host/warden/trust-replay.ts";
import { systemCode } from "../shared/edge-error.ts";
import type { TrustMark } from "../verify/trust-mark.ts";
import { CliError, usageError } from "./io.ts";

/** Place and digest, as `clawhold verify` prints them. */
const HEAD = /^(?:0|[1-9]\d{0,14})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

/** `given`: a head, or a file that `clawhold trust export` wrote. @throws {CliError} */
export function trustMarkOf(given: string): TrustMark {
  const head = HEAD.exec(given)?.[1];
  return head === undefined ? readTrustFile(readBytes(given)).map(digestOfItem) : [head];
}

/** Everything that this host holds. */
export function trustMarkOfHost({ lines }: HeldTrust): TrustMark {
  return lines.length === 0 ? [] : readTrustFile(utf8(lines.join("\n"))).map(digestOfItem);
}

function digestOfItem(item: TrustItem): string {
  return isRoot(item)
    ? digestOf("root", fromBase64url(item.root))
    : digestOf("statement", fromBase64url(item.statement));
}

function readBytes(path: string): Uint8Array {
  try {
    if (statSync(path).size > MAX_TRUST_FILE_BYTES) throw usageError(`${path} is too large for a trust log.`);
    return readFileSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || error instanceof CliError) throw error;
    throw usageError(
      `${path} cannot be read (${code}). Give --trust-head a head such as 12.<digest>, or a file that clawhold trust export wrote.`,
    );
  }
}
