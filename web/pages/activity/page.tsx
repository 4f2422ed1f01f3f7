/**
 * The ledger, for people: every action in order, each with the seal this browser gave it, who witnesses it, who looks at
 * it now, and a drawer that shows what was checked. It never says "verified" for anything it did not compute.
 */
import { useEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { LedgerBroken } from "../../components/banners.tsx";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { SealWith } from "../../components/state.tsx";
import { formatEntries, formatIndex } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import type { ActivityRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { FindingsView, LedgerStatus, Onlooker, Party, PatternsView } from "../../state/ledger.ts";
import type { TrustView } from "../../state/people.ts";
import { CopyDialog } from "./copy-dialog.tsx";
import { ProofDrawer } from "./drawer.tsx";
import { wantedBy } from "./filter.ts";
import { Filters, without } from "./filters.tsx";
import { FoundList, WholeList } from "./lists.tsx";
import { nameOf } from "./names.ts";
import { WitnessCard } from "./witness-card.tsx";

export function ActivityPage({ route }: { readonly route: ActivityRoute }) {
  const { backend } = useApp();
  useEffect(() => backend.activity.watchPage(), [backend]);
  const status = backend.activity.status.value;
  const entries = backend.activity.entries.value;
  const copying = useSignal(false);
  const nameFor = (id: string) => {
    const party = partiesIn(backend.trust.value).find((one) => one.id === id);
    return party === undefined ? id : nameOf(party);
  };
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Activity</h1>
          <p>
            Every action, in order. <StatusSeal status={status} />
          </p>
        </div>
        <div class="row wrap">
          {backend.exports.mayExport.value && (
            <button class="btn" type="button" onClick={() => (copying.value = true)}>
              <Icon name="download" class="s" />
              Export
            </button>
          )}
          <a class="btn" href="/activity/streams">
            <Icon name="channel" class="s" />
            Streams
          </a>
          <a class="btn" href="/activity/keeping">
            <Icon name="clock" class="s" />
            Copies and retention
          </a>
        </div>
      </div>
      {status.failure !== undefined && <LedgerBroken failure={status.failure} live />}
      <Onlookers people={backend.activity.onlookers.value} />
      <WitnessCard />
      <Findings view={backend.activity.findings.value} />
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
      {entries.state === "ready" && <Ledger route={route} />}
      {copying.value && <CopyDialog route={route} nameOf={nameFor} onClosed={() => (copying.value = false)} />}
    </>
  );
}

/** What does not fit between the log and what hosts signed; each with its next step. */
function Findings({ view: { list, from } }: { readonly view: FindingsView }) {
  const wrong = list.filter(({ weight }) => weight === "wrong");
  const open = list.length - wrong.length;
  if (list.length === 0) return null;
  return (
    <section class="card" aria-labelledby="findings-title">
      <div class="card-head">
        <h2 id="findings-title">Cross-check with the hosts</h2>
        <span class="small muted">
          {wrong.length} wrong, {open} open{from > 1 && `, from entry #${formatIndex(from)} on`}
        </span>
      </div>
      <ul class="list findings">
        {[...wrong, ...list.filter(({ weight }) => weight === "open")].slice(0, SHOWN_FINDINGS).map((finding) => (
          <li key={`${finding.index} ${finding.code}`}>
            <Icon
              name={finding.weight === "wrong" ? "bad" : "unknown"}
              class={finding.weight === "wrong" ? "t-bad" : "faint"}
            />
            <div class="grow">
              <p class="small">
                <a href={`/activity?entry=${finding.index}`}>#{formatIndex(finding.index)}</a>: {finding.what}.
              </p>
              <p class="tiny faint">{finding.next}</p>
            </div>
          </li>
        ))}
      </ul>
      {list.length > SHOWN_FINDINGS && (
        <p class="card-body small muted">
          And {list.length - SHOWN_FINDINGS} more. Take a copy: clawhold verify names them all.
        </p>
      )}
    </section>
  );
}

const SHOWN_FINDINGS = 5;

function StatusSeal({ status }: { readonly status: LedgerStatus }) {
  const { size, verified, failure, from } = status;
  if (failure?.of === "entry") return <SealWith state="failed">Fails at entry #{formatIndex(failure.index)}</SealWith>;
  if (failure !== undefined) return <SealWith state="failed">Another log than before</SealWith>;
  if (size === 0) return <SealWith state="unverified">Nothing to verify yet</SealWith>;
  if (verified < size) return <SealWith state="unverified">Not verified yet</SealWith>;
  if (from === 1) return <SealWith state="verified">All {formatEntries(size)} verified in this browser</SealWith>;
  return (
    <SealWith state="verified">Ends at #{formatIndex(size)}, signed; each row is verified here as you scroll</SealWith>
  );
}

function Onlookers({ people }: { readonly people: readonly Onlooker[] }) {
  if (people.length === 0) return null;
  return (
    <p class="small muted row top">
      <Icon name="eye" class="s" />
      <span>
        Looking now, by the edge's word:{" "}
        {people.map(({ id, name, sessions, isYou }, place) => (
          <span key={id}>
            {place > 0 && ", "}
            <strong class="medium">{isYou ? "you" : <bdi>{name}</bdi>}</strong>
            {sessions > 1 && ` in ${sessions} sessions`}
          </span>
        ))}
      </span>
    </p>
  );
}

function Ledger({ route }: { readonly route: ActivityRoute }) {
  const { backend, router } = useApp();
  const { activity } = backend;
  const patterns = activity.patterns.value;
  const unusual = patterns.state === "ready" ? patterns.value : undefined;
  const parties = partiesIn(backend.trust.value);
  const unusualNow = () => readyPatterns(activity.patterns);
  const wanted = wantedBy(route, { parties, unusual: unusualNow });
  const day = useSignal<number | undefined>(undefined);
  const entryWanted = wanted.kind === "whole" ? wanted.entry : undefined;
  // A new place to go is a new object; the address of an open proof counts once, when the page arrives.
  const arrived = useMemo(() => (route.entry === undefined ? undefined : { index: route.entry, focus: false }), []);
  const searched = useMemo(
    () => (entryWanted === undefined ? undefined : { index: entryWanted, focus: false }),
    [entryWanted],
  );
  const byDay = useMemo(() => (day.value === undefined ? undefined : { index: day.value, focus: true }), [day.value]);
  const goToDay = async (end: number) => {
    const found = await activity.indexBefore(end);
    if (!found.ok) return;
    day.value = undefined;
    if (wanted.kind !== "whole") router.go({ page: "activity", show: "all", text: "" });
    day.value = found.value;
  };
  return (
    <>
      <Filters route={route} parties={parties} unusual={unusual?.indices.length} onDay={(end) => void goToDay(end)} />
      {route.show === "unusual" && <Rules unusual={unusual} />}
      <div class={route.entry === undefined ? "stack" : "with-drawer"}>
        <div class="stack mid">
          {wanted.kind === "whole" ? (
            activity.status.value.size === 0 ? (
              <NothingYet />
            ) : (
              <WholeList route={route} target={byDay ?? searched ?? arrived} />
            )
          ) : (
            <FoundList route={route} query={wanted.query} name={nameOfQuery(route, unusual)} />
          )}
        </div>
        {route.entry !== undefined && (
          <ProofDrawer index={route.entry} onClose={() => router.go(without(route, "entry", ""))} />
        )}
      </div>
    </>
  );
}

function readyPatterns(patterns: { readonly value: { readonly state: string; readonly value?: PatternsView } }) {
  const { state, value } = patterns.value;
  return state === "ready" ? value : undefined;
}

/** What makes another list of the same page; the open proof does not. */
function nameOfQuery({ entry: _entry, ...route }: ActivityRoute, unusual: PatternsView | undefined): string {
  return JSON.stringify([route, route.show === "unusual" ? unusual?.since : undefined]);
}

/** Everybody and everything with a name of its own, as this browser verified it. */
function partiesIn(trust: TrustView | undefined): readonly Party[] {
  if (trust === undefined) return [];
  const { state, names } = trust;
  const named = (kind: Party["kind"], id: string, name: string | undefined): Party => ({
    kind,
    id,
    ...(name === undefined ? {} : { name }),
  });
  const parties = [
    ...[...state.people.keys()].map((id) => named("person", id, names.get(id))),
    ...[...state.hosts.values()].map(({ host, label }) => named("host", host, label)),
    ...[...state.automationKeys.values()].map(({ id, label }) => named("automation", id, label)),
  ];
  return [
    ...parties.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b))),
    { kind: "edge", id: "edge" },
    { kind: "unknown", id: "unknown" },
  ];
}

function Rules({ unusual }: { readonly unusual: PatternsView | undefined }) {
  if (unusual === undefined) return <Waiting what="Looking at the last month" />;
  return (
    <p class="small muted">
      Five rules look at the last 30 days: a country or device that is new for a person, an hour that is not theirs,
      many commands within a minute, and what was accepted after several refusals. A mark says why; it accuses nobody.
    </p>
  );
}

function NothingYet() {
  return (
    <div class="card">
      <Empty icon="activity" title="Nothing has happened yet">
        <p>The first sign-in or command will be the first entry.</p>
      </Empty>
    </div>
  );
}
