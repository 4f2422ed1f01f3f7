/** What `clawhold verify` and `clawhold audit check` hold a file's trust log against. Reads files; asks nobody. */
import { fromBase64url, utf8 } from "../../protocol/bytes.ts";
import { digestOf } from "../../protocol/signing.ts";
import { readTrustFile, type HeldTrust } from "../host/trust-file.ts";
import { isRoot, type TrustItem } from "../host/warden/trust-replay.ts";
import type { TrustMark } from "../verify/trust-mark.ts";
import { readTrustBytes } from "./trust-bytes.ts";

/** Place and digest, as `clawhold verify` prints them. */
const HEAD = /^(?:0|[1-9]\d{0,14})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

const NEXT = "Give --trust-head a head such as 12.<digest>, or a file that clawhold trust export wrote.";

/** `given`: a head, or a file that `clawhold trust export` wrote. @throws {CliError} */
export function trustMarkOf(given: string): TrustMark {
  const head = HEAD.exec(given)?.[1];
  return head === undefined ? readTrustFile(readTrustBytes(given, NEXT)).map(digestOfItem) : [head];
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
