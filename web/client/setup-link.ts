/** The link of a first run. Read before anything else: what it carries must not stay in the address. */
import { fromBase64url } from "../../protocol/bytes.ts";
import type { LinkProblem } from "../state/backend.ts";

const SEED_BYTES = 32;

export interface SetupLink {
  readonly seed: Uint8Array;
  /** Id of the local machine's host key, from the terminal and not from the edge. */
  readonly host: string | undefined;
}

/** Reads and removes the fragment, so that the seed stays out of history and screenshots. */
export function takeLink(): SetupLink | LinkProblem {
  const parameters = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  const seed = parameters.get("seed");
  if (seed === null) return "absent";
  try {
    const bytes = fromBase64url(seed);
    if (bytes.length !== SEED_BYTES) return "damaged";
    return { seed: bytes, host: parameters.get("host") ?? undefined };
  } catch {
    return "damaged"; // cut off or changed while it was copied
  }
}
