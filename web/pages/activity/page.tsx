/**
 * The ledger, for people: every action in order, by day, each with the seal this browser gave it, and a drawer that
 * shows what was checked. It never says "verified" for anything it did not compute.
 */
import { useEffect } from "preact/hooks";
import { LedgerBroken } from "../../components/banners.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { SealWith } from "../../components/state.tsx";
import { formatCount, formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { activityFilters, activityRoute } from "../../router.ts";
import type { ActivityFilter, Route } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { LedgerEntry, LedgerStatus } from "../../state/backend.ts";
import { ProofDrawer } from "./drawer.tsx";
import { EntryList } from "./entries.tsx";
import { filterEntries, wasRefused } from "./filter.ts";
import { SignatureTable } from "./signature-table.tsx";

type ActivityRoute = Extract<Route, { page: "activity" }>;

export function ActivityPage({ route }: { readonly route: ActivityRoute }) {
  const { backend } = useApp();
  useEffect(() => backend.activity.watch(), [backend]);
  const status = backend.activity.status.value;
  const entries = backend.activity.entries.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Activity</h1>
          <p>
            Every action, in order. <StatusSeal status={status} />
          </p>
        </div>
      </div>
      {status.failure !== undefined && <LedgerBroken failure={status.failure} live />}
      {entries.state === "loading" && <Waiting what="Reading the ledger" />}
      {entries.state === "failed" && (
        <div class="card">
          <Empty icon="offline" title="The ledger cannot be shown">
            <p>
              <TroubleText trouble={entries.trouble} />
            </p>
          </Empty>
        </div>
      )}
      {entries.state === "ready" && <Ledger entries={entries.value} route={route} />}
    </>
  );
}

function StatusSeal({ status }: { readonly status: LedgerStatus }) {
  const { size, verified, failure } = status;
  if (failure !== undefined) return <SealWith state="failed">Fails at entry #{formatCount(failure.index)}</SealWith>;
  if (size === 0) return <SealWith state="unverified">Nothing to verify yet</SealWith>;
  if (verified < size) {
    return (
      <SealWith state="unverified">
        Checking {formatCount(verified)} of {formatCount(size)}
      </SealWith>
    );
  }
  return <SealWith state="verified">All {formatNumberOf(size, "entry", "entries")} verified in this browser</SealWith>;
}

const filterLabels = {
  all: "All",
  commands: "Commands",
  refused: "Refused",
  signatures: "Signatures",
  "sign-ins": "Sign-ins",
  trust: "Trust",
} satisfies Record<ActivityFilter, string>;

interface LedgerProps {
  readonly entries: readonly LedgerEntry[];
  readonly route: ActivityRoute;
}

function Ledger({ entries, route }: LedgerProps) {
  const { router } = useApp();
  const shown = filterEntries(entries, route);
  const { entry: open } = route;
  return (
    <>
      <Filters entries={entries} route={route} />
      <div class={open === undefined ? "stack" : "with-drawer"}>
        <div class="stack mid">
          {shown.length === 0 ? <NoEntry route={route} /> : <Entries entries={shown} route={route} />}
        </div>
        {open !== undefined && (
          <ProofDrawer
            index={open}
            onClose={() => router.go({ page: "activity", show: route.show, text: route.text })}
          />
        )}
      </div>
    </>
  );
}

function Entries({ entries, route }: LedgerProps) {
  if (route.show === "signatures") return <SignatureTable entries={entries} route={route} />;
  return <EntryList entries={entries} route={route} />;
}

function Filters({ entries, route }: LedgerProps) {
  const { router } = useApp();
  const refused = entries.filter(wasRefused).length;
  const change = (part: Partial<ActivityRoute>) => router.go({ ...route, ...part }, "replace");
  return (
    <div class="filters">
      <div class="input-icon">
        <Icon name="search" class="s" />
        <label class="sr" for="q">
          Search activity
        </label>
        <input
          class="input"
          id="q"
          type="search"
          placeholder="Person, host or entry number"
          value={route.text}
          onInput={(event) => change({ text: event.currentTarget.value })}
        />
        <kbd class="wide-only">/</kbd>
      </div>
      <div class="filters scroll" role="group" aria-label="Filter">
        {activityFilters.map((filter) => (
          <button
            key={filter}
            class="chip"
            type="button"
            aria-pressed={route.show === filter}
            onClick={() => change({ show: filter })}
          >
            {filterLabels[filter]} {filter === "refused" && <span class="n">{refused}</span>}
          </button>
        ))}
      </div>
    </div>
  );
}

function NoEntry({ route }: { readonly route: ActivityRoute }) {
  const { router } = useApp();
  const filtered = route.text !== "" || route.show !== "all";
  return (
    <div class="card">
      <Empty
        icon={filtered ? "search" : "activity"}
        title={filtered ? "No entry matches" : "Nothing has happened yet"}
        actions={
          filtered ? (
            <button class="btn sm" type="button" onClick={() => router.go(activityRoute, "replace")}>
              Show all entries
            </button>
          ) : undefined
        }
      >
        <p>
          {filtered
            ? "Among the entries loaded here. Older ones may match: show them below."
            : "The first sign-in or command will be the first entry."}
        </p>
      </Empty>
    </div>
  );
}
