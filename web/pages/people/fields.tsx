/** Form parts of the pages about the trust log: roles, scope, end. What is typed is kept until the change is made. */
import { useSignal, type Signal } from "@preact/signals";
import { GRANT_SECONDS } from "../../../protocol/limits.ts";
import { ChoiceField, TextField } from "../../components/fields.tsx";
import type { TrustView } from "../../state/people.ts";
import { formatNumberOf } from "../../format.ts";
import type { Scope } from "../../statement/words.ts";

interface ChoicesProps<T extends string> {
  readonly legend: string;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly chosen: Signal<readonly T[]>;
}

export function Choices<T extends string>({ legend, options, chosen }: ChoicesProps<T>) {
  const toggle = (value: T) => {
    const has = chosen.value.includes(value);
    chosen.value = has ? chosen.value.filter((one) => one !== value) : [...chosen.value, value];
  };
  return (
    <fieldset class="tickset">
      <legend>{legend}</legend>
      <div class="ticks">
        {options.map(({ value, label }) => (
          <label key={value} class="tick">
            <input
              class="check"
              type="checkbox"
              checked={chosen.value.includes(value)}
              onChange={() => toggle(value)}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function RoleChoices({
  view,
  chosen,
}: {
  readonly view: TrustView;
  readonly chosen: Signal<readonly string[]>;
}) {
  const options = [...view.state.roles.keys()].map((value) => ({ value, label: value }));
  return <Choices legend="Roles" options={options} chosen={chosen} />;
}

const ends = [7, 30, 60, 90].map((count) => [count, `after ${formatNumberOf(count, "day")}`] as const);

interface EndFieldProps {
  readonly id: string;
  readonly value: Signal<number>;
  readonly what: string;
}

/** Days from now; the longest is what the protocol allows. */
export function EndField({ id, value, what }: EndFieldProps) {
  return <ChoiceField id={id} label={what} value={value} options={ends} />;
}

/** Left out where it is the latest that is allowed: the statement's own time decides then, not this page's. */
export function untilOf(chosenDays: number, now: number): { readonly until?: number } {
  const seconds = chosenDays * 86_400;
  return seconds >= GRANT_SECONDS ? {} : { until: now + seconds };
}

export interface ScopeSignals {
  readonly all: Signal<boolean>;
  readonly hosts: Signal<readonly string[]>;
  readonly labels: Signal<string>;
}

/** Begins with the scope of what is changed; with everywhere, or nowhere, for something new. */
export function useScope(scope: Scope | undefined, everywhere: boolean): ScopeSignals {
  const { hosts, labels = [] } = scope ?? { hosts: everywhere ? ["all"] : [] };
  return {
    all: useSignal(hosts.includes("all")),
    hosts: useSignal<readonly string[]>(hosts.filter((host) => host !== "all")),
    labels: useSignal(labels.join(", ")),
  };
}

interface ScopeProps {
  readonly id: string;
  readonly view: TrustView;
  readonly scope: ScopeSignals;
}

export function ScopeFields({ id, view, scope }: ScopeProps) {
  const { all, hosts, labels } = scope;
  const options = [...view.state.hosts.values()].map(({ host, label }) => ({ value: host, label }));
  return (
    <fieldset class="tickset">
      <legend>On which hosts</legend>
      <div class="ticks">
        <label class="tick">
          <input class="check" type="checkbox" checked={all.value} onChange={() => (all.value = !all.value)} />
          <span>All hosts, those that join later too</span>
        </label>
      </div>
      {!all.value && (
        <div class="stack mid">
          {options.length > 0 && <Choices legend="These hosts" options={options} chosen={hosts} />}
          <TextField
            id={`${id}-labels`}
            label="Hosts by name"
            value={labels}
            hint="Names, separated by commas. prod-* stands for every name that begins so."
          />
        </div>
      )}
    </fieldset>
  );
}

export function scopeOf({ all, hosts, labels }: ScopeSignals): { hosts: string[]; labels?: string[] } {
  if (all.value) return { hosts: ["all"] };
  const patterns = labels.value
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  return { hosts: [...hosts.value], ...(patterns.length === 0 ? {} : { labels: patterns }) };
}

export function isEmptyScope(scope: ScopeSignals): boolean {
  const { hosts, labels = [] } = scopeOf(scope);
  return hosts.length + labels.length === 0;
}

interface FormFootProps {
  readonly title: string;
  /** Why it cannot be asked for yet. */
  readonly problem: string | undefined;
  readonly onAsk: () => void;
  /** Absent: there is nothing to go back to. */
  readonly onCancel?: (() => void) | undefined;
}

export function FormFoot({ title, problem, onAsk, onCancel }: FormFootProps) {
  return (
    <div class="row wrap">
      <button class="btn" type="button" disabled={problem !== undefined} onClick={onAsk}>
        {title}
      </button>
      {onCancel !== undefined && (
        <button class="btn quiet" type="button" onClick={onCancel}>
          Leave it as it is
        </button>
      )}
      {problem !== undefined && <span class="small muted">{problem}</span>}
    </div>
  );
}
