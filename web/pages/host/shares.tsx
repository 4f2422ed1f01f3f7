/** Tokens and cost by model and by agent, as the gateway last computed them. */
import { useSignal } from "@preact/signals";
import { Foreign } from "../../components/foreign.tsx";
import { Relative } from "../../components/time.tsx";
import { formatCost, formatCount } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import { ListCard, useReading } from "./reading.tsx";

type Share = ReadResult<"gateway.usage@1">["models"][number];
const spans = [
  [1, "Today"],
  [7, "7 days"],
  [30, "30 days"],
] as const;

export function SharesCard() {
  const days = useSignal<1 | 7 | 30>(1);
  const read = useReading("gateway.usage@1", { days: days.value });
  return (
    <ListCard id="shares" title="Tokens and cost by model and agent" read={read} what="tokens and cost">
      {({ models, agents, freshness, asOf }) => (
        <div class="card-body stack mid">
          <div class="row">
            <div class="seg" role="group" aria-label="Days">
              {spans.map(([value, name]) => (
                <button
                  key={value}
                  type="button"
                  aria-pressed={days.value === value}
                  onClick={() => (days.value = value)}
                >
                  {name}
                </button>
              ))}
            </div>
          </div>
          <Shares title="Model" shares={models} />
          <Shares title="Agent" shares={agents} />
          <p class="tiny faint">
            <span class={freshness === "fresh" ? undefined : "stale"}>
              {freshness === "fresh" ? "Fresh" : freshness === "refreshing" ? "The gateway is counting again" : "Old"}
              {asOf !== undefined && (
                <>
                  , counted <Relative at={asOf} ago />
                </>
              )}
              .
            </span>
          </p>
        </div>
      )}
    </ListCard>
  );
}

function Shares({ title, shares }: { readonly title: string; readonly shares: readonly Share[] }) {
  if (shares.length === 0) return <p class="small muted">No tokens by {title.toLowerCase()} in this time.</p>;
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={`Tokens and cost by ${title.toLowerCase()}`}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col" class="r">
              Tokens
            </th>
            <th scope="col" class="r">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {shares
            .toSorted((a, b) => b.costMicros - a.costMicros || b.totalTokens - a.totalTokens)
            .map((share) => (
              <tr key={share.tag}>
                <th scope="row">
                  <Foreign text={share.name} />
                </th>
                <td class="r">{formatCount(share.totalTokens)}</td>
                <td class="r">{formatCost(share.costMicros)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
