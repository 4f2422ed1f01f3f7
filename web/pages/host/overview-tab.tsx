/** The first tab: the day's figures, the machine, what could be better, what a lockdown would change. */
import { Empty } from "../../components/parts.tsx";
import { Lately } from "../../components/lately.tsx";
import { formatNumberOf } from "../../format.ts";
import type { HostView } from "../../state/backend.ts";
import type { Condition } from "../../state/condition.ts";
import { Curves } from "./curves.tsx";
import { AdviceCard } from "./advice.tsx";
import { AgentCard } from "./agent-card.tsx";
import { useDesk } from "./desk.ts";
import { GatewayCard, MachineCard } from "./facts-cards.tsx";
import { HostTiles, UsageCard } from "./figures.tsx";
import type { useHistory } from "./history.ts";
import { Lockdown } from "./lockdown.tsx";
import { TraceCards } from "./traces.tsx";
import { SharesCard } from "./shares.tsx";

export interface OverviewProps {
  readonly condition: Condition;
  readonly history: ReturnType<typeof useHistory>;
}

export function OverviewTab({ condition, history }: OverviewProps) {
  const { host, route } = useDesk();
  const isRead = host.admission === "admitted" && host.telemetry?.gateway.state !== "none";
  if (host.telemetry === undefined) return <NothingYet host={host} />;
  return (
    <>
      {route.of === "lockdown" && isRead && <Lockdown />}
      <HostTiles host={host} />
      {isRead && <Curves host={host} />}
      <div class="split">
        <div class="stack">
          <UsageCard host={host} />
          {isRead && <SharesCard />}
          <TraceCards host={host} history={history} />
          <Lately title="Lately here" hostId={host.id} count={4} />
        </div>
        <div class="stack">
          {isRead && <AdviceCard />}
          <GatewayCard host={host} condition={condition} />
          <MachineCard host={host} />
          {host.admission === "admitted" && <AgentCard />}
        </div>
      </div>
    </>
  );
}

function NothingYet({ host }: { readonly host: HostView }) {
  if (host.admission === "removed") {
    return (
      <div class="card">
        <Empty icon="host" title="Not a host of this workspace any more">
          <p>
            Its past stays in Activity. To use the machine again, type <code>clawhold trust reset</code> on it, then
            join it as a new host.
          </p>
        </Empty>
      </div>
    );
  }
  const isAwaited = host.connected && host.admission !== "waiting";
  return (
    <div class="card">
      <Empty icon={isAwaited ? "pending" : "unknown"} turns={isAwaited} title="No figures yet">
        <p>{nothingYetSentence(host)}</p>
      </Empty>
    </div>
  );
}

function nothingYetSentence({ label, connected, admission }: HostView): string {
  if (admission === "waiting") return `${label} is asked for its figures once you have admitted it.`;
  if (connected)
    return `${label} is connected and has not reported yet. It reports within ${formatNumberOf(15, "second")}.`;
  return `${label} has not reported since the edge started. It will as soon as it connects.`;
}
