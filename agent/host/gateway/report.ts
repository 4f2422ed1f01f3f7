/**
 * Puts one telemetry message together and validates it before anybody gets it. What does not validate is a mistake of
 * ours (projection lets only valid claims through), so it is reported as such and the figures are left out.
 */
import * as v from "valibot";
import { telemetrySchema } from "../../../protocol/telemetry.ts";
import type { GatewayState, Telemetry } from "../../../protocol/telemetry.ts";
import type { Hello } from "./hello.ts";
import type { Listener } from "./listening.ts";
import type { MachineFacts } from "./machine.ts";
import type { Inventory, Vitals } from "./poll.ts";
import { supportOf } from "./versions-support.ts";

/** The schema's limit; a gateway that listens in more places is shown with the first eight. */
const MAX_LISTENERS = 8;

export interface Observation {
  readonly at: number;
  readonly state: GatewayState;
  readonly demo: boolean;
  readonly oneUser: boolean;
  readonly agentVersion: string;
  readonly listeners: readonly Listener[];
  readonly machine: MachineFacts;
  readonly hello: Hello | undefined;
  readonly uptimeMilliseconds: number | undefined;
  readonly vitals: Vitals | undefined;
  readonly usage: Telemetry["usage"];
  readonly inventory: Inventory | undefined;
  readonly configuration: Telemetry["gateway"]["configuration"];
}

export type Report =
  | { readonly ok: true; readonly telemetry: Telemetry }
  | { readonly ok: false; readonly telemetry: Telemetry };

export function reportOf(seen: Observation): Report {
  const bare = withoutClaims(seen);
  const checked = v.safeParse(telemetrySchema, withClaims(bare, seen));
  return checked.success ? { ok: true, telemetry: checked.output } : { ok: false, telemetry: bare };
}

/** Only what this machine knows by itself. */
function withoutClaims(seen: Observation): Telemetry {
  const listens = seen.listeners
    .slice(0, MAX_LISTENERS)
    .map(({ address, port, loopback }) => ({ address, port, loopback }));
  return {
    v: 1,
    at: seen.at,
    gateway: { state: seen.state, demo: seen.demo, listens },
    host: { ...seen.machine, agentVersion: seen.agentVersion, oneUser: seen.oneUser },
  };
}

function withClaims(bare: Telemetry, seen: Observation): Telemetry {
  const sessions = seen.vitals?.sessions;
  const { usage } = seen;
  const { agents, cron, channels } = seen.inventory ?? {};
  return {
    ...bare,
    gateway: { ...bare.gateway, ...seen.vitals?.figures, ...claimsOfItself(seen) },
    ...(sessions === undefined ? {} : { sessions }),
    ...(usage === undefined ? {} : { usage }),
    ...(agents === undefined ? {} : { agents }),
    ...(cron === undefined ? {} : { cron }),
    ...(channels === undefined ? {} : { channels }),
  };
}

/** What it says about itself, and what this agent makes of its version and configuration. */
function claimsOfItself({
  hello,
  uptimeMilliseconds: uptime,
  configuration,
}: Observation): Partial<Telemetry["gateway"]> {
  const { version, bootId } = hello ?? {};
  return {
    ...(version === undefined ? {} : { version, support: supportOf(version) }),
    ...(bootId === undefined ? {} : { bootId }),
    ...(configuration === undefined ? {} : { configuration }),
    ...(uptime === undefined || uptime > Number.MAX_SAFE_INTEGER ? {} : { uptimeSeconds: Math.floor(uptime / 1_000) }),
  };
}
