/** The fields of forms: one label, one control, and a hint where it helps. What is typed is judged by whoever asks for it. */
import type { ComponentChildren } from "preact";
import type { Signal } from "@preact/signals";

interface FieldProps {
  readonly id: string;
  readonly label: string;
  readonly hint?: ComponentChildren;
}

/** Around the control of that id, which names `hintId` as its description. */
export function Field({ id, label, hint, children }: FieldProps & { readonly children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint !== undefined && (
        <p class="tiny faint" id={hintId(id, hint)}>
          {hint}
        </p>
      )}
    </div>
  );
}

function hintId(id: string, hint: ComponentChildren): string | undefined {
  return hint === undefined ? undefined : `${id}-hint`;
}

interface TextFieldProps extends FieldProps {
  readonly value: Signal<string>;
  readonly maxLength?: number;
  readonly numeric?: boolean;
  /** What people are called begins with one; keys, addresses and ids do not. */
  readonly capitals?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { id, label, hint, value, maxLength = 128, numeric = false, capitals = false } = props;
  return (
    <Field id={id} label={label} hint={hint}>
      <input
        class="input"
        id={id}
        value={value.value}
        maxLength={maxLength}
        inputMode={numeric ? "numeric" : "text"}
        autocomplete="off"
        autocapitalize={capitals ? undefined : "off"}
        spellcheck={false}
        aria-describedby={hintId(id, hint)}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </Field>
  );
}

interface SecretFieldProps {
  readonly id: string;
  readonly value: Signal<string>;
  readonly fresh: () => string;
}

/** What signs the messages to a far end. */
export function SecretField({ id, value, fresh }: SecretFieldProps) {
  return (
    <TextField
      id={id}
      label="Signing secret"
      value={value}
      hint={
        <>
          Give the far end the same one. It is not shown again.{" "}
          <button class="btn quiet sm" type="button" onClick={() => (value.value = fresh())}>
            Make one
          </button>
        </>
      }
    />
  );
}

interface SelectFieldProps<T extends string | number> extends FieldProps {
  readonly chosen: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChoose: (value: T) => void;
}

/** For a choice that is kept elsewhere than in a signal, such as in the address. */
export function SelectField<T extends string | number>(props: SelectFieldProps<T>) {
  const { id, label, hint, chosen, options, onChoose } = props;
  return (
    <Field id={id} label={label} hint={hint}>
      <select
        class="select"
        id={id}
        value={chosen}
        aria-describedby={hintId(id, hint)}
        onChange={({ currentTarget: { selectedIndex } }) => {
          const option = options[selectedIndex];
          if (option !== undefined) onChoose(option[0]);
        }}
      >
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface ChoiceFieldProps<T extends string | number> extends FieldProps {
  readonly value: Signal<T>;
  readonly options: readonly (readonly [T, string])[];
}

export function ChoiceField<T extends string | number>({ value, ...field }: ChoiceFieldProps<T>) {
  return <SelectField {...field} chosen={value.value} onChoose={(chosen) => (value.value = chosen)} />;
}
