/** The day's figures of a gateway, with their age: a claim of the gateway, never more certain than it is fresh. */
import type { ComponentChildren } from "preact";
import { Icon } from "../icons.tsx";
import { formatClock, formatCost, unknown } from "../format.ts";
import { STALE_SECONDS, isSilent, usageAge } from "../state/condition.ts";
import type { HostView } from "../state/backend.ts";

/** When the figures are of, if that is too long ago to go without saying. */
export function staleSince(host: HostView, now: number): number | undefined {
  const age = usageAge(host, now);
  if (age === undefined) return undefined;
  const stale = age > STALE_SECONDS || host.telemetry?.usage?.freshness === "stale" || isSilent(host, now);
  return stale ? now - age : undefined;
}

interface MaybeStaleProps {
  readonly since: number | undefined;
  readonly children: ComponentChildren;
}

export function MaybeStale({ since, children }: MaybeStaleProps) {
  if (since === undefined) return <>{children}</>;
  return (
    <span class="stale" title={`As of ${formatClock(since)}`}>
      {children}
    </span>
  );
}

export function AsOf({ since }: { readonly since: number }) {
  return (
    <span class="row">
      <Icon name="clock" class="s" />
      as of {formatClock(since)}
    </span>
  );
}

export function Cost({ host, now }: { readonly host: HostView; readonly now: number }) {
  const usage = host.telemetry?.usage;
  if (usage === undefined) return <span class="faint">{unknown}</span>;
  return <MaybeStale since={staleSince(host, now)}>{formatCost(usage.costMicros)}</MaybeStale>;
}
