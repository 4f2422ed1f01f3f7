/**
 * One host: a head with what can be done to its gateway, and a tab for each kind of thing it has. Live while it is open.
 * Commands are asked for here; the dialog does the rest. Each tab's script is fetched when it is opened.
 */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Banners, FoldedBanners } from "../../components/banners.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { OrderDialog } from "../../dialog/order-dialog.tsx";
import { hostTabs, type HostRoute, type HostTab } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { HostView, OperationId } from "../../state/backend.ts";
import { bannersOf } from "../../state/banners.ts";
import { mandateObstacle, type Asker } from "../../state/mandate.ts";
import { isOnlyAdministrator } from "../../state/people.ts";
import { conditionOf, isSilent, restarting } from "../../state/condition.ts";
import { obstacleFor } from "../../state/selection.ts";
import { listenForKeys } from "../../state/keys.ts";
import { restartAskedAt } from "../../state/restart-asked.ts";
import { AdmissionCard } from "../fleet/admission-card.tsx";
import { AfterNote } from "./after-note.tsx";
import { CourseNote } from "./course-note.tsx";
import { DeskContext, type HostDesk } from "./desk.ts";
import { Head } from "./head.tsx";
import { OtherCommands } from "./other-commands.tsx";
import { OverviewTab, type OverviewProps } from "./overview-tab.tsx";
import { Removal } from "./removal.tsx";
import { createTabs } from "./tabs.ts";
import { useAsking } from "./use-asking.ts";
import { useHistory } from "./history.ts";

export function HostPage({ route }: { readonly route: HostRoute }) {
  const { backend } = useApp();
  const { id } = route;
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
  return view.value === undefined ? <NoSuchHost id={id} /> : <Known host={view.value} route={route} />;
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

interface KnownProps {
  readonly host: HostView;
  readonly route: HostRoute;
}

function Known({ host, route }: KnownProps) {
  const { backend, router, now } = useApp();
  const asking = useAsking(host);
  const asker: Asker = { view: backend.trust.value, person: backend.person.value?.id, now: now.value };
  const lacking = (operation: OperationId) => mandateObstacle(asker, operation, [host.id]);
  const view = useMemo<HostDesk["view"]>(
    () => (part) => {
      const at = router.route.peek();
      if (at.page !== "host") return;
      // Closing what is open, typing and sorting do not fill the history.
      router.go({ ...at, ...part }, "replace");
    },
    [router],
  );
  const desk: HostDesk = {
    host,
    route,
    view,
    ask: asking.ask,
    obstacle: (operation) =>
      notAdmitted(host) ?? unheardOf(host, now.value) ?? obstacleFor(operation, [host]) ?? lacking(operation),
    grants: asking.grants,
    dropGrants: asking.dropGrants,
    round: asking.round,
  };
  return (
    <DeskContext.Provider value={desk}>
      <Shown desk={desk} lacking={lacking} after={<AfterNote done={asking.done} onClosed={asking.clear} />} />
      {asking.wish !== undefined && (
        <OrderDialog wish={asking.wish} onClosed={asking.close} onReceipt={asking.onReceipt} />
      )}
    </DeskContext.Provider>
  );
}

interface ShownProps {
  readonly desk: HostDesk;
  readonly lacking: (operation: OperationId) => string | undefined;
}

/** `after`: what was just carried out, above what it changed. */
function Shown({ desk, lacking, after }: ShownProps & { readonly after: ComponentChildren }) {
  const { backend, now } = useApp();
  const { host, route, ask } = desk;
  const obstacle = obstacleOf(host, now.value) ?? lacking("gateway.restart@1");
  const restart = useMemo(() => () => ask({ operation: "gateway.restart@1" }), [ask]);
  const mayRestart = obstacle === undefined;
  useEffect(() => {
    if (!mayRestart) return undefined;
    return listenForKeys(window, () => [{ keys: "R", does: "restart…", run: restart }]);
  }, [mayRestart, restart]);
  const history = useHistory(host);
  const log = backend.activity.entries.value;
  const askedAt =
    log.state === "ready" && !isSilent(host, now.value) ? restartAskedAt(host, log.value, now.value) : undefined;
  const condition = askedAt === undefined ? conditionOf(host, now.value) : restarting;
  const isOverview = route.tab === undefined || host.admission !== "admitted";
  return (
    <>
      <Head condition={condition} obstacle={obstacle} onRestart={restart} />
      <CourseNote host={host} watch={history.watch} askedAt={askedAt} />
      {host.admission === "waiting" && <AdmissionCard host={host} />}
      <HostBanners host={host} isFolded={!isOverview || route.of !== undefined} />
      {after}
      {host.admission === "admitted" && <Tabs host={host} route={route} />}
      {isOverview ? (
        <Overview condition={condition} history={history} lacking={lacking} desk={desk} />
      ) : (
        <Tab name={route.tab} />
      )}
    </>
  );
}

function Overview({ condition, history, lacking, desk }: OverviewProps & ShownProps) {
  const { now } = useApp();
  const { host, ask } = desk;
  return (
    <>
      <OverviewTab condition={condition} history={history} />
      {host.admission === "admitted" && (
        <OtherCommands
          obstacle={unheardOf(host, now.value)}
          lacking={lacking}
          onAsk={(operation) => ask({ operation })}
        />
      )}
      <Removal host={host} />
    </>
  );
}

/** `isFolded`: something of the host was opened, and on a phone it should be in sight. */
function HostBanners({ host, isFolded }: { readonly host: HostView; readonly isFolded: boolean }) {
  const { backend } = useApp();
  const passkeys = backend.passkeys.value;
  const banners = bannersOf({
    hosts: [host],
    originClass: backend.origin.class,
    ledger: backend.activity.status.value,
    passkeys: passkeys.state === "ready" ? passkeys.value : undefined,
    onlyAdministrator: isOnlyAdministrator(backend.trust.value, backend.person.value?.id),
    // Never witnessed is a fact of the workspace; the fleet page says it.
  }).filter(({ kind }) => kind !== "never-witnessed");
  return isFolded ? <FoldedBanners all={banners} /> : <Banners all={banners} />;
}

const names = {
  overview: "Overview",
  posture: "Posture",
  agents: "Agents",
  sessions: "Sessions",
  schedule: "Schedule",
  channels: "Channels",
  devices: "Devices",
  extensions: "Extensions",
  configuration: "Configuration",
  log: "Log",
  approvals: "Approvals",
} as const satisfies Record<HostTab, string>;

function Tabs({ host, route }: KnownProps) {
  const waiting = host.telemetry?.questions?.waiting ?? 0;
  const current = route.tab ?? "overview";
  const list = useRef<HTMLElement>(null);
  // On a phone the row of tabs is longer than the window: the present one is in sight.
  useEffect(() => {
    const [here, row] = [list.current?.querySelector<HTMLElement>("[aria-current]"), list.current];
    if (here === null || here === undefined || row === null) return;
    row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  }, [current]);
  return (
    <nav class="tabs" ref={list} aria-label={`Parts of ${host.label}`}>
      {hostTabs.map((tab) => (
        <a
          key={tab}
          href={tab === "overview" ? `/hosts/${host.id}` : `/hosts/${host.id}/${tab}`}
          aria-current={tab === current ? "page" : undefined}
        >
          {names[tab]}
          {tab === "approvals" && waiting > 0 && (
            <>
              {" "}
              <span class="badge critical">
                {waiting}
                <span class="sr"> waiting</span>
              </span>
            </>
          )}
        </a>
      ))}
    </nav>
  );
}

function Tab({ name }: { readonly name: HostTab | undefined }): ComponentChildren {
  const tabs = useMemo(createTabs, []);
  if (name === undefined || name === "overview") return null;
  const { View } = tabs[name];
  return <View key={name} />;
}

/** A restart names the start it ends, so there must be one, and a host to tell. */
function obstacleOf(host: HostView, now: number): string | undefined {
  const absent = notAdmitted(host) ?? unheardOf(host, now);
  if (absent !== undefined) return absent;
  return host.telemetry?.gateway.bootId === undefined ? "needs a gateway that answers" : undefined;
}

function notAdmitted(host: HostView): string | undefined {
  if (host.admission === "waiting") return "after you admit it";
  return host.admission === "removed" ? "this host was removed" : undefined;
}

function unheardOf(host: HostView, now: number): string | undefined {
  return !host.connected || isSilent(host, now) ? "when it is heard from" : undefined;
}
