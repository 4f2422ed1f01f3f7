/** The table of hosts. Below 768 px the same rows are cards; explicit roles keep it a table for a screen reader. */
import type { VNode } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { Cost, MaybeStale, staleSince } from "../../components/usage.tsx";
import { GradeMark } from "../../components/grade.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatCount, formatNumberOf, unknown } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import type { FleetRoute, FleetSort } from "../../router.ts";
import type { HostView } from "../../state/backend.ts";
import { conditionOf, isSilent } from "../../state/condition.ts";
import type { AlertCounts } from "../../state/host-order.ts";
import { unpickable, type Selection } from "../../state/selection.ts";

interface Column {
  readonly sort: FleetSort;
  readonly label: string;
  readonly class?: string;
}

const columns: readonly Column[] = [
  { sort: "posture", label: "Posture", class: "c-posture" },
  { sort: "name", label: "Host" },
  { sort: "needs-you", label: "State" },
  { sort: "version", label: "Version", class: "col-lo" },
  { sort: "cost", label: "Cost today", class: "r" },
  { sort: "tokens", label: "Tokens today", class: "r col-lo" },
  { sort: "sessions", label: "Sessions", class: "r col-lo" },
  { sort: "alerts", label: "Alerts", class: "r" },
  { sort: "seen", label: "Last seen", class: "r" },
];

/** What is picked, and how to pick. Absent where there is nothing to choose among. */
export interface Picks {
  readonly selection: Selection;
  readonly all: boolean;
  readonly onAll: () => void;
  /** `range`: from the last one picked, as with Shift. */
  readonly onPick: (id: string, range: boolean) => void;
}

interface FleetTableProps {
  readonly hosts: readonly HostView[];
  readonly order: Pick<FleetRoute, "sort" | "reversed">;
  readonly alerts: AlertCounts;
  readonly now: number;
  readonly onSort: (sort: FleetSort) => void;
  readonly picks?: Picks | undefined;
}

export function FleetTable({ hosts, order, alerts, now, onSort, picks }: FleetTableProps) {
  const rowOf = useRows(picks);
  return (
    <div class="card fleet-card">
      <div class="table-wrap">
        <table
          class="table fleet"
          role="table"
          aria-label={order.sort === "needs-you" ? "Hosts, those that need you first" : "Hosts"}
        >
          <thead role="rowgroup">
            <tr role="row">
              {picks !== undefined && (
                <th role="columnheader" scope="col" class="c-pick">
                  <input
                    class="check"
                    type="checkbox"
                    aria-label="Pick all shown hosts"
                    checked={picks.all}
                    onChange={picks.onAll}
                  />
                </th>
              )}
              {columns.map((column) => (
                <Head key={column.label} column={column} order={order} onSort={onSort} />
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">{hosts.map((host) => rowOf({ host, alerts: alerts.get(host.id) ?? 0, now }))}</tbody>
        </table>
      </div>
    </div>
  );
}

interface HeadProps {
  readonly column: Column;
  readonly order: FleetTableProps["order"];
  readonly onSort: (sort: FleetSort) => void;
}

/** From the smallest, the first of the alphabet, the longest ago. */
const ascending: ReadonlySet<FleetSort> = new Set(["name", "posture", "version", "seen"]);

function Head({ column, order, onSort }: HeadProps) {
  const by = column.sort;
  const active = by === order.sort;
  const isUp = ascending.has(by) !== (order.reversed === true);
  return (
    <th
      role="columnheader"
      scope="col"
      class={column.class}
      aria-sort={active ? (isUp ? "ascending" : "descending") : undefined}
    >
      <button class="sort" type="button" onClick={() => onSort(by)}>
        {column.label}
        {active && <Icon name="down" class={order.reversed === true ? "turned" : undefined} />}
      </button>
    </th>
  );
}

function Seen({ at }: { readonly at: number | undefined }) {
  return at === undefined ? <>never</> : <Relative at={at} />;
}

interface KeptRow {
  readonly host: HostView;
  readonly looks: string;
  readonly row: VNode;
}

/**
 * A row that looks as it did is not made again: with 200 hosts a key in the search field or a second that passes would
 * otherwise make all of them.
 */
function useRows(picks: Picks | undefined): (row: Pick<HostRowProps, "host" | "alerts" | "now">) => VNode {
  const kept = useRef(new Map<string, KeptRow>());
  const latest = useRef(picks);
  latest.current = picks;
  const onPick = useMemo((): Picks["onPick"] => (id, range) => latest.current?.onPick(id, range), []);
  return ({ host, alerts, now }) => {
    const isPicked = picks?.selection.has(host.id);
    const { shape, word } = conditionOf(host, now);
    const obstacle = picks === undefined ? undefined : unpickable(host, now);
    const ages = [isSilent(host, now), staleSince(host, now)];
    const looks = JSON.stringify([shape, word, alerts, isPicked, obstacle, ages]);
    const before = kept.current.get(host.id);
    if (before?.host === host && before.looks === looks) return before.row;
    const pick = isPicked === undefined ? undefined : { isPicked, onPick };
    const row = <HostRow key={host.id} host={host} alerts={alerts} now={now} pick={pick} />;
    kept.current.set(host.id, { host, looks, row });
    return row;
  };
}

interface Pickable {
  readonly isPicked: boolean;
  readonly onPick: Picks["onPick"];
}

interface HostRowProps {
  readonly host: HostView;
  readonly alerts: number;
  readonly now: number;
  readonly pick: Pickable | undefined;
}

function PickCell({ host, now, pick }: Omit<HostRowProps, "alerts"> & { readonly pick: Pickable }) {
  const obstacle = unpickable(host, now);
  const why = `pick-${host.id}`;
  return (
    <td role="cell" class="c-pick">
      <input
        class="check"
        type="checkbox"
        aria-label={`Pick ${host.label}`}
        checked={obstacle === undefined && pick.isPicked}
        disabled={obstacle !== undefined}
        title={obstacle}
        aria-describedby={obstacle === undefined ? undefined : why}
        onClick={(event) => pick.onPick(host.id, event.shiftKey)}
      />
      {obstacle !== undefined && (
        <span class="sr" id={why}>
          {obstacle}
        </span>
      )}
    </td>
  );
}

function AlertsCell({ host, alerts }: Pick<HostRowProps, "host" | "alerts">) {
  return (
    <td role="cell" class="c-alerts r">
      {alerts === 0 ? (
        <span class="faint">0</span>
      ) : (
        <a class="t-warn medium" href="/alerts" aria-label={`${formatNumberOf(alerts, "alert")} of ${host.label}`}>
          {formatCount(alerts)}
        </a>
      )}
    </td>
  );
}

/** A host that is silent could be in any state by now. */
function PostureCell({ host, isSilent: isOld }: { readonly host: HostView; readonly isSilent: boolean }) {
  return (
    <td role="cell" class="c-posture">
      <a href={`/hosts/${host.id}/posture`}>
        <GradeMark grade={isOld ? undefined : host.telemetry?.posture?.grade} />
        <span class="sr"> of {host.label}</span>
      </a>
    </td>
  );
}

/** Cards have no room for what is not the case. */
const rowClass = (alerts: number): string => (alerts === 0 ? "quiet-row" : "");

function HostRow({ host, alerts, now, pick }: HostRowProps) {
  const condition = conditionOf(host, now);
  const { telemetry } = host;
  const silent = isSilent(host, now);
  const since = staleSince(host, now);
  return (
    <tr role="row" class={rowClass(alerts)} aria-selected={pick?.isPicked === true ? "true" : undefined}>
      {pick !== undefined && <PickCell host={host} now={now} pick={pick} />}
      <PostureCell host={host} isSilent={silent} />
      <th role="rowheader" scope="row" class="c-host">
        <span class="host-name">
          <a href={`/hosts/${host.id}`}>
            <bdi>{host.label}</bdi>
          </a>
          <small>{host.colocated ? "beside the edge" : host.id}</small>
        </span>
      </th>
      <td role="cell" class="c-state">
        <State shape={condition.shape}>{condition.word}</State>
        {telemetry?.gateway.demo === true && <span class="badge demo">demo</span>}
      </td>
      <td role="cell" class="c-version col-lo num">
        {telemetry?.gateway.version ?? <span class="faint">{unknown}</span>}
      </td>
      <td role="cell" class="c-cost r">
        <Cost host={host} now={now} />
      </td>
      <td role="cell" class="c-tokens r col-lo">
        {telemetry?.usage === undefined ? (
          <span class="faint">{unknown}</span>
        ) : (
          <MaybeStale since={since}>{formatCount(telemetry.usage.totalTokens)}</MaybeStale>
        )}
      </td>
      <td role="cell" class="c-sessions r col-lo">
        {silent || telemetry?.sessions === undefined ? unknown : formatCount(telemetry.sessions.active)}
      </td>
      <AlertsCell host={host} alerts={alerts} />
      <td role="cell" class={silent ? "c-seen r t-warn medium" : "c-seen r"}>
        <Seen at={host.lastSeenAt} />
      </td>
    </tr>
  );
}
