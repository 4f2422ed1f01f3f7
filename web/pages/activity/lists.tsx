/** The two lists of the activity page: the whole log by index, and what a filter found. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Banner } from "../../components/banner.tsx";
import { Empty, TroubleText } from "../../components/parts.tsx";
import { formatDay, formatEntries, formatIndex, formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { activityRoute, type ActivityRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { LogMatches, LogQuery, MatchesState } from "../../state/ledger.ts";
import { LogRow } from "./entries.tsx";
import { VirtualRows, type Going } from "./virtual-rows.tsx";
import { partWith, rowsThatFit, type Range } from "./window.ts";

/** Asked for around what is seen. */
const AHEAD_ROWS = 60;
/** Whoever reads further down is not moved by what is written meanwhile. */
const STILL_AT_TOP = 2;

interface WholeListProps {
  readonly route: ActivityRoute;
  /** Where to go; a new object goes again. */
  readonly target: { readonly index: number; readonly focus: boolean } | undefined;
}

export function WholeList({ route, target }: WholeListProps) {
  const { activity } = useApp().backend;
  void activity.rows.changed.value;
  const { size: head, droppedTo: floor = 0 } = activity.status.value;
  const pinned = useSignal<number | undefined>(undefined);
  const fit = useSignal(100_000);
  const seen = useSignal<Range>({ first: 0, last: -1 });
  const going = useSignal<Going | undefined>(undefined);
  const top = Math.min(pinned.value ?? head, head);
  const count = Math.max(0, Math.min(fit.value, top - floor));

  const goTo = (index: number, focus: boolean) => {
    const wanted = Math.max(floor + 1, Math.min(head, index));
    const part = partWith(wanted, { top, head, floor, fit: fit.value });
    pinned.value = part.top === head && wanted > head - STILL_AT_TOP ? undefined : part.top;
    going.value = { position: part.top - wanted, focus };
  };
  useEffect(() => {
    if (target !== undefined && head > 0) goTo(target.index, target.focus);
  }, [target, head > 0]);
  const onSeen = (range: Range, rowHeight: number) => {
    seen.value = range;
    fit.value = rowsThatFit(rowHeight);
    if (range.first > STILL_AT_TOP) pinned.value ??= head;
    else if (pinned.value === head) pinned.value = undefined;
    activity.rows.want(top - range.last - AHEAD_ROWS, top - range.first + AHEAD_ROWS);
  };
  const firstSeen = activity.rows.item(top - seen.value.first)?.entry?.at;
  const trouble = activity.rows.trouble.value;
  return (
    <section class="card log" aria-label="Entries">
      <ListHead at={firstSeen}>
        {top < head ? (
          <button class="btn quiet sm" type="button" onClick={() => goTo(head, true)}>
            <Icon name="up" class="s" />
            {formatNumberOf(head - top, "newer entry", "newer entries")}
          </button>
        ) : (
          <span class="num">{formatEntries(head - floor)}</span>
        )}
      </ListHead>
      {trouble !== undefined && (
        <Banner tone="warn" icon="offline" live>
          <TroubleText trouble={trouble} />
        </Banner>
      )}
      <VirtualRows
        label="Entries, newest first"
        count={count}
        isOpenEnded={false}
        going={going.value}
        onSeen={onSeen}
        row={(position, isCurrent) => {
          const index = top - position;
          return <LogRow index={index} item={activity.rows.item(index)} route={route} isCurrent={isCurrent} />;
        }}
      />
      {top - count > floor ? (
        <div class="row card-body">
          <button class="btn sm" type="button" onClick={() => goTo(top - count, true)}>
            <Icon name="down" class="s" />
            Older entries
          </button>
        </div>
      ) : (
        floor > 0 && <Dropped to={floor} />
      )}
    </section>
  );
}

function ListHead({ at, children }: { readonly at: number | undefined; readonly children: ComponentChildren }) {
  const { now } = useApp();
  return (
    <h2 class="day">
      <span>{at === undefined ? "Entries" : formatDay(at, now.value)}</span>
      {children}
    </h2>
  );
}

function Dropped({ to }: { readonly to: number }) {
  return (
    <p class="card-body small muted">
      Entries 1 to {formatIndex(to)} were exported and dropped, as <a href="/activity/keeping">kept</a> long enough.
      Their hashes stay, so everything above still proves itself.
    </p>
  );
}

interface FoundListProps {
  readonly route: ActivityRoute;
  readonly query: LogQuery;
  /** Another query has another key. */
  readonly name: string;
}

export function FoundList({ route, query, name }: FoundListProps) {
  const { activity } = useApp().backend;
  const matches = useSignal<LogMatches | undefined>(undefined);
  useEffect(() => {
    const found = activity.find(query);
    matches.value = found;
    return () => found.stop();
  }, [activity, name]);
  return matches.value === undefined ? null : <Found matches={matches.value} route={route} />;
}

/** Looks in a row that found nothing, after which a person decides whether to look on. */
const MAX_EMPTY_LOOKS = 3;

function Found({ matches, route }: { readonly matches: LogMatches; readonly route: ActivityRoute }) {
  const items = matches.items.value;
  const state = matches.state.value;
  const seen = useSignal<Range>({ first: 0, last: -1 });
  const empty = useRef({ looks: 0, count: 0 });
  useEffect(() => {
    if (state.looking || state.end !== "more" || state.trouble !== undefined) return;
    if (empty.current.count !== items.length) empty.current = { looks: 0, count: items.length };
    if (seen.value.last < items.length - AHEAD_ROWS || empty.current.looks >= MAX_EMPTY_LOOKS) return;
    empty.current.looks += 1;
    matches.more();
  }, [state, seen.value]);
  if (items.length === 0 && state.end === "all") return <NoEntry />;
  return (
    <section class="card log" aria-label="Entries">
      <ListHead at={items[seen.value.first]?.entry?.at}>
        <span class="num">
          {formatEntries(items.length)}
          {state.end === "all" ? "" : " so far"}
        </span>
      </ListHead>
      <VirtualRows
        label="Entries that match, newest first"
        count={items.length}
        isOpenEnded={state.end !== "all"}
        going={undefined}
        onSeen={(range) => (seen.value = range)}
        row={(position, isCurrent) => {
          const item = items[position];
          return item === undefined ? null : (
            <LogRow index={item.index} item={item} route={route} isCurrent={isCurrent} />
          );
        }}
      />
      <FoundFoot state={state} onMore={() => matches.more()} />
    </section>
  );
}

function FoundFoot({ state, onMore }: { readonly state: MatchesState; readonly onMore: () => void }) {
  if (state.trouble !== undefined) {
    return (
      <Banner
        tone="warn"
        icon="offline"
        live
        act={
          <button class="btn sm" type="button" onClick={onMore}>
            Retry
          </button>
        }
      >
        <TroubleText trouble={state.trouble} />
      </Banner>
    );
  }
  return (
    <div class="card-body row wrap small muted" role="status">
      <span class="grow">{footWords(state)}</span>
      {!state.looking && state.end === "more" && (
        <button class="btn sm" type="button" onClick={onMore}>
          Look further back
        </button>
      )}
    </div>
  );
}

/** What an edge leaves out of an answer nobody can see in it. */
function footWords({ looking, end, scanned }: MatchesState): string {
  if (looking) return "Looking further back.";
  switch (end) {
    case "all":
      return "Each entry is proven by itself. The edge chose them: what it left out would not show here, only in the whole log.";
    case "full":
      return "As many as this page holds. Narrow the time, or take a copy of everything.";
    case "more":
      return `Looked back to entry #${formatIndex(scanned)}. Each entry is proven by itself; what the edge left out would not show.`;
  }
}

function NoEntry() {
  const { router } = useApp();
  return (
    <div class="card">
      <Empty
        icon="search"
        title="No entry matches"
        actions={
          <button class="btn sm" type="button" onClick={() => router.go(activityRoute, "replace")}>
            Show all entries
          </button>
        }
      >
        <p>The edge was asked down to the first entry. What it left out would not show here, only in the whole log.</p>
      </Empty>
    </div>
  );
}
