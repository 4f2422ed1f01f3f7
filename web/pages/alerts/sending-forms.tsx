/** The forms of where alerts go. What was typed stays until the change is made; nothing is sent without a touch. */
import type { ComponentChildren } from "preact";
import { useSignal, type Signal } from "@preact/signals";
import { WEBHOOK_SECRET, type AlertChange, type AlertSettings } from "../../../protocol/contracts/alerts.ts";
import { MAX_ALERT_REFUSALS, MAX_TARGET_CHARACTERS } from "../../../protocol/limits.ts";
import { Banner } from "../../components/banner.tsx";
import { TouchButton, TroubleText } from "../../components/parts.tsx";
import { Relative } from "../../components/time.tsx";
import { useApp } from "../../state/app.ts";
import type { TouchStep, Trouble } from "../../state/backend.ts";

interface Changing {
  readonly busy: boolean;
  readonly step: TouchStep | undefined;
  readonly trouble: Trouble | undefined;
  /** From the click. `wrong`: a sentence about what was typed; then nothing is asked. */
  start(change: AlertChange | undefined, wrong?: string): Promise<void>;
}

function useChange(onDone: () => void): Changing {
  const { alerts } = useApp().backend;
  const step = useSignal<TouchStep | undefined>(undefined);
  const now = step.value;
  return {
    step: now,
    busy: now?.kind === "touch" || now?.kind === "sending",
    trouble: now?.kind === "failed" ? now.trouble : undefined,
    async start(change, wrong) {
      if (change === undefined) {
        step.value = { kind: "failed", trouble: { code: "typed", what: wrong ?? "Something is missing." } };
        return;
      }
      for await (const one of alerts.change(change)) step.value = one;
      if (step.value?.kind === "done") onDone();
    },
  };
}

function describe(step: TouchStep | undefined): string {
  switch (step?.kind) {
    case "touch":
      return "Touch your authenticator.";
    case "sending":
      return "Writing it to the ledger.";
    case "done":
      return "Changed.";
    case "cancelled":
      return "The authenticator was closed. Nothing was changed.";
    case "failed":
    case undefined:
      return "";
  }
}

function Outcome({ changing }: { readonly changing: Changing }) {
  return (
    <>
      <p class="small muted" role="status">
        {describe(changing.step)}
      </p>
      {changing.trouble !== undefined && (
        <Banner tone="warn" icon="warn" live>
          <TroubleText trouble={changing.trouble} />
        </Banner>
      )}
    </>
  );
}

interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: Signal<string>;
  readonly hint: ComponentChildren;
  readonly maxLength: number;
  readonly numeric?: boolean;
}

function Field({ id, label, value, hint, maxLength, numeric = false }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        class="input"
        id={id}
        value={value.value}
        maxLength={maxLength}
        inputMode={numeric ? "numeric" : "text"}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        aria-describedby={`${id}-hint`}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
      <p class="tiny faint" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  );
}

/** The edge judges the address fully; this spares a touch for what it would refuse anyway. */
function addressFault(url: string): string | undefined {
  if (!url.startsWith("https://") || !URL.canParse(url))
    return "The address must be a whole one, beginning with https://.";
  const { hostname } = new URL(url);
  const isName = /[a-z]$/.test(hostname) && hostname.includes(".");
  return isName ? undefined : "The address must have a public name, such as hooks.example.com.";
}

interface HeadProps {
  readonly title: string;
  readonly state: { readonly to: string; readonly since: number } | undefined;
  readonly busy: boolean;
  readonly onOff: () => void;
}

function Head({ title, state, busy, onOff }: HeadProps) {
  return (
    <div class="row between wrap">
      <h3>{title}</h3>
      {state === undefined ? (
        <span class="small muted">not set</span>
      ) : (
        <span class="row wrap small muted">
          <span>
            to <bdi class="break">{state.to}</bdi>, set <Relative at={state.since} ago />
          </span>
          <button
            class="btn sm danger"
            type="button"
            aria-disabled={busy ? "true" : undefined}
            aria-label={`Switch off: ${title}`}
            onClick={onOff}
          >
            Switch off
          </button>
        </span>
      )}
    </div>
  );
}

export function WebhookForm({ state }: { readonly state: AlertSettings["webhook"] }) {
  const { alerts } = useApp().backend;
  const url = useSignal("");
  const secret = useSignal("");
  const changing = useChange(() => {
    url.value = "";
    secret.value = "";
  });
  const save = () => {
    const fault =
      addressFault(url.value) ??
      (WEBHOOK_SECRET.test(secret.value) ? undefined : "The secret must be whsec_ and 24 to 64 bytes in base64.");
    const change = { setting: "alertWebhook", url: url.value, secret: secret.value } as const;
    void changing.start(fault === undefined ? change : undefined, fault);
  };
  return (
    <div class="sending">
      <Head
        title="Webhook"
        state={state}
        busy={changing.busy}
        onOff={() => void changing.start({ setting: "alertWebhookOff" })}
      />
      <Field
        id="webhook-url"
        label="Address"
        value={url}
        maxLength={MAX_TARGET_CHARACTERS}
        hint="Gets a signed POST for each step of an alert, by the Standard Webhooks rules."
      />
      <Field
        id="webhook-secret"
        label="Signing secret"
        value={secret}
        maxLength={128}
        hint={
          <>
            Give the far end the same one. It is not shown again.{" "}
            <button class="btn quiet sm" type="button" onClick={() => (secret.value = alerts.freshSecret())}>
              Make one
            </button>
          </>
        }
      />
      <div class="row">
        <TouchButton
          title={state === undefined ? "Send alerts there" : "Send alerts there instead"}
          effect="one touch, recorded in the ledger"
          busy={changing.busy}
          onClick={save}
        />
      </div>
      <Outcome changing={changing} />
    </div>
  );
}

export function NtfyForm({ state }: { readonly state: AlertSettings["ntfy"] }) {
  const url = useSignal("");
  const token = useSignal("");
  const changing = useChange(() => {
    url.value = "";
    token.value = "";
  });
  const save = () => {
    const fault = addressFault(url.value);
    const change = {
      setting: "alertNtfy",
      url: url.value,
      ...(token.value === "" ? {} : { token: token.value }),
    } as const;
    void changing.start(fault === undefined ? change : undefined, fault);
  };
  return (
    <div class="sending">
      <Head
        title="ntfy"
        state={state}
        busy={changing.busy}
        onOff={() => void changing.start({ setting: "alertNtfyOff" })}
      />
      <Field
        id="ntfy-url"
        label="Topic address"
        value={url}
        maxLength={MAX_TARGET_CHARACTERS}
        hint="Rings a phone for each new alert. Whoever knows a topic without a token can read it."
      />
      <Field
        id="ntfy-token"
        label="Access token, if it needs one"
        value={token}
        maxLength={256}
        hint="It is not shown again."
      />
      <div class="row">
        <TouchButton
          title={state === undefined ? "Ring there" : "Ring there instead"}
          effect="one touch, recorded in the ledger"
          busy={changing.busy}
          onClick={save}
        />
      </div>
      <Outcome changing={changing} />
    </div>
  );
}

export function ThresholdForm({ thresholds }: { readonly thresholds: AlertSettings["thresholds"] }) {
  const minute = useSignal(String(thresholds.minute));
  const hour = useSignal(String(thresholds.hour));
  const changing = useChange(() => undefined);
  const save = () => {
    const next = { minute: wholeOf(minute.value), hour: wholeOf(hour.value) };
    if (next.minute === undefined || next.hour === undefined) {
      const wrong = `Both must be whole numbers from 1 to ${MAX_ALERT_REFUSALS}.`;
      return void changing.start(undefined, wrong);
    }
    void changing.start({ setting: "alertThresholds", thresholds: { minute: next.minute, hour: next.hour } });
  };
  return (
    <div class="sending">
      <h3>When refusals become an alert</h3>
      <div class="pair">
        <Field id="per-minute" label="In a minute" value={minute} maxLength={5} numeric hint="usually 5" />
        <Field id="per-hour" label="In an hour" value={hour} maxLength={5} numeric hint="usually 20" />
      </div>
      <div class="row">
        <TouchButton
          title="Use these numbers"
          effect="one touch, recorded in the ledger"
          busy={changing.busy}
          onClick={save}
        />
      </div>
      <Outcome changing={changing} />
    </div>
  );
}

function wholeOf(text: string): number | undefined {
  const value = /^[1-9]\d{0,4}$/.test(text.trim()) ? Number(text.trim()) : undefined;
  return value !== undefined && value <= MAX_ALERT_REFUSALS ? value : undefined;
}
