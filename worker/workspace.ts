/**
 * Which workspace this deployment serves. The tables hold many; until requests name one (by hostname), there is one.
 */
import { TrustLogDamaged } from "../durable-objects/db/trust-log.ts";
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

/**
 * For callers who have proven who they are: they hear what is wrong with the log. To everybody else it is a failure
 * like any other, because that somebody wrote to the database is nothing for strangers to learn.
 */
export async function sayDamage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw tellingDamage(error);
  }
}

export function tellingDamage(error: unknown): unknown {
  return error instanceof TrustLogDamaged ? problem("trust_damaged", error.message) : error;
}

/** @throws {ProblemError} `no_workspace` */
export async function requireTrust(deps: Deps): Promise<TrustState> {
  const trust = await currentTrust(deps);
  if (trust === undefined) throw problem("no_workspace");
  return trust;
}
