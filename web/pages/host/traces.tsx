/** Event loop and memory since this page was opened. The edge keeps no history yet, and this does not invent one. */
import { Spark } from "../../components/spark.tsx";
import { formatAge, formatBytes, formatMilliseconds, unknown } from "../../format.ts";
import type { HostView } from "../../state/backend.ts";
import type { Sample } from "../../state/samples.ts";
import type { HostHistory } from "./history.ts";

interface TraceProps {
  readonly title: string;
  readonly id: string;
  readonly samples: readonly Sample[];
  readonly value: string;
}

function Trace({ title, id, samples, value }: TraceProps) {
  const first = samples[0];
  const last = samples.at(-1);
  const span = first === undefined || last === undefined ? 0 : last.at - first.at;
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        <span class="tiny faint num">{value}</span>
      </div>
      <div class="card-body stack tight">
        <Spark samples={samples} label={`${title}, now ${value}, over the last ${formatAge(span)}`} />
        <p class="tiny faint">
          {samples.length > 1 ? `the last ${formatAge(span)}, since you opened this page` : "drawn as reports come in"}
        </p>
      </div>
    </section>
  );
}

export function TraceCards({ host, history }: { readonly host: HostView; readonly history: HostHistory }) {
  const gateway = host.telemetry?.gateway;
  const { eventLoopDelayMs, rssBytes } = gateway ?? {};
  return (
    <div class="grid-2">
      <Trace
        title="Event-loop delay, live"
        id="trace-loop"
        samples={history.loop}
        value={eventLoopDelayMs === undefined ? unknown : formatMilliseconds(eventLoopDelayMs)}
      />
      <Trace
        title="Memory of the gateway, live"
        id="trace-memory"
        samples={history.memory}
        value={rssBytes === undefined ? unknown : formatBytes(rssBytes)}
      />
    </div>
  );
}
