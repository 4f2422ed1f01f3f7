/** How much is refused: a bar for each of the last 60 minutes, and by whom, as a table that needs no eyes for bars. */
import { useEffect } from "preact/hooks";
import type { RefusalRates } from "../../../protocol/contracts/alerts.ts";
import { TroubleText, Waiting } from "../../components/parts.tsx";
import { formatCount, formatNumberOf } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import { Bars } from "./bars.tsx";
import { rateName, ruleMeaning } from "./wording.ts";

export function RatesCard() {
  const { alerts } = useApp().backend;
  useEffect(() => alerts.watchRates(), [alerts]);
  const rates = alerts.rates.value;
  return (
    <section class="card" aria-labelledby="rates-title">
      <div class="card-head">
        <h2 id="rates-title">Refusals</h2>
      </div>
      <div class="card-body stack">
        {rates.state === "loading" && <Waiting what="Counting refusals" />}
        {rates.state === "failed" && (
          <p class="muted">
            <TroubleText trouble={rates.trouble} />
          </p>
        )}
        {rates.state === "ready" && <Rates rates={rates.value} />}
      </div>
    </section>
  );
}

function Rates({ rates }: { readonly rates: RefusalRates }) {
  const { minute, hour } = rates.thresholds;
  const total = rates.perMinute.reduce((sum, count) => sum + count, 0);
  return (
    <>
      <p class="small muted">
        Commands, requests and sign-ins that a rule refused, here or on a host. An alert is raised when one host, one
        sign-in or one rule reaches {formatCount(minute)} in a minute or {formatCount(hour)} in an hour.
      </p>
      <div class={rates.rates.length > 0 ? "split" : undefined}>
        <figure class="stack tight">
          <figcaption class="tiny faint">
            All refusals per minute, the last hour: {formatNumberOf(total, "refusal")}.
          </figcaption>
          <Bars counts={rates.perMinute} endsAt={rates.now} />
        </figure>
        {rates.rates.length > 0 && <RateTable rates={rates} />}
      </div>
    </>
  );
}

const kindWords = { host: "Host", session: "Sign-in", rule: "Rule" } as const;

function RateTable({ rates }: { readonly rates: RefusalRates }) {
  const { trust } = useApp().backend;
  const hosts = trust.value?.state.hosts.values() ?? [];
  const labels = new Map([...hosts].map(({ host, label }) => [host, label]));
  return (
    <div
      class="table-wrap"
      tabIndex={0}
      role="region"
      aria-label="Refusals by host, sign-in and rule, in the last minute and the last hour"
    >
      <table class="table">
        <thead>
          <tr>
            <th scope="col">By</th>
            <th scope="col">Which</th>
            <th scope="col" class="r">
              Minute
            </th>
            <th scope="col" class="r">
              Hour
            </th>
          </tr>
        </thead>
        <tbody>
          {rates.rates.map(({ by, name, minute, hour }) => (
            <tr key={`${by} ${name}`}>
              <td>{kindWords[by]}</td>
              <th scope="row" title={ruleMeaning(name)}>
                <bdi>{rateName(by, name, labels)}</bdi>
              </th>
              <td class="r">{formatCount(minute)}</td>
              <td class="r">{formatCount(hour)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
