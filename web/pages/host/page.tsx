/**
 * One host: its gateway's health, the day's figures, where it listens, the machine. Live while it is open. From here
 * a restart is asked for; the dialog does the rest.
 */
import { useEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Banners } from "../../components/banners.tsx";
import { Lately } from "../../components/lately.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { Pill } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { OrderDialog } from "../../dialog/order-dialog.tsx";
import type { Wish } from "../../dialog/order-dialog.tsx";
import { formatNumberOf, formatSpan } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { HostView, OperationId } from "../../state/backend.ts";
import { bannersOf } from "../../state/banners.ts";
import { mandateObstacle } from "../../state/mandate.ts";
import { isOnlyAdministrator } from "../../state/people.ts";
import { conditionOf, isSilent, restarting } from "../../state/condition.ts";
import type { Condition } from "../../state/condition.ts";
import { listenForKeys } from "../../state/keys.ts";
import { restartAskedAt } from "../../state/restart-asked.ts";
import { AdmissionCard } from "../fleet/admission-card.tsx";
import { CourseNote } from "./course-note.tsx";
import { OtherCommands } from "./other-commands.tsx";
import { Removal } from "./removal.tsx";
import { GatewayCard, MachineCard } from "./facts-cards.tsx";
import { HostTiles, UsageCard } from "./figures.tsx";
import { useHistory } from "./history.ts";
import { listensSentence } from "./listens.ts";
import { TraceCards } from "./traces.tsx";

export function HostPage({ id }: { readonly id: string }) {
  const { backend } = useApp();
  useEffect(() => backend.watchHost(id), [backend, id]);
  useEffect(() => backend.activity.watch(), [backend]);
  const view = backend.host(id).value;
  if (view.state === "loading") return <Waiting what="Reading this host" />;
  if (view.state === "failed") {
    return (
      <div class="card">
        <Empty icon="offline" title="This host cannot be shown" level={1}>
          <p>
            <TroubleText trouble={view.trouble} />
          </p>
        </Empty>
      </div>
    );
  }
  return view.value === undefined ? <NoSuchHost id={id} /> : <Known host={view.value} />;
}

function NoSuchHost({ id }: { readonly id: string }) {
  return (
    <div class="card">
      <Empty
        icon="search"
        title="No such host"
        level={1}
        actions={
          <a class="btn sm" href="/">
            Go to the fleet
          </a>
        }
      >
        <p>
          <code>{id}</code> is not a host of this workspace, or your role does not reach it.
        </p>
      </Empty>
    </div>
  );
}

function Known({ host }: { readonly host: HostView }) {
  const { backend, now } = useApp();
  const wish = useSignal<Wish | undefined>(undefined);
  const { id, label } = host;
  const ask = useMemo(
    () => (operation: OperationId) => {
      wish.value ??= { operation, hosts: [{ id, label }] };
    },
    [wish, id, label],
  );
  const restart = useMemo(() => () => ask("gateway.restart@1"), [ask]);
  const asker = { view: backend.trust.value, person: backend.person.value?.id, now: now.value };
  const obstacle = obstacleOf(host, now.value) ?? mandateObstacle(asker, "gateway.restart@1", [id]);
  const mayRestart = obstacle === undefined;
  useEffect(() => {
    if (!mayRestart) return undefined;
    return listenForKeys(window, () => [{ keys: "R", does: "restart…", run: restart }]);
  }, [mayRestart, restart]);
  const history = useHistory(host);
  const passkeys = backend.passkeys.value;
  const banners = bannersOf({
    hosts: [host],
    originClass: backend.origin.class,
    ledger: backend.activity.status.value,
    passkeys: passkeys.state === "ready" ? passkeys.value : undefined,
    onlyAdministrator: isOnlyAdministrator(backend.trust.value, backend.person.value?.id),
    // Never witnessed is a fact of the workspace; the fleet page says it.
  }).filter(({ kind }) => kind !== "never-witnessed");
  const log = backend.activity.entries.value;
  const askedAt =
    log.state === "ready" && !isSilent(host, now.value) ? restartAskedAt(host, log.value, now.value) : undefined;
  const condition = askedAt === undefined ? conditionOf(host, now.value) : restarting;
  return (
    <>
      <Head host={host} condition={condition} obstacle={obstacle} onRestart={restart} />
      <CourseNote host={host} watch={history.watch} askedAt={askedAt} />
      {host.admission === "waiting" && <AdmissionCard host={host} />}
      <Banners all={banners} />
      {host.telemetry === undefined ? (
        <NothingYet host={host} />
      ) : (
        <Figures host={host} condition={condition} history={history} />
      )}
      {host.admission === "admitted" && (
        <OtherCommands
          obstacle={unheardOf(host, now.value)}
          lacking={(operation) => mandateObstacle(asker, operation, [id])}
          onAsk={ask}
        />
      )}
      <Removal host={host} />
      {wish.value !== undefined && <OrderDialog wish={wish.value} onClosed={() => (wish.value = undefined)} />}
    </>
  );
}

interface FiguresProps {
  readonly host: HostView;
  readonly condition: Condition;
  readonly history: ReturnType<typeof useHistory>;
}

function Figures({ host, condition, history }: FiguresProps) {
  return (
    <>
      <HostTiles host={host} />
      <div class="split">
        <div class="stack">
          <UsageCard host={host} />
          <TraceCards host={host} history={history} />
          <Lately title="Lately here" hostId={host.id} count={4} />
        </div>
        <div class="stack">
          <GatewayCard host={host} condition={condition} />
          <MachineCard host={host} />
        </div>
      </div>
    </>
  );
}

interface HeadProps {
  readonly host: HostView;
  readonly condition: Condition;
  /** Why a restart cannot be asked for now. */
  readonly obstacle: string | undefined;
  readonly onRestart: () => void;
}

/** A restart names the start it ends, so there must be one, and a host to tell. */
function obstacleOf(host: HostView, now: number): string | undefined {
  if (host.admission === "waiting") return "after you admit it";
  if (host.admission === "removed") return "this host was removed";
  const unheard = unheardOf(host, now);
  if (unheard !== undefined) return unheard;
  return host.telemetry?.gateway.bootId === undefined ? "needs a gateway that answers" : undefined;
}

function unheardOf(host: HostView, now: number): string | undefined {
  return !host.connected || isSilent(host, now) ? "when it is heard from" : undefined;
}

function Head({ host, condition, obstacle, onRestart }: HeadProps) {
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
            {host.telemetry?.gateway.demo === true && <span class="badge demo">demo</span>}
          </div>
          <HeadLine host={host} />
        </div>
        <div class="restart-action">
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
  const { version, uptimeSeconds, listens } = gateway;
  return [
    ...(version === undefined ? [] : [`OpenClaw ${version}`]),
    ...(uptimeSeconds === undefined ? [] : [`up ${formatSpan(uptimeSeconds)}`]),
    ...(listens.length === 0 ? [] : [listensSentence(listens)]),
  ];
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
