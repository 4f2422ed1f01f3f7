/** What this page has seen of a host since it was opened: samples for the traces, and the course of a restart. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { HostView } from "../../state/backend.ts";
import { freshWatch, observe } from "../../state/restart-watch.ts";
import type { RestartWatch } from "../../state/restart-watch.ts";
import { addSample } from "../../state/samples.ts";
import type { Sample } from "../../state/samples.ts";

export interface HostHistory {
  readonly watch: RestartWatch;
  readonly memory: readonly Sample[];
  readonly loop: readonly Sample[];
}

const none: HostHistory = { watch: freshWatch, memory: [], loop: [] };

export function useHistory(host: HostView): HostHistory {
  const history = useSignal(none);
  const { id, telemetry, telemetryAt } = host;
  useEffect(() => {
    history.value = none;
  }, [history, id]);
  useEffect(() => {
    if (telemetry === undefined || telemetryAt === undefined) return;
    history.value = append(history.peek(), telemetry, telemetryAt);
  }, [history, telemetry, telemetryAt]);
  return history.value;
}

function append(before: HostHistory, telemetry: NonNullable<HostView["telemetry"]>, at: number): HostHistory {
  const { gateway } = telemetry;
  return {
    watch: observe(before.watch, gateway, at),
    memory: addSample(before.memory, sample(at, gateway.rssBytes)),
    loop: addSample(before.loop, sample(at, gateway.eventLoopDelayMs)),
  };
}

function sample(at: number, value: number | undefined): Sample {
  return value === undefined ? { at } : { at, value };
}
