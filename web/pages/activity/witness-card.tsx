/** Who beside the edge vouches for this log: up to which entry, which hosts, which of them fell silent or saw another. */
import { Banner } from "../../components/banner.tsx";
import { TroubleText, Waiting } from "../../components/parts.tsx";
import { SealWith, State } from "../../components/state.tsx";
import { Relative } from "../../components/time.tsx";
import { formatEntries, formatHash, formatIndex, formatList } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import type { Loadable } from "../../state/backend.ts";
import type { CheckpointRow, CheckpointsView, LogViewOf, WitnessHost, WitnessView } from "../../state/ledger.ts";

export function WitnessCard() {
  const witnesses = useApp().backend.activity.witnesses.value;
  if (witnesses.state !== "ready") return null;
  const view = witnesses.value;
  return (
    <>
      {view.refused !== undefined && <NotSigned refused={view.refused} />}
      {view.hosts.some(({ other }) => other !== undefined) && <OtherLogs view={view} />}
      <details class="card witnesses">
        <summary class="card-head">
          <span class="row wrap">
            <h2>Witnesses</h2>
            <Standing view={view} />
          </span>
          <span class="small muted">{sentenceOf(view)}</span>
        </summary>
        <div class="card-body stack">
          <p class="small muted">{explanationOf(view)}</p>
          <Hosts view={view} />
          {view.signed !== undefined && (
            <p class="small muted">
              Newest checkpoint: {formatEntries(view.signed.size)}, root{" "}
              <code class="hash">{formatHash(view.signed.root)}</code>, signed <Relative at={view.signed.at} ago />. Its
              signature and that it continues what this browser saw before were verified here.
            </p>
          )}
          {view.signed !== undefined && <Newest />}
        </div>
      </details>
    </>
  );
}

function Standing({ view: { size } }: { readonly view: WitnessView }) {
  if (size === 0) return <SealWith state="no-receipt">Never witnessed</SealWith>;
  return <SealWith state="verified">Witnessed up to #{formatIndex(size)}</SealWith>;
}

export function sentenceOf({ eligible, needed, hosts, signed }: WitnessView): string {
  if (signed === undefined) return "Nothing is signed yet.";
  if (eligible === 0) return "No host away from the edge.";
  const seen = hosts.filter(({ recent, colocated }) => recent && !colocated).length;
  return `Seen by ${seen} of ${eligible} hosts in the last day; ${needed} are needed.`;
}

export function explanationOf({ eligible, size }: WitnessView): string {
  if (eligible === 0) {
    return "Every host of this workspace runs beside the edge, and falls with it: so nothing here is ever witnessed. Add a host on another machine. Until then keep a copy of this log elsewhere now and then; clawhold verify compares a later one with it.";
  }
  const meaning =
    "A host cosigns a checkpoint once it has verified that it continues all it saw before. More than half of the hosts away from the edge make it witnessed: then nobody who asks one of them can be shown another past.";
  return size === 0 ? `${meaning} That many have not cosigned yet.` : meaning;
}

function Hosts({ view }: { readonly view: WitnessView }) {
  if (view.hosts.length === 0) return <p class="small muted">No host is admitted yet.</p>;
  return (
    <ul class="list">
      {view.hosts.map((host) => (
        <li key={host.host}>
          <span class="grow">
            <bdi class="medium">{host.label}</bdi> <span class="small muted">{placeOf(host)}</span>
          </span>
          <Seen host={host} />
        </li>
      ))}
    </ul>
  );
}

/** Asked for when it is opened: each is verified by itself. */
function Newest() {
  const { activity } = useApp().backend;
  return (
    <details
      class="narrow"
      onToggle={({ currentTarget }) => {
        if (currentTarget.open) activity.lookAtCheckpoints();
      }}
    >
      <summary class="small">Checkpoints</summary>
      <Listed listed={activity.checkpoints.value} />
    </details>
  );
}

function Listed({ listed }: { readonly listed: Loadable<CheckpointsView> }) {
  if (listed.state === "loading") return <Waiting what="Verifying the newest checkpoints" />;
  if (listed.state === "failed") {
    return (
      <p class="small muted">
        <TroubleText trouble={listed.trouble} />
      </p>
    );
  }
  const { rows, unproven } = listed.value;
  return (
    <>
      {unproven > 0 && <p class="small">{unprovenWords(unproven)}</p>}
      <ul class="list">
        {rows.map((row) => (
          <li key={row.size}>
            <span class="grow">
              <span class="medium">{formatEntries(row.size)}</span>{" "}
              <span class="small muted">
                signed <Relative at={row.at} ago />. {cosignersWords(row)}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

export function cosignersWords({ by, notBy }: Pick<CheckpointRow, "by" | "notBy">): string {
  if (by.length === 0) return "Cosigned by no host.";
  return `Cosigned by ${formatList(by)}${notBy.length === 0 ? "" : `; not by ${formatList(notBy)}`}.`;
}

export function unprovenWords(unproven: number): string {
  return unproven === 1
    ? "One more came that is not proven to be of this log; it is not shown."
    : `${unproven} more came that are not proven to be of this log; they are not shown.`;
}

function placeOf({ colocated, size }: WitnessHost): string {
  const seen = size === undefined ? "" : `up to #${formatIndex(size)}`;
  return colocated ? `${seen}${seen === "" ? "" : ", "}beside the edge, does not count` : seen;
}

function Seen({ host: { at, recent, other } }: { readonly host: WitnessHost }) {
  if (other !== undefined) return <State shape="bad">Saw another log</State>;
  if (at === undefined) return <State shape="unknown">Never cosigned</State>;
  return (
    <State shape={recent ? "ok" : "warn"}>
      {recent ? "Cosigned" : "Silent, last"} <Relative at={at} ago />
    </State>
  );
}

function OtherLogs({ view }: { readonly view: WitnessView }) {
  const others = view.hosts.filter(({ other }) => other !== undefined);
  return (
    <Banner tone="bad" icon="bad" live>
      <strong>{formatList(others.map(({ label }) => label))} saw another log than this one.</strong> The edge signed two
      pasts and showed one to each.{" "}
      {others.map(({ host, label, other }) => (
        <span key={host}>
          {label}: <View of={other ?? NOTHING} />.{" "}
        </span>
      ))}
      Here: <View of={view.signed ?? NOTHING} />. Send no command; take a copy here, and on that host type{" "}
      <code>clawhold audit show</code>.
    </Banner>
  );
}

const NOTHING: LogViewOf = { size: 0, root: "" };

function View({ of }: { readonly of: LogViewOf }) {
  return (
    <>
      {formatEntries(of.size)}, root <code>{formatHash(of.root)}</code>
    </>
  );
}

function NotSigned({ refused }: { readonly refused: NonNullable<WitnessView["refused"]> }) {
  const { since, reason, held, shown, host } = refused;
  const who = host === undefined ? "the writer signed" : `${host} has seen`;
  return (
    <Banner tone="bad" icon="bad" live>
      <strong>
        The writer signs no checkpoint, because the stored log is{" "}
        {reason === "smaller" ? "shorter than it was" : "another than it was"}.
      </strong>{" "}
      Since <Relative at={since} ago />. What {who}: <View of={held} />. What is stored: <View of={shown} />. A database
      that was restored from an old copy looks like this, and so does one that somebody edited. Put the newer one back;
      the entries in between exist nowhere else.
    </Banner>
  );
}
