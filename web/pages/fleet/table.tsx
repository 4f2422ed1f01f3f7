/** The table of hosts. Below 768 px the same rows are cards; explicit roles keep it a table for a screen reader. */
import { Cost, MaybeStale, staleSince } from "../../components/usage.tsx";
import { State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatCount, unknown } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import type { FleetSort } from "../../router.ts";
import type { HostView } from "../../state/backend.ts";
import { conditionOf, isSilent } from "../../state/condition.ts";
import { unpickable, type Selection } from "../../state/selection.ts";

interface Column {
  readonly sort?: FleetSort;
  readonly label: string;
  readonly class?: string;
}

const columns: readonly Column[] = [
  { sort: "name", label: "Host" },
  { sort: "needs-you", label: "State" },
  { label: "Version", class: "col-lo" },
  { sort: "cost", label: "Cost today", class: "r" },
  { label: "Tokens today", class: "r col-lo" },
  { sort: "sessions", label: "Sessions", class: "r col-lo" },
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
  readonly sort: FleetSort;
  readonly now: number;
  readonly onSort: (sort: FleetSort) => void;
  readonly picks?: Picks | undefined;
}

export function FleetTable({ hosts, sort, now, onSort, picks }: FleetTableProps) {
  return (
    <div class="card fleet-card">
      <div class="table-wrap">
        <table
          class="table fleet"
          role="table"
          aria-label={sort === "needs-you" ? "Hosts, those that need you first" : "Hosts"}
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
                <Head key={column.label} column={column} sort={sort} onSort={onSort} />
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {hosts.map((host) => (
              <HostRow key={host.id} host={host} now={now} picks={picks} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

interface HeadProps {
  readonly column: Column;
  readonly sort: FleetSort;
  readonly onSort: (sort: FleetSort) => void;
}

function Head({ column, sort, onSort }: HeadProps) {
  const by = column.sort;
  const active = by === sort;
  return (
    <th
      role="columnheader"
      scope="col"
      class={column.class}
      aria-sort={active ? (by === "name" || by === "seen" ? "ascending" : "descending") : undefined}
    >
      {by === undefined ? (
        column.label
      ) : (
        <button class="sort" type="button" onClick={() => onSort(by)}>
          {column.label}
          {active && <Icon name="down" />}
        </button>
      )}
    </th>
  );
}

function Seen({ at }: { readonly at: number | undefined }) {
  return at === undefined ? <>never</> : <Relative at={at} />;
}

interface HostRowProps {
  readonly host: HostView;
  readonly now: number;
  readonly picks: Picks | undefined;
}

function Pick({ host, now, picks }: HostRowProps & { readonly picks: Picks }) {
  const obstacle = unpickable(host, now);
  const why = `pick-${host.id}`;
  return (
    <td role="cell" class="c-pick">
      <input
        class="check"
        type="checkbox"
        aria-label={`Pick ${host.label}`}
        checked={obstacle === undefined && picks.selection.has(host.id)}
        disabled={obstacle !== undefined}
        title={obstacle}
        aria-describedby={obstacle === undefined ? undefined : why}
        onClick={(event) => picks.onPick(host.id, event.shiftKey)}
      />
      {obstacle !== undefined && (
        <span class="sr" id={why}>
          {obstacle}
        </span>
      )}
    </td>
  );
}

function HostRow({ host, now, picks }: HostRowProps) {
  const condition = conditionOf(host, now);
  const { telemetry } = host;
  const silent = isSilent(host, now);
  const since = staleSince(host, now);
  return (
    <tr role="row" aria-selected={picks?.selection.has(host.id) === true ? "true" : undefined}>
      {picks !== undefined && <Pick host={host} now={now} picks={picks} />}
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
      <td role="cell" class={silent ? "c-seen r t-warn medium" : "c-seen r"}>
        <Seen at={host.lastSeenAt} />
      </td>
    </tr>
  );
}
