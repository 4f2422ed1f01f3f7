/** One alert: how bad, what, why, the next step, who has it, and the two things a person can say about it. */
import { alertWords } from "../../../protocol/alert-words.ts";
import { useSignal } from "@preact/signals";
import type { Severity } from "../../../protocol/alerts.ts";
import { Banner } from "../../components/banner.tsx";
import { TroubleText } from "../../components/parts.tsx";
import { Relative } from "../../components/time.tsx";
import { Icon, type IconName } from "../../icons.tsx";
import type { AlertView } from "../../state/alerts.ts";
import { useApp } from "../../state/app.ts";
import type { Result, Trouble } from "../../state/backend.ts";
import { hostName, titleOf } from "./title.ts";
import { deliveriesOf, measureOf, stepsOf } from "./wording.ts";

const looks = {
  critical: { icon: "bad", tone: "bad", word: "Critical" },
  warning: { icon: "warn", tone: "warn", word: "Warning" },
  notice: { icon: "info", tone: "ink", word: "Notice" },
} as const satisfies Record<Severity, { icon: IconName; tone: string; word: string }>;

export function AlertCard({ alert }: { readonly alert: AlertView }) {
  const now = useApp().now.value;
  const { icon, tone, word } = looks[alert.severity];
  const heading = `alert-${alert.alert}`;
  const measure = measureOf(alert, now);
  return (
    <article class="card" aria-labelledby={heading}>
      <div class="card-body stack mid">
        <div class="row between wrap">
          <span class="row wrap">
            <span class={`pill ${tone}`}>
              <Icon name={icon} />
              {word}
            </span>
            <span class="tiny faint">
              {alert.host !== undefined && (
                <>
                  <bdi>{hostName(alert)}</bdi> ·{" "}
                </>
              )}
              <Relative at={alert.raisedAt} ago />
            </span>
          </span>
          <span class="tiny faint">{[...stepsOf(alert), ...sentTo(alert, now)].join(", ")}</span>
        </div>
        <div class="stack tight">
          <h2 id={heading}>{titleOf(alert, now)}</h2>
          <p class="muted">
            {measure !== undefined && `${measure} `}
            {alertWords[alert.kind].what}
          </p>
          {alert.state !== "resolved" && (
            <p>
              <span class="strong">Next:</span> {alertWords[alert.kind].next}
            </p>
          )}
        </div>
        <Actions alert={alert} />
      </div>
    </article>
  );
}

function sentTo(alert: AlertView, now: number): readonly string[] {
  if (alert.deliveries.length === 0) return alert.state === "resolved" ? [] : ["sent nowhere"];
  return deliveriesOf(alert.deliveries, now);
}

/** Where to look, before anybody says that it is done. */
function placeOf({ kind, host, detail }: AlertView): { readonly href: string; readonly word: string } | undefined {
  if (kind === "refusals.many") return { href: "/activity?show=refused", word: "What was refused" };
  if (kind === "trust.forked" || kind === "grant.ending") return { href: "/people", word: "Open People" };
  if (host !== undefined && kind.startsWith("posture.")) {
    const of = detail.check === undefined ? "" : `?of=${detail.check.replaceAll(".", "-")}`;
    return { href: `/hosts/${host}/posture${of}`, word: "Open its posture" };
  }
  return host === undefined ? undefined : { href: `/hosts/${host}`, word: "Open the host" };
}

function Actions({ alert }: { readonly alert: AlertView }) {
  const { backend, now } = useApp();
  const { alerts } = backend;
  const busy = useSignal(false);
  const trouble = useSignal<Trouble | undefined>(undefined);
  const run = async (step: (id: string) => Promise<Result<undefined>>) => {
    if (busy.value) return;
    busy.value = true;
    const result = await step(alert.alert);
    busy.value = false;
    trouble.value = result.ok ? undefined : result.trouble;
  };
  const title = titleOf(alert, now.value);
  const place = placeOf(alert);
  const disabled = busy.value ? "true" : undefined;
  return (
    <>
      <div class="row wrap">
        {alert.mayAct && alert.state === "open" && (
          <button
            class="btn primary"
            type="button"
            aria-disabled={disabled}
            aria-label={`Acknowledge: ${title}`}
            onClick={() => void run((id) => alerts.acknowledge(id))}
          >
            Acknowledge
          </button>
        )}
        {alert.mayAct && alert.state !== "resolved" && (
          <button
            class="btn"
            type="button"
            aria-disabled={disabled}
            aria-label={`Resolve: ${title}`}
            onClick={() => void run((id) => alerts.resolve(id))}
          >
            Resolve
          </button>
        )}
        {place !== undefined && (
          <a class="btn quiet" href={place.href}>
            {place.word}
          </a>
        )}
        {!alert.mayAct && alert.state !== "resolved" && (
          <span class="small muted">Your role looks and does not close alerts. An operator can.</span>
        )}
      </div>
      {trouble.value !== undefined && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={trouble.value} />
        </Banner>
      )}
    </>
  );
}
