/**
 * Takes a copy of the log: what, in which form, what for; one touch, which the ledger has before the first byte leaves.
 * The file goes to this browser part by part, or whole to a program that holds a one-time ticket.
 */
import { saveFile } from "../../components/save-file.ts";
import { useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { ExportRequest } from "../../../protocol/contracts/exports.ts";
import type { LedgerFilter } from "../../../protocol/contracts/ledger.ts";
import { exportPurposes, type ExportFormat } from "../../../protocol/ledger.ts";
import { Command, TouchButton } from "../../components/parts.tsx";
import { Left } from "../../components/time.tsx";
import { filterWords, formatOptions } from "../../components/ledger-formats.ts";
import { ChoiceField } from "../../components/fields.tsx";
import { Refusal } from "../../components/touching.tsx";
import { formatBytes, formatEntries } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import { fileEndings, type ExportStep, type TicketStep } from "../../state/exports.ts";

type Purpose = (typeof exportPurposes)[number];

const purposeNames = {
  audit: "An audit",
  incident: "An incident",
  backup: "A backup",
  retention: "Keeping it longer elsewhere",
  "access-request": "Somebody asked what is known about them",
  other: "Something else",
} as const satisfies Record<Purpose, string>;
const purposeOptions = exportPurposes.map((purpose) => [purpose, purposeNames[purpose]] as const);

interface CopyFormProps {
  readonly filter: LedgerFilter;
  /** Exactly one sealed segment, to keep before it is dropped. */
  readonly segment?: number;
  readonly nameOf: (id: string) => string;
}

/** Part of every way to a file: what checks it depends on its form. */
interface InForm {
  readonly format: ExportFormat;
}

type Step =
  | Exclude<ExportStep | TicketStep, { readonly kind: "ticket" }>
  | (Extract<TicketStep, { readonly kind: "ticket" }> & InForm)
  | ({ readonly kind: "saved"; readonly name: string; readonly bytes: number } & InForm);

export function CopyForm({ filter, segment, nameOf }: CopyFormProps) {
  const { exports } = useApp().backend;
  const format = useSignal<ExportFormat>("jsonl");
  const purpose = useSignal<Purpose>(segment === undefined ? "audit" : "retention");
  const step = useSignal<Step | undefined>(undefined);
  const isCancelled = useRef(false);
  const request = (): ExportRequest => ({
    format: segment === undefined ? format.value : "jsonl",
    purpose: purpose.value,
    filter,
    ...(segment === undefined ? {} : { segment }),
  });
  const take = async () => {
    isCancelled.current = false;
    const asked = request();
    for await (const one of exports.take(asked)) {
      step.value = one.kind === "file" ? { ...save(one.file, one.name), format: asked.format } : one;
      if (isCancelled.current) break;
    }
    if (isCancelled.current) step.value = { kind: "cancelled" };
  };
  const ticket = async () => {
    const asked = request();
    for await (const one of exports.ticket(asked))
      step.value = one.kind === "ticket" ? { ...one, format: asked.format } : one;
  };
  const busy = step.value !== undefined && ["touch", "sending", "fetching"].includes(step.value.kind);
  return (
    <div class="stack">
      {segment === undefined && (
        <div class="grid-2 grid">
          <ChoiceField
            id="copy-format"
            label="Form"
            value={format}
            options={formatOptions}
            hint={
              format.value === "jsonl"
                ? "Everything that proves it is inside: clawhold verify needs nothing else."
                : "Each event carries its number and leaf hash, so that it can be proven later."
            }
          />
          <ChoiceField id="copy-purpose" label="What for" value={purpose} options={purposeOptions} />
        </div>
      )}
      <p class="small muted">
        {segment === undefined
          ? `The copy holds ${filterWords(filter, nameOf)}.`
          : "The copy holds exactly this segment."}{" "}
        The ledger has who took it, and what for, before the first byte leaves. Addresses of people are in it, unless
        they were erased.
      </p>
      <div class="row wrap">
        <TouchButton
          title="Take the copy"
          effect="one touch, recorded in the ledger"
          busy={busy}
          onClick={() => void take()}
        />
        {step.value?.kind === "fetching" && (
          <button class="btn" type="button" onClick={() => (isCancelled.current = true)}>
            Stop
          </button>
        )}
      </div>
      <Progress step={step.value} />
      <WithProgram step={step.value} busy={busy} onTicket={() => void ticket()} />
    </div>
  );
}

interface WithProgramProps {
  readonly step: Step | undefined;
  readonly busy: boolean;
  readonly onTicket: () => void;
}

function WithProgram({ step, busy, onTicket }: WithProgramProps) {
  return (
    <details class="narrow">
      <summary class="small">A large log: take it whole, with a program</summary>
      <div class="stack mid">
        <p class="small muted">
          One touch makes a ticket for one download, good for 30 seconds. Have the terminal ready first: it waits for
          the ticket, so that it stands in no command and in no history.
        </p>
        {step?.kind === "ticket" ? (
          <Ticket step={step} />
        ) : (
          <button class="btn" type="button" aria-disabled={busy ? "true" : undefined} onClick={onTicket}>
            <Icon name="key" class="s" />
            Make a ticket
          </button>
        )}
      </div>
    </details>
  );
}

function save(file: Blob, name: string): Omit<Extract<Step, { readonly kind: "saved" }>, keyof InForm> {
  saveFile(file, name);
  return { kind: "saved", name, bytes: file.size };
}

function Progress({ step }: { readonly step: Step | undefined }) {
  if (step?.kind === "failed") return <Refusal trouble={step.trouble} />;
  return (
    <p class="small muted" role="status">
      {progressWords(step)}
    </p>
  );
}

export function progressWords(step: Step | undefined): string {
  switch (step?.kind) {
    case "touch":
      return "Touch your authenticator.";
    case "sending":
      return "Writing it to the ledger.";
    case "fetching":
      return `${formatBytes(step.bytes)} here, of up to ${formatEntries(step.entries)}.`;
    case "saved":
      return `${step.name}, ${formatBytes(step.bytes)}, was handed to your browser. ${checkWords(step.format)}`;
    case "cancelled":
      return "Stopped. What the ledger has of it stays.";
    case "ticket":
    case "file":
    case "failed":
    case undefined:
      return "";
  }
}

interface TicketProps {
  readonly step: Extract<Step, { readonly kind: "ticket" }>;
}

/** Only our own form carries what proves it. */
export function checkWords(format: ExportFormat): string {
  return format === "jsonl"
    ? "Check it with clawhold verify."
    : "It proves nothing by itself; each row names its number and hashes, and the proof of that one entry is on page Activity.";
}

function Ticket({ step: { ticket, url, until, format } }: TicketProps) {
  const file = `activity.${fileEndings[format]}`;
  return (
    <>
      <Command
        caption="First, in a terminal: waits for the ticket, then downloads"
        command={`read -rs T && printf 'clawhold-ticket: %s\\n' "$T" | curl --fail --request POST --header @- --output ${file} ${url}`}
      />
      <Command caption="Then paste the ticket there and press Enter" command={ticket} />
      <p class="small muted" role="status">
        Good for <Left at={until} />.{" "}
        {format === "jsonl" ? (
          <>
            Check the file with <code>clawhold verify {file}</code>.
          </>
        ) : (
          checkWords(format)
        )}
      </p>
      <p class="tiny faint">
        A control plane whose certificate is not public also needs curl's --cacert with its authority.
      </p>
    </>
  );
}
