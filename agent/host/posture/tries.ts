/**
 * What this program tries when it is started again as another user (`posture.cjs try <what> ...`): one harmless look, one line of
 * JSON. It changes nothing, and says yes or no.
 */
import { access, constants } from "node:fs/promises";
import { isIP } from "node:net";
import { canListen, decodeSpec, tryInside } from "./inside.ts";
import { tryTcp } from "./linux-tries.ts";

type Try = (words: readonly string[]) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Asks the kernel, which knows about read-only mounts and attributes that a mode does not show. */
const write: Try = async ([path, ...rest]) => {
  if (path === undefined || !path.startsWith("/") || rest.length > 0) return undefined;
  if (!(await can(path, constants.F_OK))) return { outcome: "unseen" };
  return { outcome: (await can(path, constants.W_OK)) ? "yes" : "no" };
};

async function can(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** A connection, opened and closed; to a literal address, so that no name is asked for. */
const tcp: Try = async ([host, port, ...rest]) => {
  if (host === undefined || isIP(host) === 0 || !/^\d{1,5}$/.test(port ?? "") || rest.length > 0) return undefined;
  const { outcome } = await tryTcp(host, Number(port));
  return { outcome };
};

/** Any free port of every address, for a moment. */
const bind: Try = async (words) => {
  if (words.length > 0) return undefined;
  return { outcome: (await canListen()) ? "open" : "denied" };
};

const inside: Try = async ([word = "", ...rest]) => {
  const spec = rest.length > 0 ? undefined : decodeSpec(word);
  return spec === undefined ? undefined : tryInside(spec);
};

/** Undefined: not understood. */
export const tries: Readonly<Record<string, Try>> = { write, tcp, bind, inside };
