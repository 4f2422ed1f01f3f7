/**
 * A command to change the agent's own release: one host by a person's word, the others only where another host showed that it
 * runs that release well. What is executed is the beginning: it ends this process, and the version that the host reports then
 * says how it went.
 */
import * as v from "valibot";
import { judgeCanary } from "../../../protocol/canary.ts";
import { operations } from "../../../protocol/operations.ts";
import type { Command } from "../../../protocol/verify.ts";
import { wallSeconds, type HostClock } from "./clock.ts";
import type { AgentUpdates } from "../update/control-interface.ts";
import type { TrustStore } from "./trust-store.ts";

export interface UpdatingDeps {
  /** Undefined where the agent was not installed with services of its own: whoever started it brings the next version. */
  readonly updates?: AgentUpdates | undefined;
  /** By which another host's word is judged. */
  readonly trust: Pick<TrustStore, "state">;
  readonly clock: HostClock;
}

/** Undefined when it has begun, else why not. */
export async function updateFirst({ intent }: Command, { updates }: UpdatingDeps): Promise<string | undefined> {
  if (updates === undefined) return "not_installed";
  return updates.begin(v.parse(operations["agent.update@1"].args, intent.args));
}

/** Nothing is fetched before the first host's word was judged. */
export async function updateRest({ intent }: Command, deps: UpdatingDeps): Promise<string | undefined> {
  const { updates, trust, clock } = deps;
  if (updates === undefined) return "not_installed";
  const { version, sha256, ...word } = v.parse(operations["agent.update-rest@1"].args, intent.args);
  if (trust.state === undefined) return "canary_unproven";
  const targets = intent.targets.map(({ host }) => host);
  const refusal = await judgeCanary({ version, ...word }, { trust: trust.state, targets, now: wallSeconds(clock) });
  return refusal ?? updates.begin({ version, sha256 });
}
