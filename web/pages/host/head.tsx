/** The head of a host's page: what it is, how it is, and what can be done to its gateway as a whole. */
import type { ComponentChildren } from "preact";
import { GradeMark } from "../../components/grade.tsx";
import { Pill } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatSpan } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import type { IconName } from "../../icons.tsx";
import type { HostView } from "../../state/backend.ts";
import type { Condition } from "../../state/condition.ts";
import { useDesk, type HostWish } from "./desk.ts";
import { listensSentence } from "./listens.ts";
import { Act } from "./parts.tsx";
import { useRollback } from "./rollback.ts";

interface HeadProps {
  readonly condition: Condition;
  /** Why a restart cannot be asked for now. */
  readonly obstacle: string | undefined;
  readonly onRestart: () => void;
}

export function Head({ condition, obstacle, onRestart }: HeadProps) {
  const { host } = useDesk();
  return (
    <div class="stack mid">
      <p class="small">
        <a href="/">Fleet</a> <span class="faint">/</span>{" "}
        <span class="faint">{host.colocated ? "beside the edge" : host.id}</span>
      </p>
      <div class="page-head">
        <div>
          <div class="row wrap">
            <h1>
              <bdi>{host.label}</bdi>
            </h1>
            <Pill shape={condition.shape}>{condition.word}</Pill>
            {host.telemetry?.posture !== undefined && (
              <a href={`/hosts/${host.id}/posture`}>
                <GradeMark grade={host.telemetry.posture.grade} />
              </a>
            )}
            {host.telemetry?.gateway.demo === true && <span class="badge demo">demo</span>}
          </div>
          <HeadLine host={host} />
        </div>
        <div class="restart-action">
          <div class="head-acts">
            <button
              class="btn"
              type="button"
              aria-keyshortcuts="R"
              aria-disabled={obstacle === undefined ? undefined : "true"}
              aria-describedby={obstacle === undefined ? undefined : "restart-why"}
              onClick={() => {
                if (obstacle === undefined) onRestart();
              }}
            >
              <Icon name="restart" class="s" />
              Restart
            </button>
            {host.admission === "admitted" && <GatewayMenu host={host} />}
          </div>
          {obstacle !== undefined && (
            <p class="tiny faint" id="restart-why">
              {obstacle}
            </p>
          )}
        </div>
      </div>
      {condition.sentence !== undefined && host.admission !== "waiting" && <p class="muted">{condition.sentence}</p>}
    </div>
  );
}

const start: HostWish = { operation: "gateway.start@1" };
const stop: HostWish = { operation: "gateway.stop@1" };
const kill: HostWish = { operation: "gateway.kill@1" };
const bind: HostWish = { operation: "gateway.bind-loopback@1" };
const rotate: HostWish = { operation: "gateway-token.rotate@1" };

/** Everything here is daily: it stops, tightens, or starts what was there. */
function GatewayMenu({ host }: { readonly host: HostView }) {
  const rollback = useRollback();
  const isDown = host.telemetry?.gateway.state === "stopped";
  const startAgain = { title: "Start the gateway", make: async () => start };
  return (
    <>
      <button class="btn" type="button" popovertarget="gateway-menu">
        Gateway
        <Icon name="down" class="s" />
      </button>
      <div class="menu" id="gateway-menu" popover="auto" aria-label="Commands to the gateway" role="group">
        {isDown ? (
          <Item wish={start} icon="up" title="Start…" says="With the configuration that is there." />
        ) : (
          <Item
            wish={stop}
            icon="stopped"
            title="Stop…"
            says="Sessions are cut off; it stays down until somebody starts it."
            undo={startAgain}
          />
        )}
        <a class="btn quiet" href={`/hosts/${host.id}?of=lockdown`} onClick={hideMenu}>
          <Icon name="lock" class="s" />
          <span>
            Lock down…<small>Shows each change first.</small>
          </span>
        </a>
        <Item
          wish={bind}
          icon="laptop"
          title="Bind to loopback…"
          says="Nobody beyond its own machine reaches it; it restarts once."
          undo={rollback}
        />
        <Item wish={rotate} icon="key" title="Change its secret…" says="Made on the host, never shown." />
        <Item
          wish={kill}
          icon="kill"
          title="Kill…"
          says="Stops it and takes every device's access away. One person is enough."
          look="btn danger"
          undo={startAgain}
        />
      </div>
    </>
  );
}

function hideMenu(): void {
  document.getElementById("gateway-menu")?.hidePopover();
}

interface ItemProps {
  readonly wish: HostWish;
  readonly icon: IconName;
  readonly title: string;
  readonly says: ComponentChildren;
  readonly look?: string;
  readonly undo?: Parameters<typeof Act>[0]["undo"];
}

function Item({ wish, icon, title, says, look = "btn quiet", undo }: ItemProps) {
  const why = useDesk().obstacle(wish.operation);
  return (
    <Act wish={wish} icon={icon} look={look} undo={undo}>
      <span>
        {title}
        <small>{why === undefined ? says : `Not now: ${why}.`}</small>
      </span>
    </Act>
  );
}

function HeadLine({ host }: { readonly host: HostView }) {
  const { telemetry } = host;
  const parts = telemetry === undefined ? [] : gatewayLine(telemetry.gateway);
  return (
    <p class="small head-line">
      <span class="dotted">
        {parts.map((part) => (
          <span key={part}>{part}</span>
        ))}
        <span>
          {host.lastSeenAt === undefined ? (
            "never heard from"
          ) : (
            <>
              seen <Relative at={host.lastSeenAt} ago />
            </>
          )}
        </span>
      </span>
    </p>
  );
}

function gatewayLine(gateway: NonNullable<HostView["telemetry"]>["gateway"]): readonly string[] {
  const { version, support, uptimeSeconds, listens } = gateway;
  return [
    ...(version === undefined ? [] : [`OpenClaw ${version}`]),
    ...(support === undefined || support === "known"
      ? []
      : [`${support} than this agent knows: shown and stopped, not changed`]),
    ...(uptimeSeconds === undefined ? [] : [`up ${formatSpan(uptimeSeconds)}`]),
    ...(listens.length === 0 ? [] : [listensSentence(listens)]),
  ];
}
