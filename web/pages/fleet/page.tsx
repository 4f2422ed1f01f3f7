/** The fleet: who needs you, what it costs, every host in one table. Works for one host and for many. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Banners } from "../../components/banners.tsx";
import { Lately } from "../../components/lately.tsx";
import { Empty, Tile, TroubleText, Waiting } from "../../components/parts.tsx";
import { OrderDialog } from "../../dialog/order-dialog.tsx";
import type { Wish } from "../../dialog/order-dialog.tsx";
import { formatAge, formatCost, formatCount, formatList, formatNumberOf, unknown } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { fleetRoute } from "../../router.ts";
import type { Route } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";
import { bannersOf } from "../../state/banners.ts";
import { mandateObstacle } from "../../state/mandate.ts";
import { endingSoon, isOnlyAdministrator } from "../../state/people.ts";
import { conditionOf, totalsOf, watchesGateway } from "../../state/condition.ts";
import type { FleetTotals } from "../../state/condition.ts";
import { filterHosts, sortHosts } from "../../state/host-order.ts";
import { AddHost, NoHost } from "./add-host.tsx";
import { AdmissionCard } from "./admission-card.tsx";
import { usePicks } from "./picks.ts";
import { SelectBar } from "./select-bar.tsx";
import { FleetTable } from "./table.tsx";

type FleetRoute = Extract<Route, { page: "fleet" }>;

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
      </div>
      {body}
    </>
  );
}

/** What is so, in one sentence: who runs well, who needs you. */
function FleetSentence({ hosts, now }: { readonly hosts: readonly HostView[]; readonly now: number }) {
  if (hosts.length === 0) return null;
  const conditions = sortHosts(hosts, "needs-you", now).map((host) => ({ host, condition: conditionOf(host, now) }));
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
  if (needing.length === 0) return <p>{running} Nothing needs you.</p>;
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
  const shown = sortHosts(filterHosts(hosts, route, now), route.sort, now);
  const needing = hosts.filter((host) => conditionOf(host, now).urgency > 0).length;
  const change = (part: Partial<FleetRoute>) => router.go({ ...route, ...part }, "replace");
  const { picks, picked, clear } = usePicks(hosts, shown, now);
  return (
    <div class="stack mid">
      {hosts.length > 1 && (
        <div class="filters">
          <div class="input-icon">
            <Icon name="search" class="s" />
            <label class="sr" for="q">
              Find a host
            </label>
            <input
              class="input"
              id="q"
              type="search"
              placeholder="Name, version or state"
              value={route.text}
              onInput={(event) => change({ text: event.currentTarget.value })}
            />
            <kbd class="wide-only">/</kbd>
          </div>
          <div class="filters scroll" role="group" aria-label="Filter">
            <button
              class="chip"
              type="button"
              aria-pressed={route.show === "all"}
              onClick={() => change({ show: "all" })}
            >
              All <span class="n">{hosts.length}</span>
            </button>
            <button
              class="chip"
              type="button"
              aria-pressed={route.show === "needs-you"}
              onClick={() => change({ show: "needs-you" })}
            >
              <Icon name="warn" class="s" />
              Needs you <span class="n">{needing}</span>
            </button>
          </div>
        </div>
      )}
      {shown.length === 0 ? (
        <NoMatch route={route} total={hosts.length} />
      ) : (
        <FleetTable hosts={shown} sort={route.sort} now={now} onSort={(sort) => change({ sort })} picks={picks} />
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

function NoMatch({ route, total }: { readonly route: FleetRoute; readonly total: number }) {
  const { router } = useApp();
  const nothingWrong = route.show === "needs-you" && route.text === "";
  return (
    <div class="card">
      <Empty
        icon={nothingWrong ? "ok" : "search"}
        title={nothingWrong ? "Nothing needs you" : `No host matches “${route.text}”`}
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
