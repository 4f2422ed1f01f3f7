/**
 * Which workspace this deployment serves. The tables hold many; until requests name one (by hostname), there is one.
 */
import type { TrustState } from "../protocol/trust/state.ts";
import { firstWorkspace } from "./db/setup.ts";
import type { Deps } from "./deps.ts";
import { problem } from "./http/problems.ts";

export function currentWorkspace(deps: Deps): Promise<string | undefined> {
  return firstWorkspace(deps.db);
}

export function currentTrust(deps: Deps): Promise<TrustState | undefined> {
  return deps.trust.currentServed();
}

/** @throws {ProblemError} `no_workspace` */
export async function requireTrust(deps: Deps): Promise<TrustState> {
  const trust = await currentTrust(deps);
  if (trust === undefined) throw problem("no_workspace");
  return trust;
}
