/**
 * Alerts: what needs somebody, each with its next step; how much is refused; and where alerts are sent. They are the
 * edge's own word, so nothing here claims to be verified.
 */
import { useEffect } from "preact/hooks";
import { Empty, TroubleText, Waiting } from "../../components/parts.tsx";
import { formatCount, formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { alertFilters, type AlertFilter, type Route } from "../../router.ts";
import type { AlertView } from "../../state/alerts.ts";
import { useApp } from "../../state/app.ts";
import { AlertCard } from "./alert-card.tsx";
import { RatesCard } from "./rates-card.tsx";
import { SendingCard } from "./sending-card.tsx";
import { stateWords } from "./wording.ts";

type AlertsRoute = Extract<Route, { page: "alerts" }>;

export function AlertsPage({ route }: { readonly route: AlertsRoute }) {
  const { alerts } = useApp().backend;
  useEffect(() => alerts.watch(), [alerts]);
  const list = alerts.list.value;
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Alerts</h1>
          <p>
            {list.state === "ready" && `${openSentence(list.value)} `}
            They are the control plane's own word: it can leave one out, and cannot act on any.
          </p>
        </div>
        <a class="btn" href="#sending">
          <Icon name="settings" class="s" />
          Where they are sent
        </a>
      </div>
      {list.state === "loading" && <Waiting what="Asking for alerts" />}
      {list.state === "failed" && (
        <div class="card">
          <Empty icon="offline" title="The alerts cannot be shown">
            <p>
              <TroubleText trouble={list.trouble} />
            </p>
          </Empty>
        </div>
      )}
      {list.state === "ready" && <List all={list.value} show={route.show} />}
      <RatesCard />
      <SendingCard />
    </>
  );
}

function openSentence(all: readonly AlertView[]): string {
  const open = all.filter(({ state }) => state === "open").length;
  return open === 0 ? "None is open." : `${formatNumberOf(open, "alert")} open. Each one has a next step.`;
}

function List({ all, show }: { readonly all: readonly AlertView[]; readonly show: AlertFilter }) {
  const { router } = useApp();
  const shown = all.filter(({ state }) => state === show);
  return (
    <>
      <div class="filters scroll" role="group" aria-label="Filter">
        {alertFilters.map((one) => (
          <button
            key={one}
            class="chip"
            type="button"
            aria-pressed={one === show}
            onClick={() => router.go({ page: "alerts", show: one }, "replace")}
          >
            {stateWords[one]} <span class="n">{formatCount(all.filter(({ state }) => state === one).length)}</span>
          </button>
        ))}
      </div>
      {shown.length === 0 ? (
        <div class="card">
          <Nothing show={show} isEmpty={all.length === 0} />
        </div>
      ) : (
        <div class="stack mid">
          {shown.map((alert) => (
            <AlertCard key={alert.alert} alert={alert} />
          ))}
        </div>
      )}
    </>
  );
}

function Nothing({ show, isEmpty }: { readonly show: AlertFilter; readonly isEmpty: boolean }) {
  if (isEmpty) {
    return (
      <Empty icon="alerts" title="No alert yet">
        <p>
          One is raised for a copied host key, a forked trust log, a reset host, many refusals, banned addresses,
          streams that fail, and for certificates and roles near their end. Say below where it should be sent, so that
          somebody hears it.
        </p>
      </Empty>
    );
  }
  return (
    <Empty icon="ok" title={`Nothing ${stateWords[show].toLowerCase()}`}>
      <p>{show === "resolved" ? "No alert has been closed yet." : "Alerts of the other kinds are one chip away."}</p>
    </Empty>
  );
}
