/** Adds a scheduled job or changes one. What it says or runs is sealed for the host; the dialog shows it once more. */
import { useSignal, type Signal } from "@preact/signals";
import type { JobDraft } from "../../../protocol/operations/schedule.ts";
import { Refusal } from "../../components/touching.tsx";
import { ChoiceField, Field, TextField } from "../../components/fields.tsx";
import { useDesk, type Undo } from "./desk.ts";
import { draftOf, emptyJob, typedOf, type TypedJob } from "./schedule-words.ts";

export interface EditedJob {
  readonly tag: string;
  readonly subject: string;
  /** As the host keeps it. */
  readonly draft: JobDraft;
}

interface JobFormProps {
  /** Absent: a new one. */
  readonly edited?: EditedJob;
  readonly undo?: Undo;
}

type Fields = { readonly [K in keyof TypedJob]: Signal<TypedJob[K]> };

function useFields(start: TypedJob): Fields {
  return {
    name: useSignal(start.name),
    kind: useSignal(start.kind),
    minutes: useSignal(start.minutes),
    expression: useSignal(start.expression),
    zone: useSignal(start.zone),
    at: useSignal(start.at),
    work: useSignal(start.work),
    agent: useSignal(start.agent),
    message: useSignal(start.message),
    words: useSignal(start.words),
    enabled: useSignal(start.enabled),
  };
}

export function JobForm({ edited, undo }: JobFormProps) {
  const desk = useDesk();
  const fields = useFields(edited === undefined ? emptyJob : typedOf(edited.draft));
  const wrong = useSignal<string | undefined>(undefined);
  const operation = edited === undefined ? "cron.add@1" : "cron.edit@1";
  const typed = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, field.value]),
  ) as unknown as TypedJob; // of the same keys
  const submit = () => {
    const draft = draftOf(typed);
    if (typeof draft === "string") {
      wrong.value = draft;
      return;
    }
    wrong.value = undefined;
    const work = draft.work.kind;
    if (edited === undefined) desk.ask({ operation: "cron.add@1", args: { work }, content: draft });
    else {
      const { tag, subject } = edited;
      desk.ask(
        {
          about: edited.draft.name,
          operation: "cron.edit@1",
          args: { subject: tag, work },
          expect: { subject },
          content: draft,
        },
        undo,
      );
    }
  };
  return (
    <form
      class="stack mid"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <p class="small muted">
        <strong>A job can run code on {desk.host.label}</strong>: a turn of an agent with its tools, or a program as the
        gateway's user. That is why it is approved in the signer.
      </p>
      <TextField id="job-name" label="Name" value={fields.name} maxLength={120} capitals />
      <When fields={fields} />
      <Work fields={fields} />
      <label class="tick">
        <input
          class="check"
          type="checkbox"
          checked={fields.enabled.value}
          onChange={(event) => (fields.enabled.value = event.currentTarget.checked)}
        />
        Runs at its times
      </label>
      {wrong.value !== undefined && <Refusal trouble={{ code: "typed", what: wrong.value }} />}
      <div class="acts">
        <button
          class="btn primary"
          type="submit"
          aria-disabled={desk.obstacle(operation) === undefined ? undefined : "true"}
          title={desk.obstacle(operation)}
          onClick={(event) => {
            if (desk.obstacle(operation) !== undefined) event.preventDefault();
          }}
        >
          {edited === undefined ? "Add the job…" : "Change the job…"}
        </button>
        {desk.obstacle(operation) !== undefined && (
          <span class="tiny faint">Not offered: {desk.obstacle(operation)}.</span>
        )}
      </div>
    </form>
  );
}

function When({ fields }: { readonly fields: Fields }) {
  const { kind } = fields;
  return (
    <>
      <ChoiceField
        id="job-kind"
        label="When"
        value={kind}
        options={[
          ["every", "Again and again, after so many minutes"],
          ["cron", "By a cron expression"],
          ["at", "Once"],
        ]}
      />
      {kind.value === "every" && <TextField id="job-minutes" label="Minutes" value={fields.minutes} numeric />}
      {kind.value === "cron" && (
        <div class="grid-2">
          <TextField
            id="job-expression"
            label="Cron expression"
            value={fields.expression}
            maxLength={120}
            hint="Minute, hour, day of the month, month, day of the week."
          />
          <TextField
            id="job-zone"
            label="Time zone"
            value={fields.zone}
            maxLength={64}
            hint="Such as Europe/Berlin; empty: the gateway's own."
          />
        </div>
      )}
      {kind.value === "at" && (
        <TextField id="job-at" label="At" value={fields.at} maxLength={40} hint="Such as 2026-12-01T07:00:00Z." />
      )}
    </>
  );
}

function Work({ fields }: { readonly fields: Fields }) {
  const { work } = fields;
  return (
    <>
      <ChoiceField
        id="job-work"
        label="What"
        value={work}
        options={[
          ["message", "An agent is told something"],
          ["command", "A program runs"],
        ]}
      />
      {work.value === "message" ? (
        <>
          <TextField
            id="job-agent"
            label="Agent"
            value={fields.agent}
            maxLength={64}
            hint="Empty: the gateway's default agent."
          />
          <LongField id="job-message" label="Message" value={fields.message} maxLength={8_192} />
        </>
      ) : (
        <LongField
          id="job-words"
          label="Program and arguments"
          value={fields.words}
          maxLength={65_536}
          hint="One on each line, the program first. No shell reads them."
        />
      )}
    </>
  );
}

interface LongFieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: Signal<string>;
  readonly maxLength: number;
  readonly hint?: string;
}

export function LongField({ id, label, value, maxLength, hint }: LongFieldProps) {
  return (
    <Field id={id} label={label} hint={hint}>
      <textarea
        class="input textarea"
        id={id}
        maxLength={maxLength}
        spellcheck={false}
        autocapitalize="off"
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </Field>
  );
}
