/**
 * What this program tries when it is started again as another user (`posture.cjs try <what> ...`): one harmless look, one line of
 * JSON. It changes nothing, and says yes or no.
 */
import { access, constants } from "node:fs/promises";
import { isIP } from "node:net";
import { tryTcp } from "./linux-tries.ts";

type Try = (words: readonly string[]) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Asks the kernel, which knows about read-only mounts and attributes that a mode does not show. */
const write: Try = async ([path, ...rest]) => {
  if (path === undefined || !path.startsWith("/") || rest.length > 0) return undefined;
  try {
    await access(path, constants.W_OK);
    return { outcome: "yes" };
  } catch {
    return { outcome: "no" };
  }
};

/** A connection, opened and closed; to a literal address, so that no name is asked for. */
const tcp: Try = async ([host, port, ...rest]) => {
  if (host === undefined || isIP(host) === 0 || !/^\d{1,5}$/.test(port ?? "") || rest.length > 0) return undefined;
  const { outcome } = await tryTcp(host, Number(port));
  return { outcome };
};

/** Undefined: not understood. */
export const tries: Readonly<Record<string, Try>> = { write, tcp };
