/** Which hosts a release is new for, and who may vouch for it. Pure: versions are what the hosts report, and only choose what is offered. */
import * as v from "valibot";
import { CANARY_SECONDS, MAX_TARGETS } from "../../protocol/limits.ts";
import { compareVersions, releaseVersion } from "../../protocol/release-version.ts";
import type { HostView } from "./backend.ts";
import { pickable } from "./selection.ts";
import type { CanaryAnswer, KnownRelease } from "./releases.ts";

export interface Rollout {
  /** Can be told now and run an older release; at most what one touch binds. */
  readonly behind: readonly HostView[];
  /** Can be told now and say that they run it. */
  readonly there: readonly HostView[];
}

export function rolloutOf(hosts: readonly HostView[], { version }: KnownRelease, now: number): Rollout {
  const told = pickable(hosts, now);
  return {
    behind: told.filter((host) => isBehind(host, version)).slice(0, MAX_TARGETS),
    there: told.filter((host) => host.telemetry?.host.agentVersion === version),
  };
}

/** False where the host runs a build that has no place in the order of releases. */
export function isBehind({ telemetry }: Pick<HostView, "telemetry">, version: string): boolean {
  const running = telemetry?.host.agentVersion;
  return v.is(releaseVersion, running) && compareVersions(running, version) < 0;
}

/** `wait`: seconds until it counts. `unproven`: it runs something else, or its release came by hand. */
export type CanaryStanding =
  | { readonly kind: "ready" }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "unproven" };

/** What the others would say to it. */
export function canaryStanding({ version, since, now }: CanaryAnswer, release: KnownRelease): CanaryStanding {
  if (version !== release.version || since === undefined) return { kind: "unproven" };
  const seconds = since + CANARY_SECONDS - now;
  return seconds > 0 ? { kind: "wait", seconds } : { kind: "ready" };
}
