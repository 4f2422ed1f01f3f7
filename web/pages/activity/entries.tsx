/** Entries by day: what happened in a sentence, from where, when, and its seal. */
import { SealMark } from "../../components/state.tsx";
import { Clock } from "../../components/time.tsx";
import { formatDay, formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { formatRoute } from "../../router.ts";
import type { Route } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { LedgerEntry } from "../../state/backend.ts";
import { groupByDay, wasRefused } from "./filter.ts";
import { Sentence, iconOf } from "./sentences.tsx";

interface EntryListProps {
  readonly entries: readonly LedgerEntry[];
  readonly route: Extract<Route, { page: "activity" }>;
}

export function EntryList({ entries, route }: EntryListProps) {
  const { now } = useApp();
  return (
    <section class="card" aria-label="Entries">
      {groupByDay(entries).map((day) => (
        <div key={day.key} class="day-group">
          <h2 class="day">
            <span>{formatDay(day.at, now.value)}</span>
            <span>{formatNumberOf(day.entries.length, "entry", "entries")}</span>
          </h2>
          <ul class="entries">
            {day.entries.map((entry) => (
              <Entry key={entry.index} entry={entry} route={route} />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

interface EntryProps {
  readonly entry: LedgerEntry;
  readonly route: Extract<Route, { page: "activity" }>;
}

function Entry({ entry, route }: EntryProps) {
  const open = route.entry === entry.index;
  const failed = entry.seal.state === "failed";
  return (
    <li class={open ? "open" : undefined}>
      <Icon name={failed ? "bad" : iconOf(entry)} class={failed ? "t-bad" : undefined} />
      <a class="say" href={formatRoute({ ...route, entry: entry.index })} aria-current={open ? "true" : undefined}>
        <Sentence entry={entry} />
      </a>
      <span class="meta">
        <Meta entry={entry} />
      </span>
      <span class="seal">
        <Clock at={entry.at} />
        <SealMark seal={entry.seal} />
      </span>
    </li>
  );
}

function Meta({ entry }: { readonly entry: LedgerEntry }) {
  const { detail, source, partner } = entry;
  return (
    <>
      <span class="num">#{entry.index}</span>
      {wasRefused(entry) && detail.code !== undefined && (
        <span>
          rule <code>{detail.code}</code>
        </span>
      )}
      {source !== undefined && <span class="num">{source}</span>}
      {entry.action === "command.receipt" && partner !== undefined && <span>asked for in #{partner}</span>}
      {entry.action === "command.accepted" && partner !== undefined && <span>answered in #{partner}</span>}
    </>
  );
}
