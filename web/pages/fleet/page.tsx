/** The fleet: who needs you, what it costs, every host in one table. Works for one host and for many. */
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Banners } from "../../components/banners.tsx";
import { Lately } from "../../components/lately.tsx";
import { Empty, Tile, TroubleText, Waiting } from "../../components/parts.tsx";
import { OrderDialog } from "../../dialog/order-dialog.tsx";
import type { Wish } from "../../dialog/order-dialog.tsx";
import { formatAge, formatCost, formatCount, formatList, formatNumberOf, unknown } from "../../format.ts";
import { fleetRoute } from "../../router.ts";
import type { FleetRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";
import { bannersOf } from "../../state/banners.ts";
import { mandateObstacle } from "../../state/mandate.ts";
import { endingSoon, isOnlyAdministrator } from "../../state/people.ts";
import { conditionOf, totalsOf, watchesGateway } from "../../state/condition.ts";
import type { FleetTotals } from "../../state/condition.ts";
import type { AlertCounts } from "../../state/host-order.ts";
import { alertCounts, filterHosts, sortHosts } from "../../state/host-order.ts";
import { AddHost, NoHost } from "./add-host.tsx";
import { AgentsCard } from "./agents-card.tsx";
import { AdmissionCard } from "./admission-card.tsx";
import { FleetFilters } from "./filters.tsx";
import { usePicks } from "./picks.ts";
import { SelectBar } from "./select-bar.tsx";
import { FleetTable } from "./table.tsx";

export function FleetPage({ route }: { readonly route: FleetRoute }) {
  // Beside the page's states: hosts that fall silent meanwhile must not take the dialog with them.
  const wish = useSignal<Wish | undefined>(undefined);
  return (
    <>
      <Fleet route={route} onWish={(wanted) => (wish.value ??= wanted)} />
      {wish.value !== undefined && <OrderDialog wish={wish.value} onClosed={() => (wish.value = undefined)} />}
    </>
  );
}

function Fleet({ route, onWish }: Pick<FleetBodyProps, "route" | "onWish">) {
  const { backend } = useApp();
  useEffect(() => backend.watchFleet(), [backend]);
  useEffect(() => backend.activity.watch(), [backend]);
  const fleet = backend.fleet.value;
  if (fleet.state === "loading") return <FleetFrame hosts={[]} body={<Waiting what="Reading the fleet" />} />;
  if (fleet.state === "failed") {
    return (
      <FleetFrame
        hosts={[]}
        body={
          <div class="card">
            <Empty icon="offline" title="The fleet cannot be shown">
              <p>
                <TroubleText trouble={fleet.trouble} />
              </p>
            </Empty>
          </div>
        }
      />
    );
  }
  return <FleetFrame hosts={fleet.value} body={<FleetBody hosts={fleet.value} route={route} onWish={onWish} />} />;
}

function FleetFrame({ hosts, body }: { readonly hosts: readonly HostView[]; readonly body: ComponentChildren }) {
  const { now } = useApp();
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Fleet</h1>
          <FleetSentence hosts={hosts} now={now.value} />
        </div>
        {hosts.some(({ telemetry }) => telemetry?.posture !== undefined) && (
          <a class="btn" href="/posture">
            Hosts and checks
          </a>
        )}
      </div>
      {body}
    </>
  );
}

/** What is so, in one sentence: who runs well, who needs you. */
function FleetSentence({ hosts, now }: { readonly hosts: readonly HostView[]; readonly now: number }) {
  if (hosts.length === 0) return null;
  const conditions = sortHosts(hosts, { sort: "needs-you" }, now).map((host) => ({
    host,
    condition: conditionOf(host, now),
  }));
  const watched = conditions.filter(({ host }) => host.admission === "admitted" && watchesGateway(host));
  const well = watched.filter(({ condition }) => condition.shape === "ok").length;
  const needing = conditions.filter(({ condition }) => condition.urgency > 0);
  const { reach, alerts } = useApp().backend;
  // Nothing new arrives while the control plane is away: say of when this is.
  const asOf = reach.value.state === "lost" ? `As of ${formatAge(now - reach.value.sinceAt)} ago: ` : "";
  const running = `${asOf}${runningWell(well, watched.length)}`;
  const open = alerts.open.value;
  if (needing.length === 0 && open > 0) {
    return (
      <p>
        {running} <a href="/alerts">{formatNumberOf(open, "alert")}</a> {open === 1 ? "is" : "are"} open.
      </p>
    );
  }
  if (needing.length === 0) return <WhatIsOpen running={running} hosts={hosts} />;
  const names = needing.slice(0, 3).map(({ host, condition }) => `${host.label} (${condition.word.toLowerCase()})`);
  return (
    <p>
      {running}{" "}
      <a href="/?show=needs-you">
        {needing.length} {needing.length === 1 ? "needs" : "need"} you
      </a>
      : {formatList(names)}.
    </p>
  );
}

/** A gateway that runs well on a machine that anybody can enter is not well. */
function WhatIsOpen({ running, hosts }: { readonly running: string; readonly hosts: readonly HostView[] }) {
  const open = hosts.filter(({ telemetry }) => ["D", "F"].includes(telemetry?.posture?.grade ?? ""));
  const [first] = open;
  if (first === undefined) return <p>{running} Nothing needs you.</p>;
  return (
    <p>
      {running}{" "}
      {open.length === 1 ? (
        <>
          {first.label} is easy to break into: <a href={`/hosts/${first.id}/posture`}>see its posture</a>.
        </>
      ) : (
        <>
          {open.length} hosts are easy to break into: <a href="/posture?show=failing">see which checks fail</a>.
        </>
      )}
    </p>
  );
}

function runningWell(well: number, all: number): string {
  if (all === 0) return "";
  if (all === 1) return well === 1 ? "Your gateway runs well." : "";
  return well === all ? `All ${all} gateways run well.` : `${well} of ${formatNumberOf(all, "gateway")} run well.`;
}

interface FleetBodyProps {
  readonly hosts: readonly HostView[];
  readonly route: FleetRoute;
  readonly onWish: (wish: Wish) => void;
}

function FleetBody({ hosts, route, onWish }: FleetBodyProps) {
  const { backend, now } = useApp();
  const passkeys = backend.passkeys.value;
  const banners = bannersOf({
    hosts,
    originClass: backend.origin.class,
    ledger: backend.activity.status.value,
    passkeys: passkeys.state === "ready" ? passkeys.value : undefined,
    onlyAdministrator: isOnlyAdministrator(backend.trust.value, backend.person.value?.id),
    ending: backend.trust.value === undefined ? undefined : endingSoon(backend.trust.value, now.value),
  });
  const waiting = hosts.filter(({ admission }) => admission === "waiting");
  if (hosts.length === 0) return <NoHost />;
  return (
    <>
      {waiting.map((host) => (
        <AdmissionCard key={host.id} host={host} />
      ))}
      <Banners all={banners} />
      <Totals hosts={hosts} now={now.value} />
      <HostList hosts={hosts} route={route} now={now.value} onWish={onWish} />
      <AgentsCard
        hosts={hosts}
        now={now.value}
        onWish={onWish}
        lacking={(operation, asked) =>
          mandateObstacle(
            { view: backend.trust.value, person: backend.person.value?.id, now: now.value },
            operation,
            asked.map(({ id }) => id),
          )
        }
      />
      <div class="split">
        <Lately title="Lately" count={5} />
        <AddHost />
      </div>
    </>
  );
}

interface Timed {
  readonly hosts: readonly HostView[];
  readonly now: number;
}

function Totals({ hosts, now }: Timed) {
  const totals = totalsOf(hosts, now);
  const dropped =
    totals.dropped > 0 ? `without ${formatNumberOf(totals.dropped, "host")} silent for over 1 h` : undefined;
  const admitted = hosts.filter(({ admission }) => admission === "admitted");
  const watched = admitted.filter(watchesGateway);
  const answering = watched.filter((host) => conditionOf(host, now).shape === "ok").length;
  const isCounted = totals.counted > 0;
  const runningSub = answering === watched.length ? "all of them" : "see below";
  const noneSub = admitted.length === 0 ? "no host admitted yet" : "none is watched";
  return (
    <div class="tiles n4">
      <Tile
        label="Cost today"
        sub={dropped ?? (isCounted ? `on ${formatNumberOf(totals.counted, "host")}` : NO_FIGURES)}
      >
        {isCounted ? formatCost(totals.costMicros) : <Unknown />}
      </Tile>
      <Tile label="Tokens today" sub={isCounted ? tokenParts(totals) : NO_FIGURES}>
        {isCounted ? formatCount(totals.totalTokens) : <Unknown />}
      </Tile>
      <Tile label="Active sessions" sub={dropped ?? (totals.heard > 0 ? "right now" : NO_FIGURES)}>
        {totals.heard > 0 ? formatCount(totals.activeSessions) : <Unknown />}
      </Tile>
      <Tile label="Gateways running" sub={watched.length === 0 ? noneSub : runningSub}>
        {answering} <span class="faint small">of {watched.length}</span>
      </Tile>
    </div>
  );
}

const NO_FIGURES = "no figures yet";

function Unknown() {
  return <span class="faint">{unknown}</span>;
}

function tokenParts({ inputTokens, cacheReadTokens, outputTokens }: FleetTotals): string {
  const cached = cacheReadTokens > 0 ? `${formatCount(cacheReadTokens)} cached, ` : "";
  return `${formatCount(inputTokens)} in, ${cached}${formatCount(outputTokens)} out`;
}

function HostList({ hosts, route, now, onWish }: Timed & Omit<FleetBodyProps, "hosts">) {
  const { router, backend } = useApp();
  const asker = { view: backend.trust.value, person: backend.person.value?.id, now };
  const alerts = useAlertCounts();
  const shown = sortHosts(filterHosts(hosts, { ...route, alerts }, now), { ...route, alerts }, now);
  const { picks, picked, clear } = usePicks(hosts, shown, now);
  return (
    <div class="stack mid">
      {hosts.length > 1 && <FleetFilters hosts={hosts} route={route} alerts={alerts} now={now} />}
      {shown.length === 0 ? (
        <NoMatch route={route} total={hosts.length} />
      ) : (
        <FleetTable
          hosts={shown}
          order={route}
          alerts={alerts}
          now={now}
          onSort={(sort) => router.go(sortedBy(route, sort), "replace")}
          picks={picks}
        />
      )}
      {picked.length > 0 && (
        <SelectBar
          picked={picked}
          lacking={(operation) =>
            mandateObstacle(
              asker,
              operation,
              picked.map(({ id }) => id),
            )
          }
          onClear={clear}
          onAll={picks?.all === true ? undefined : picks?.onAll}
          onWish={onWish}
        />
      )}
      <p class="tiny faint">
        Cost and tokens are what each gateway last counted. A dashed underline means the figure is older than 5 minutes.
      </p>
    </div>
  );
}

/** The same column again turns it round. */
function sortedBy({ reversed, ...route }: FleetRoute, sort: FleetRoute["sort"]): FleetRoute {
  const turns = route.sort === sort && reversed !== true;
  return { ...route, sort, ...(turns ? { reversed: true } : {}) };
}

function useAlertCounts(): AlertCounts {
  const { alerts } = useApp().backend;
  useEffect(() => alerts.watch(), [alerts]);
  const list = alerts.list.value;
  return useMemo(() => alertCounts(list.state === "ready" ? list.value : []), [list]);
}

function NoMatch({ route, total }: { readonly route: FleetRoute; readonly total: number }) {
  const { router } = useApp();
  const isNarrowed = route.text !== "" || route.state !== undefined || route.version !== undefined;
  const nothingWrong = route.show !== "all" && !isNarrowed;
  return (
    <div class="card">
      <Empty
        icon={nothingWrong ? "ok" : "search"}
        title={nothingWrong ? NOTHING[route.show] : noMatch(route)}
        actions={
          <button class="btn sm" type="button" onClick={() => router.go(fleetRoute, "replace")}>
            Show all hosts
          </button>
        }
      >
        <p>
          {nothingWrong
            ? `${formatNumberOf(total, "host")} checked just now.`
            : `${formatNumberOf(total, "host")} in this workspace. Look for a name, a version, or a state.`}
        </p>
      </Empty>
    </div>
  );
}

const NOTHING = { all: "No host", "needs-you": "Nothing needs you", alerts: "No host has an open alert" } as const;

function noMatch({ text }: FleetRoute): string {
  return text === "" ? "No host matches these choices" : `No host matches “${text}”`;
}
