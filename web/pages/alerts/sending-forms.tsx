/** The forms of where alerts go. What was typed stays until the change is made; nothing is sent without a touch. */
import { useSignal } from "@preact/signals";
import type { AlertChange, AlertSettings } from "../../../protocol/contracts/alerts.ts";
import { MAX_ALERT_REFUSALS, MAX_TARGET_CHARACTERS } from "../../../protocol/limits.ts";
import { addressFault, secretFault } from "../../components/delivery-words.ts";
import { SecretField, TextField } from "../../components/fields.tsx";
import { Relative } from "../../components/time.tsx";
import { TouchFoot, useTouching } from "../../components/touching.tsx";
import { useApp } from "../../state/app.ts";

const DONE = "Changed.";
const EXAMPLE = "hooks.example.com";

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
  const touching = useTouching();
  const change = async (wanted: AlertChange) => {
    if (await touching.run(alerts.change(wanted))) [url.value, secret.value] = ["", ""];
  };
  const save = () => {
    const fault = addressFault(url.value, EXAMPLE) ?? secretFault(secret.value);
    if (fault !== undefined) return touching.refuse(fault);
    void change({ setting: "alertWebhook", url: url.value, secret: secret.value });
  };
  return (
    <div class="sending">
      <Head
        title="Webhook"
        state={state}
        busy={touching.busy}
        onOff={() => void change({ setting: "alertWebhookOff" })}
      />
      <TextField
        id="webhook-url"
        label="Address"
        value={url}
        maxLength={MAX_TARGET_CHARACTERS}
        hint="Gets a signed POST for each step of an alert, by the Standard Webhooks rules."
      />
      <SecretField id="webhook-secret" value={secret} fresh={() => alerts.freshSecret()} />
      <TouchFoot
        title={state === undefined ? "Send alerts there" : "Send alerts there instead"}
        touching={touching}
        done={DONE}
        onClick={save}
      />
    </div>
  );
}

export function NtfyForm({ state }: { readonly state: AlertSettings["ntfy"] }) {
  const { alerts } = useApp().backend;
  const url = useSignal("");
  const token = useSignal("");
  const touching = useTouching();
  const change = async (wanted: AlertChange) => {
    if (await touching.run(alerts.change(wanted))) [url.value, token.value] = ["", ""];
  };
  const save = () => {
    const fault = addressFault(url.value, EXAMPLE);
    if (fault !== undefined) return touching.refuse(fault);
    void change({
      setting: "alertNtfy",
      url: url.value,
      ...(token.value === "" ? {} : { token: token.value }),
    });
  };
  return (
    <div class="sending">
      <Head title="ntfy" state={state} busy={touching.busy} onOff={() => void change({ setting: "alertNtfyOff" })} />
      <TextField
        id="ntfy-url"
        label="Topic address"
        value={url}
        maxLength={MAX_TARGET_CHARACTERS}
        hint="Rings a phone for each new alert. Whoever knows a topic without a token can read it."
      />
      <TextField
        id="ntfy-token"
        label="Access token, if it needs one"
        value={token}
        maxLength={256}
        hint="It is not shown again."
      />
      <TouchFoot
        title={state === undefined ? "Ring there" : "Ring there instead"}
        touching={touching}
        done={DONE}
        onClick={save}
      />
    </div>
  );
}

export function ThresholdForm({ thresholds }: { readonly thresholds: AlertSettings["thresholds"] }) {
  const { alerts } = useApp().backend;
  const minute = useSignal(String(thresholds.minute));
  const hour = useSignal(String(thresholds.hour));
  const touching = useTouching();
  const save = () => {
    const next = { minute: wholeOf(minute.value), hour: wholeOf(hour.value) };
    if (next.minute === undefined || next.hour === undefined)
      return touching.refuse(`Both must be whole numbers from 1 to ${MAX_ALERT_REFUSALS}.`);
    const change = { setting: "alertThresholds", thresholds: { minute: next.minute, hour: next.hour } } as const;
    void touching.run(alerts.change(change));
  };
  return (
    <div class="sending">
      <h3>When refusals become an alert</h3>
      <div class="pair">
        <TextField id="per-minute" label="In a minute" value={minute} maxLength={5} numeric hint="usually 5" />
        <TextField id="per-hour" label="In an hour" value={hour} maxLength={5} numeric hint="usually 20" />
      </div>
      <TouchFoot title="Use these numbers" touching={touching} done={DONE} onClick={save} />
    </div>
  );
}

function wholeOf(text: string): number | undefined {
  const value = /^[1-9]\d{0,4}$/.test(text.trim()) ? Number(text.trim()) : undefined;
  return value !== undefined && value <= MAX_ALERT_REFUSALS ? value : undefined;
}
