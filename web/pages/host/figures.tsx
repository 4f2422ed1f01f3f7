/** The day's figures of one host: six tiles, and what the tokens were. */
import type { ComponentChildren } from "preact";
import { AsOf, MaybeStale, staleSince } from "../../components/usage.tsx";
import { Tile } from "../../components/parts.tsx";
import {
  formatBytes,
  formatCost,
  formatCount,
  formatMilliseconds,
  formatPercent,
  formatSpan,
  unknown,
} from "../../format.ts";
import { useApp } from "../../state/app.ts";
import type { GatewayState } from "../../../protocol/telemetry.ts";
import type { HostView } from "../../state/backend.ts";
import { isSilent } from "../../state/condition.ts";

/** Why a figure is missing. */
function missingReason(state: GatewayState): string {
  if (state === "none") return "no gateway here";
  return state === "running" || state === "degraded" ? "this gateway does not say" : "not answering";
}

/** Slow above this: people notice an answer that starts a quarter of a second late. */
const SLOW_LOOP_MS = 250;

export function HostTiles({ host }: { readonly host: HostView }) {
  const { now } = useApp();
  const since = staleSince(host, now.value);
  const silent = isSilent(host, now.value);
  const { telemetry } = host;
  if (telemetry === undefined) return null;
  const { usage, sessions, gateway, host: machine } = telemetry;
  const age = since === undefined ? undefined : <AsOf since={since} />;
  const missing = missingReason(gateway.state);
  // Without word from the host the live figures are a memory: marked like every other old figure.
  const liveSince = silent ? host.telemetryAt : undefined;
  return (
    <div class="tiles n6">
      <UsageTile
        missing={missing}
        label="Cost today"
        value={usage && formatCost(usage.costMicros)}
        since={since}
        sub={age ?? "so far"}
      />
      <UsageTile
        missing={missing}
        label="Tokens today"
        value={usage && formatCount(usage.totalTokens)}
        since={since}
        sub={age ?? (usage && `${formatPercent(cacheShare(usage))} from cache`)}
      />
      <UsageTile
        missing={missing}
        label="Active sessions"
        value={sessions && formatCount(sessions.active)}
        since={liveSince}
        sub={sessions && `${formatCount(sessions.total)} in all`}
      />
      <UsageTile
        missing={missing}
        label="Event loop"
        value={gateway.eventLoopDelayMs === undefined ? undefined : formatMilliseconds(gateway.eventLoopDelayMs)}
        since={liveSince}
        sub={`slow above ${formatMilliseconds(SLOW_LOOP_MS)}`}
      />
      <UsageTile
        missing={missing}
        label="Memory"
        value={gateway.rssBytes === undefined ? undefined : formatBytes(gateway.rssBytes)}
        since={liveSince}
        sub={`of ${formatBytes(machine.memoryTotalBytes)}`}
      />
      <UsageTile
        missing={missing}
        label="Up"
        value={gateway.uptimeSeconds === undefined ? undefined : formatSpan(gateway.uptimeSeconds)}
        since={liveSince}
        sub={`machine up ${formatSpan(machine.uptimeSeconds)}`}
      />
    </div>
  );
}

interface UsageTileProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly since: number | undefined;
  readonly sub: ComponentChildren;
  readonly missing: string;
}

function UsageTile({ label, value, since, sub, missing }: UsageTileProps) {
  if (value === undefined) {
    return (
      <Tile label={label} sub={missing}>
        <span class="faint">{unknown}</span>
      </Tile>
    );
  }
  return (
    <Tile label={label} sub={sub}>
      <MaybeStale since={since}>{value}</MaybeStale>
    </Tile>
  );
}

type Usage = NonNullable<NonNullable<HostView["telemetry"]>["usage"]>;

/** Of the parts, not of the total the gateway claims: a share over 100 % would be nonsense on our page. */
function cacheShare({ inputTokens, outputTokens, cacheReadTokens }: Usage): number {
  const named = inputTokens + outputTokens + cacheReadTokens;
  return named === 0 ? 0 : cacheReadTokens / named;
}

interface Part {
  readonly label: string;
  readonly tokens: number;
  readonly class: string;
}

function partsOf(usage: Usage): readonly Part[] {
  const named = usage.inputTokens + usage.outputTokens + usage.cacheReadTokens;
  const parts: readonly Part[] = [
    { label: "input", tokens: usage.inputTokens, class: "c1" },
    { label: "from cache", tokens: usage.cacheReadTokens, class: "c2" },
    { label: "output", tokens: usage.outputTokens, class: "c3" },
    { label: "other", tokens: Math.max(0, usage.totalTokens - named), class: "c5" },
  ];
  return parts.filter(({ tokens }) => tokens > 0);
}

export function UsageCard({ host }: { readonly host: HostView }) {
  const { now } = useApp();
  const usage = host.telemetry?.usage;
  const since = staleSince(host, now.value);
  return (
    <section class="card" aria-labelledby="usage">
      <div class="card-head">
        <h2 id="usage">Tokens and cost today</h2>
        {usage !== undefined && <span class="tiny faint num">{usage.day}, the gateway's day</span>}
      </div>
      <div class="card-body stack mid">
        {usage === undefined ? (
          <p class="small muted">
            {host.telemetry?.gateway.state === "none"
              ? "Without a gateway there is nothing to count."
              : "No figures yet: the gateway counts them a little after each start, and older versions keep none."}
          </p>
        ) : (
          <UsageBody usage={usage} since={since} />
        )}
      </div>
    </section>
  );
}

function UsageBody({ usage, since }: { readonly usage: Usage; readonly since: number | undefined }) {
  const parts = partsOf(usage);
  return (
    <>
      <p class="usage-figure">
        <span class="figure">
          <MaybeStale since={since}>{formatCost(usage.costMicros)}</MaybeStale>
        </span>{" "}
        <span class="muted small">
          for {formatCount(usage.totalTokens)} tokens
          {usage.freshness === "refreshing" && "; the gateway is counting again, so this may be low"}
        </span>
        {since !== undefined && (
          <span class="tiny faint">
            <AsOf since={since} />
          </span>
        )}
      </p>
      {parts.length === 0 ? (
        <p class="small muted">No token was used yet today.</p>
      ) : (
        <>
          <Bar parts={parts} />
          <ul class="legend">
            {parts.map((part) => (
              <li key={part.label}>
                <svg class="swatch" viewBox="0 0 12 10" aria-hidden="true">
                  <rect class={part.class} width="12" height="10" rx="2" />
                </svg>
                {part.label} <strong class="num">{formatCount(part.tokens)}</strong>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** Widths are SVG attributes: the policy forbids style attributes. */
function Bar({ parts }: { readonly parts: readonly Part[] }) {
  const total = parts.reduce((sum, { tokens }) => sum + tokens, 0);
  let x = 0;
  return (
    <svg
      class="sharebar"
      viewBox="0 0 1000 12"
      preserveAspectRatio="none"
      role="img"
      aria-label={parts.map(({ label, tokens }) => `${label} ${formatPercent(tokens / total)}`).join(", ")}
    >
      {parts.map((part) => {
        const width = Math.max(3, (part.tokens / total) * 1_000);
        const start = x;
        x += width;
        return <rect key={part.label} class={part.class} x={start} y="0" width={Math.max(1, width - 2)} height="12" />;
      })}
    </svg>
  );
}
