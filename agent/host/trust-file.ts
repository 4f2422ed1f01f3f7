/**
 * A trust log as a file that people carry: one canonical line for the signed root, then one for each statement, in an
 * order in which each can be judged. Lines may also be pages as the tunnel carries them. The file is not believed: whoever
 * takes it verifies every line against the pin.
 */
import { readFileSync } from "node:fs";
import { utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { MAX_FRAME_BYTES, MAX_STATEMENTS_PER_PAGE } from "../../protocol/limits.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import {
  trustPageCodec,
  type SignedRoot,
  type SignedStatement,
  type TrustPage,
} from "../../protocol/trust/statements.ts";
import { systemCode } from "../shared/edge-error.ts";
import { HostError } from "./host-error.ts";
import { isRoot, readItem, replayTrust, type TrustFile, type TrustItem } from "./warden/trust-replay.ts";

/** Ten thousand statements with their touches are about 20 MB. */
export const MAX_TRUST_FILE_BYTES = 67_108_864;

export interface HeldTrust {
  /** In the order in which this host accepted them. */
  readonly lines: readonly string[];
  /** Undefined until the root was seen. */
  readonly state: TrustState | undefined;
}

/** What this host holds, verified again; the agent may be running and writing. @throws {HostError} */
export async function readHeldTrust(file: TrustFile): Promise<HeldTrust> {
  const text = readText(file.path);
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  lines.pop(); // what follows the last newline: nothing, or a line that is being written
  return { lines, state: await replayTrust(lines, file) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "";
    throw error;
  }
}

/** Every item of a carried file, in its order. @throws {HostError} `trust_file`, naming the line. */
export function readTrustFile(bytes: Uint8Array): readonly TrustItem[] {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop(); // the newline that ends a text file
  if (lines.length === 0) throw notTrust(1);
  return lines.flatMap((line, i) => itemsOf(line) ?? fail(notTrust(i + 1)));
}

function itemsOf(line: string): readonly TrustItem[] | undefined {
  const item = readItem(line);
  if (item !== undefined) return [item];
  try {
    const { root, statements } = trustPageCodec.decode(utf8(line));
    return root === undefined ? statements : [root, ...statements];
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function fail(error: Error): never {
  throw error;
}

function notTrust(line: number): HostError {
  return new HostError(
    "trust_file",
    `That is not a trust log: line ${String(line)} is neither a root nor a statement. Give a file that clawhold trust export wrote, unchanged. Nothing was taken.`,
  );
}

/** Items as pages that each fit the tunnel and the door. */
export function pagesOf(items: readonly TrustItem[]): readonly TrustPage[] {
  const pages: TrustPage[] = [];
  let root: SignedRoot | undefined;
  let statements: SignedStatement[] = [];
  let size = 0;
  const flush = (): void => {
    if (root !== undefined || statements.length > 0)
      pages.push(root === undefined ? { statements } : { root, statements });
    [root, statements, size] = [undefined, [], 0];
  };
  for (const item of items) {
    const length = utf8Text(encodeCanonical(item)).length + 1;
    const isFull = size + length > MAX_FRAME_BYTES / 2 || statements.length >= MAX_STATEMENTS_PER_PAGE;
    if (isFull || isRoot(item)) flush();
    if (isRoot(item)) root = item;
    else statements.push(item);
    size += length;
  }
  flush();
  return pages;
}
