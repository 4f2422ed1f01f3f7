/** The form of a new stream. What was typed stays until the change is made; nothing is sent without a touch. */
import { useSignal } from "@preact/signals";
import { ledgerActions, type ExportFormat, type LedgerAction } from "../../../protocol/ledger.ts";
import { MAX_TARGET_CHARACTERS } from "../../../protocol/limits.ts";
import { addressFault, secretFault } from "../../components/delivery-words.ts";
import { ChoiceField, SecretField, TextField } from "../../components/fields.tsx";
import { formatOptions } from "../../components/ledger-formats.ts";
import { TouchFoot, useTouching } from "../../components/touching.tsx";
import { actionNames } from "../activity/action-names.ts";
import { useApp } from "../../state/app.ts";

const MAX_LABEL_CHARACTERS = 64;

const actionOptions = [
  ["", "every kind of entry"],
  ...ledgerActions.map((one) => [one, actionNames[one]] as const),
] as const;

const beginnings = [
  ["now", "with what happens from now on"],
  ["start", "with the first entry of the log"],
] as const;

export function AddStream() {
  const { streams, trust } = useApp().backend;
  const hosts = [...(trust.value?.state.hosts.values() ?? [])];
  const hostOptions = [["", "every host"], ...hosts.map((one) => [one.host, one.label] as const)] as const;
  const label = useSignal("");
  const url = useSignal("");
  const secret = useSignal("");
  const format = useSignal<ExportFormat>("jsonl");
  const from = useSignal<"now" | "start">("now");
  const host = useSignal("");
  const action = useSignal<LedgerAction | "">("");
  const touching = useTouching();
  const save = async () => {
    const fault =
      (label.value.trim() === "" ? "Give it a name, so that people know which far end it is." : undefined) ??
      addressFault(url.value, "siem.example.com") ??
      secretFault(secret.value);
    if (fault !== undefined) return touching.refuse(fault);
    const change = {
      setting: "streamAdd",
      label: label.value.trim(),
      url: url.value,
      secret: secret.value,
      format: format.value,
      filter: {
        ...(host.value === "" ? {} : { host: host.value }),
        ...(action.value === "" ? {} : { action: action.value }),
      },
      from: from.value === "start" ? 1 : 0,
    } as const;
    if (await touching.run(streams.change(change))) [label.value, url.value, secret.value] = ["", "", ""];
  };
  return (
    <section class="card" aria-labelledby="add-stream">
      <div class="card-head">
        <h2 id="add-stream">Add a stream</h2>
      </div>
      <div class="card-body stack">
        <p class="small muted">
          Only https addresses with a public name. Address and secret are kept encrypted and never shown again.
        </p>
        <div class="grid-2 grid">
          <TextField
            id="stream-label"
            label="Name"
            value={label}
            maxLength={MAX_LABEL_CHARACTERS}
            hint="What people here call the far end."
          />
          <TextField
            id="stream-url"
            label="Address"
            value={url}
            maxLength={MAX_TARGET_CHARACTERS}
            hint="Gets a signed POST for each batch, by the Standard Webhooks rules."
          />
          <SecretField id="stream-secret" value={secret} fresh={() => streams.freshSecret()} />
          <ChoiceField id="stream-format" label="Form" value={format} options={formatOptions} />
          <ChoiceField id="stream-host" label="Of" value={host} options={hostOptions} />
          <ChoiceField id="stream-action" label="Only" value={action} options={actionOptions} />
          <ChoiceField id="stream-from" label="Begins" value={from} options={beginnings} />
        </div>
        <TouchFoot title="Send the log there" touching={touching} onClick={() => void save()} />
      </div>
    </section>
  );
}
