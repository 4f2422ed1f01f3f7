/** Where alerts are sent. What is set is never shown again; every change is one touch, recorded in the ledger. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { AlertSettings, AlertTest } from "../../../protocol/contracts/alerts.ts";
import { Banner } from "../../components/banner.tsx";
import { TroubleText, Waiting } from "../../components/parts.tsx";
import { useApp } from "../../state/app.ts";
import type { Result } from "../../state/backend.ts";
import { NtfyForm, ThresholdForm, WebhookForm } from "./sending-forms.tsx";
import { faultWords } from "../../components/delivery-words.ts";

export function SendingCard() {
  const { alerts } = useApp().backend;
  const may = alerts.mayConfigure.value;
  useEffect(() => {
    if (may) void alerts.loadSettings();
  }, [alerts, may]);
  const settings = alerts.settings.value;
  return (
    <section class="card" id="sending" aria-labelledby="sending-title">
      <div class="card-head">
        <h2 id="sending-title">Where alerts are sent</h2>
        {may && settings.state === "ready" && <SendTest settings={settings.value} />}
      </div>
      <div class="card-body stack">
        {!may && <p class="muted">An administrator says where alerts are sent. Ask one, if nobody hears them.</p>}
        {may && settings.state === "loading" && <Waiting what="Reading the settings" />}
        {may && settings.state === "failed" && (
          <p class="muted">
            <TroubleText trouble={settings.trouble} />
          </p>
        )}
        {may && settings.state === "ready" && <Forms settings={settings.value} />}
      </div>
    </section>
  );
}

function Forms({ settings }: { readonly settings: AlertSettings }) {
  return (
    <>
      <p class="small muted">
        Only https addresses with a public name. Messages carry ids, host names and our own sentences; addresses and
        secrets are kept encrypted and never shown again.
      </p>
      <div class="grid-2 grid">
        <WebhookForm state={settings.webhook} />
        <NtfyForm state={settings.ntfy} />
      </div>
      <ThresholdForm thresholds={settings.thresholds} />
    </>
  );
}

function SendTest({ settings }: { readonly settings: AlertSettings }) {
  const { alerts } = useApp().backend;
  const busy = useSignal(false);
  const result = useSignal<Result<AlertTest["results"]> | undefined>(undefined);
  if (settings.webhook === undefined && settings.ntfy === undefined) return null;
  const send = async () => {
    if (busy.value) return;
    busy.value = true;
    result.value = await alerts.sendTest();
    busy.value = false;
  };
  return (
    <div class="row wrap">
      <span class="small muted" role="status">
        {busy.value ? "Sending" : result.value?.ok === true ? testSentence(result.value.value) : ""}
      </span>
      <button class="btn sm" type="button" aria-disabled={busy.value ? "true" : undefined} onClick={() => void send()}>
        Send a test
      </button>
      {result.value?.ok === false && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={result.value.trouble} />
        </Banner>
      )}
    </div>
  );
}

export function testSentence(results: AlertTest["results"]): string {
  return results
    .map(({ channel, fault }) => (fault === undefined ? `${channel} took it.` : `${channel}: ${faultWords[fault]}.`))
    .join(" ");
}
