/**
 * What somebody else's trust log held, against that of a file. A file brings its own, and offline an old one looks like the
 * present one: hosts that were removed since still count there, and those that were admitted since do not.
 */
import type { TrustState } from "../../protocol/trust/state.ts";
import { heldRevocations } from "../../protocol/trust/state.ts";
import type { Digest } from "../../protocol/signing.ts";
import type { Report } from "./report.ts";
import type { TrustReader } from "./room.ts";

/** Digests of statements that the file's trust log must have; of the root as well, which is the workspace's id. */
export type TrustMark = readonly Digest[];

export interface SaidTrust {
  /** The place of the newest statement of the chain, from the root at 0, and its digest. */
  readonly n: number;
  readonly hash: Digest;
  /** With the root and every revocation. */
  readonly statements: number;
  /** By the statement's own word, seconds. */
  readonly newest: number;
  /** Absent where it was compared with nothing. */
  readonly compared?: "holds" | "lacks";
}

export function judgeTrust(reader: TrustReader, mark: TrustMark | undefined, report: Report): SaidTrust | undefined {
  const { state, workspace } = reader;
  if (state === undefined) return undefined;
  const said = saidOf(state, reader.size);
  if (mark === undefined) return said;
  const missing = mark.filter((digest) => digest !== workspace && !reader.holds(digest));
  if (missing.length === 0) return { ...said, compared: "holds" };
  report.file("trust_older", { line: 0, detail: `${missing.length} of ${mark.length} are not here` });
  return { ...said, compared: "lacks" };
}

function saidOf(state: TrustState, statements: number): SaidTrust {
  const { n, hash, at } = state.chain;
  const revoked = [...heldRevocations(state).values()].map(({ revocation }) => revocation.at);
  return { n, hash, statements, newest: Math.max(at, ...revoked) };
}
