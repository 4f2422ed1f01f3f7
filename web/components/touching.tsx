/** One touch after another on a form: what is waited for, said in words, and what was refused. */
import type { ComponentChildren } from "preact";
import { useSignal, type Signal } from "@preact/signals";
import type { TouchStep, Trouble } from "../state/backend.ts";
import { Banner } from "./banner.tsx";
import { TroubleText } from "./parts.tsx";

export interface Touching {
  readonly busy: boolean;
  readonly step: TouchStep | undefined;
  /** From the click. */
  run(steps: AsyncIterable<TouchStep>): Promise<boolean>;
  /** Says what is wrong with what was typed; nothing is asked. */
  readonly refuse: (what: string) => void;
}

export function useTouching(): Touching {
  const step = useSignal<TouchStep | undefined>(undefined);
  const now = step.value;
  return {
    step: now,
    busy: now?.kind === "touch" || now?.kind === "sending",
    async run(steps) {
      for await (const one of steps) step.value = one;
      return step.value?.kind === "done";
    },
    refuse(what) {
      step.value = { kind: "failed", trouble: { code: "typed", what } };
    },
  };
}

const words: Readonly<Record<TouchStep["kind"], string>> = {
  touch: "Touch your authenticator.",
  sending: "Writing it to the ledger.",
  done: "Done, and recorded.",
  cancelled: "The authenticator was closed. Nothing was changed.",
  failed: "",
};

export function TouchOutcome({ touching: { step } }: { readonly touching: Touching }) {
  return (
    <>
      <p class="small muted" role="status">
        {step === undefined ? "" : words[step.kind]}
      </p>
      {step?.kind === "failed" && <Refusal trouble={step.trouble} />}
    </>
  );
}

export function Refusal({ trouble }: { readonly trouble: Trouble }) {
  return (
    <Banner tone="warn" icon="warn" live>
      <TroubleText trouble={trouble} />
    </Banner>
  );
}

interface TextFieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: Signal<string>;
  readonly hint: ComponentChildren;
  readonly maxLength: number;
  readonly numeric?: boolean;
}

export function TextField({ id, label, value, hint, maxLength, numeric = false }: TextFieldProps) {
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

interface ChoiceFieldProps<T extends string> {
  readonly id: string;
  readonly label: string;
  readonly value: Signal<T>;
  readonly options: readonly (readonly [T, string])[];
  readonly hint?: ComponentChildren;
}

export function ChoiceField<T extends string>({ id, label, value, options, hint }: ChoiceFieldProps<T>) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        class="select"
        id={id}
        value={value.value}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={({ currentTarget: { selectedIndex } }) => {
          const chosen = options[selectedIndex];
          if (chosen !== undefined) [value.value] = chosen;
        }}
      >
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
      {hint !== undefined && (
        <p class="tiny faint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
