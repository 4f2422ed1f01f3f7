/** Facts of the gateway and of the machine. What the gateway says is a claim; where it listens the kernel says. */
import { Fact, Words } from "../../components/parts.tsx";
import { State } from "../../components/state.tsx";
import { formatBytes, formatNumberOf, formatPercent, formatShortId, formatSpan, unknown } from "../../format.ts";
import type { HostView } from "../../state/backend.ts";
import type { Condition } from "../../state/condition.ts";
import { formatAddress } from "./listens.ts";

type Telemetry = NonNullable<HostView["telemetry"]>;

interface GatewayCardProps {
  readonly host: HostView;
  readonly condition: Condition;
}

export function GatewayCard({ host, condition }: GatewayCardProps) {
  const gateway = host.telemetry?.gateway;
  if (gateway === undefined) return null;
  return (
    <section class="card" aria-labelledby="gateway">
      <div class="card-head">
        <h2 id="gateway">Gateway</h2>
        <State shape={condition.shape}>{condition.word}</State>
      </div>
      <div class="card-body">
        <dl class="facts">
          <Fact name="Version">{gateway.version === undefined ? unknown : `OpenClaw ${gateway.version}`}</Fact>
          <Fact name="This start">
            {gateway.bootId === undefined ? (
              <span class="muted">{gateway.state === "none" ? unknown : `${unknown} not answering`}</span>
            ) : (
              <>
                boot <code title={gateway.bootId}>{formatShortId(gateway.bootId)}</code>
                {gateway.uptimeSeconds !== undefined && `, up ${formatSpan(gateway.uptimeSeconds)}`}
              </>
            )}
          </Fact>
          <Fact name="Listens on">
            <Listens listens={gateway.listens} />
          </Fact>
          <GatewayCounts telemetry={host.telemetry} />
        </dl>
      </div>
    </section>
  );
}

function Listens({ listens }: { readonly listens: Telemetry["gateway"]["listens"] }) {
  if (listens.length === 0) return <span class="muted">nothing, as the kernel of the host says</span>;
  return (
    <ul class="stack tight">
      {listens.map((listen) => (
        <li key={formatAddress(listen)} class="row wrap">
          <code>{formatAddress(listen)}</code>
          {listen.loopback ? (
            <State shape="ok">this machine only</State>
          ) : (
            <State shape="warn">reachable from the network</State>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Counts only: names of agents, jobs, channels and devices stay on the host. */
function GatewayCounts({ telemetry }: { readonly telemetry: Telemetry | undefined }) {
  const { agents, cron, channels, devices } = telemetry ?? {};
  return (
    <>
      {agents !== undefined && <Fact name="Agents">{agents}</Fact>}
      {cron !== undefined && (
        <Fact name="Cron">
          {formatNumberOf(cron.total, "job")}, {cron.enabled} enabled
        </Fact>
      )}
      {channels !== undefined && (
        <Fact name="Channels">
          {channels.connected} of {channels.configured} connected
        </Fact>
      )}
      {devices !== undefined && (
        <Fact name="Devices">
          {devices.paired} paired{devices.pending > 0 && `, ${devices.pending} waiting`}
        </Fact>
      )}
    </>
  );
}

const platforms = { linux: "Linux", darwin: "macOS", other: "another system" } satisfies Record<
  Telemetry["host"]["platform"],
  string
>;

/** Without a gateway there is no user of it to speak of. */
function separation({ gateway, host }: Telemetry): string {
  if (host.oneUser) return "one user for gateway and agent";
  return gateway.state === "none" ? "no gateway here" : "gateway has its own user";
}

export function MachineCard({ host }: { readonly host: HostView }) {
  const { telemetry } = host;
  if (telemetry === undefined) return null;
  const machine = telemetry.host;
  const used = 1 - machine.memoryFreeBytes / Math.max(1, machine.memoryTotalBytes);
  return (
    <section class="card" aria-labelledby="machine">
      <div class="card-head">
        <h2 id="machine">Machine</h2>
        <span class="tiny faint">agent {machine.agentVersion}</span>
      </div>
      <div class="card-body stack mid">
        <dl class="facts">
          <Fact name="System">
            {platforms[machine.platform]}, {formatNumberOf(machine.cpus, "processor")}, up{" "}
            {formatSpan(machine.uptimeSeconds)}
          </Fact>
          <Fact name="Memory">
            {formatPercent(used)} of {formatBytes(machine.memoryTotalBytes)} in use
          </Fact>
          <Fact name="Load">{(machine.loadMilli / 1_000).toFixed(2)} over one minute</Fact>
          <Fact name="Separation">{separation(telemetry)}; the agent is one process for now</Fact>
        </dl>
        <div class="stack tight">
          <p class="eyebrow">Six words of its key</p>
          <Words words={host.words} label={`Six words of ${host.label}`} />
        </div>
      </div>
    </section>
  );
}
