/** What could be better on this host, each with the figure it comes from, and the one touch that mends it. */
import { isOperationName, operations } from "../../../protocol/operations.ts";
import { operationWords } from "../../../protocol/operation-words.ts";
import { Foreign } from "../../components/foreign.tsx";
import { State } from "../../components/state.tsx";
import { formatBytes, formatCost, formatCount, formatMilliseconds, formatPercent, formatSpan } from "../../format.ts";
import type { ReadResult } from "../../state/readings.ts";
import { useDesk, type HostWish } from "./desk.ts";
import { Act } from "./parts.tsx";
import { ListCard, useReading } from "./reading.tsx";
import { useRollback } from "./rollback.ts";

type Advice = ReadResult<"gateway.advice@1">["advice"][number];
type Figure = Advice["figures"][number];

const words = {
  exposed: "The gateway can be reached from the network.",
  open_channel: "Anybody can write to this channel.",
  exec_unasked: "Agents run commands without a question.",
  terminal_on: "The gateway offers a terminal.",
  auto_pairing: "Devices are paired by themselves.",
  job_failing: "This job fails again and again.",
  device_idle: "This device has access and does not use it.",
  session_large: "This session has grown large; each turn sends all of it.",
  model_costly: "This model makes most of the cost.",
  cache_cold: "Little of what is sent comes from the cache.",
  context_growing: "What is sent with each turn grows.",
  config_drifted: "The configuration was changed outside of Clawhold.",
  version_old: "The gateway's version is behind.",
  memory_high: "The gateway uses much memory.",
} as const satisfies Record<Advice["id"], string>;

const shapes = { urgent: "bad", worthwhile: "warn", minor: "unknown" } as const;

export function AdviceCard() {
  const read = useReading("gateway.advice@1", {});
  return (
    <ListCard id="advice" title="What could be better" read={read} what="recommendations">
      {({ advice }) =>
        advice.length === 0 ? (
          <p class="card-body small muted">Nothing stands out in the figures of this host.</p>
        ) : (
          <ul class="list">
            {advice.map((one, index) => (
              <li key={`${one.id} ${one.subject ?? index}`}>
                <div class="grow stack tight">
                  <p class="small">
                    <State shape={shapes[one.weight]}>{words[one.id]}</State>
                  </p>
                  {one.about !== undefined && (
                    <p class="tiny">
                      <Foreign text={one.about} />
                    </p>
                  )}
                  <p class="tiny faint">{figuresOf(one).map(figureWords).join(" · ")}</p>
                  <Remedy advice={one} />
                </div>
              </li>
            ))}
          </ul>
        )
      }
    </ListCard>
  );
}

/** A switch that is on says nothing beyond the sentence above it. */
function figuresOf({ figures }: Advice): readonly Figure[] {
  return figures.filter(({ unit }) => unit !== "switches");
}

/** "62 percent of the tokens (limit 50 percent)", "not seen for: 41 days (limit 30 days)". */
function figureWords({ name, value, limit, unit }: Figure): string {
  const plain = name.replaceAll("_", " ");
  const said = plain.startsWith("of ") ? `${amount(value, unit)} ${plain}` : `${plain}: ${amount(value, unit)}`;
  return limit === undefined || limit === 0 ? said : `${said} (limit ${amount(limit, unit)})`;
}

function amount(value: number, unit: string): string {
  switch (unit) {
    case "bytes":
      return formatBytes(value);
    case "seconds":
      return formatSpan(value);
    case "milliseconds":
      return formatMilliseconds(value);
    case "micros":
      return formatCost(value);
    case "share":
      return formatPercent(value);
    default:
      return `${formatCount(value)} ${unit}`;
  }
}

/** A remedy that must pin what was seen is done where the thing is shown. */
function Remedy({ advice: { remedy, about } }: { readonly advice: Advice }) {
  const { host } = useDesk();
  const undo = useRollback();
  if (remedy === undefined || !isOperationName(remedy.operation)) return null;
  const { operation, args } = remedy;
  if (operation === "gateway.lockdown@1") {
    return (
      <p class="small">
        <a href={`/hosts/${host.id}?of=lockdown`}>See what a lockdown would change</a>
      </p>
    );
  }
  const needs: readonly string[] = operations[operation].expects;
  const tab = tabs.find(([prefix]) => operation.startsWith(prefix))?.[1];
  if ((needs.includes("subject") || "sealed" in operations[operation]) && tab !== undefined) {
    const of = typeof args["subject"] === "string" ? `?of=${args["subject"]}` : "";
    return (
      <p class="small">
        <a href={`/hosts/${host.id}/${tab}${of}`}>{operationWords[operation].verb}</a>
      </p>
    );
  }
  const wish: HostWish = { operation, args };
  return (
    <div class="acts">
      <Act wish={wish} about={about} undo={operation === "gateway.bind-loopback@1" ? undo : undefined}>
        {operationWords[operation].verb}…
      </Act>
    </div>
  );
}

const tabs = [
  ["cron.", "schedule"],
  ["agent.", "agents"],
  ["session.", "sessions"],
  ["device.", "devices"],
  ["channel.", "channels"],
  ["pairing.", "channels"],
  ["plugin.", "extensions"],
  ["config.", "configuration"],
  ["exec.", "approvals"],
] as const;
