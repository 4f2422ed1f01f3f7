/** What the list is narrowed to: kind, text, time, person, host, action; and going to a day. All of it is in the address. */
import { useSignal } from "@preact/signals";
import { ledgerActions } from "../../../protocol/ledger.ts";
import { Field, SelectField } from "../../components/fields.tsx";
import { Icon } from "../../icons.tsx";
import { activityFilters, type ActivityFilter, type ActivityRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { Party } from "../../state/ledger.ts";
import { actionNames } from "./action-names.ts";
import { nameOf } from "./names.ts";

const filterLabels = {
  all: "All",
  commands: "Commands",
  refused: "Refused",
  signatures: "Signatures",
  "sign-ins": "Sign-ins",
  trust: "Trust",
  unusual: "Unusual",
} satisfies Record<ActivityFilter, string>;

interface FiltersProps {
  readonly route: ActivityRoute;
  readonly parties: readonly Party[];
  /** Marked entries; undefined while nobody has looked. */
  readonly unusual: number | undefined;
  readonly onDay: (endOfDay: number) => void;
}

export function Filters({ route, parties, unusual, onDay }: FiltersProps) {
  const { router } = useApp();
  const change = (part: Partial<ActivityRoute>) => router.go({ ...route, ...part }, "replace");
  return (
    <div class="stack mid">
      <div class="filters">
        <div class="input-icon">
          <Icon name="search" class="s" />
          <label class="sr" for="q">
            Search activity
          </label>
          <input
            class="input"
            id="q"
            type="search"
            placeholder="Person, host or entry number"
            value={route.text}
            onInput={(event) => change({ text: event.currentTarget.value })}
          />
          <kbd class="wide-only">/</kbd>
        </div>
        <div class="filters scroll" role="group" aria-label="Filter">
          {activityFilters.map((filter) => (
            <button
              key={filter}
              class="chip"
              type="button"
              aria-pressed={route.show === filter}
              onClick={() => change({ show: filter })}
            >
              {filterLabels[filter]} {filter === "unusual" && unusual !== undefined && <span class="n">{unusual}</span>}
            </button>
          ))}
        </div>
      </div>
      <Narrowing route={route} parties={parties} onDay={onDay} />
    </div>
  );
}

function Narrowing({ route, parties, onDay }: Omit<FiltersProps, "unusual">) {
  const isNarrow = [route.since, route.until, route.actor, route.host, route.action].some((one) => one !== undefined);
  const isOpen = useSignal(isNarrow);
  const listed = (some: readonly Party[]) => some.map((party) => [party.id, nameOf(party)] as const);
  const choices = [
    ["actor", "Who", listed(parties)],
    ["host", "Host", listed(parties.filter(({ kind }) => kind === "host"))],
    ["action", "What", ledgerActions.map((action) => [action, actionNames[action]] as const)],
  ] as const;
  return (
    <details class="narrow" open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary class="small">
        {isNarrow ? "Narrowed by time, person, host or action" : "By time, person, host or action"}
      </summary>
      <div class="narrowing">
        {choices.map(([name, label, options]) => (
          <Choice key={name} label={label} name={name} route={route} options={options} />
        ))}
        <Day label="From" route={route} name="since" />
        <Day label="Until" route={route} name="until" />
        <Field id="go-day" label="Go to a day">
          <input
            class="input"
            id="go-day"
            type="date"
            onChange={(event) => {
              const start = startOfDay(event.currentTarget.value);
              if (start !== undefined) onDay(start + DAY_SECONDS);
            }}
          />
        </Field>
      </div>
    </details>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: "actor" | "host" | "action";
  readonly route: ActivityRoute;
  readonly options: readonly (readonly [string, string])[];
}

function Choice({ label, name, route, options }: ChoiceProps) {
  const { router } = useApp();
  const chosen = route[name] ?? "";
  const isListed = chosen === "" || options.some(([value]) => value === chosen);
  return (
    <SelectField
      id={`narrow-${name}`}
      label={label}
      chosen={chosen}
      options={[["", "Any"], ...(isListed ? [] : [[chosen, chosen] as const]), ...options]}
      onChoose={(value) => router.go(without(route, name, value), "replace")}
    />
  );
}

const DAY_SECONDS = 86_400;

interface DayProps extends Pick<ChoiceProps, "label" | "route"> {
  readonly name: "since" | "until";
}

function Day({ label, name, route }: DayProps) {
  const { router } = useApp();
  const at = route[name];
  // The last day is meant whole; the address holds the moment after it.
  const shown = at === undefined ? "" : dayOf(name === "until" ? at - 1 : at);
  const id = `narrow-${name}`;
  return (
    <Field id={id} label={label}>
      <input
        class="input"
        id={id}
        type="date"
        value={shown}
        onChange={({ currentTarget: { value } }) => {
          const start = startOfDay(value);
          const moment = start === undefined ? undefined : name === "until" ? start + DAY_SECONDS : start;
          router.go(without(route, name, moment ?? ""), "replace");
        }}
      />
    </Field>
  );
}

/** The route with this member, or without it where the value is empty. */
export function without(route: ActivityRoute, name: keyof ActivityRoute, value: string | number): ActivityRoute {
  const { [name]: _before, ...rest } = route;
  return { ...(rest as ActivityRoute), ...(value === "" ? {} : { [name]: value }) };
}

/** Seconds at the beginning of that day, as this browser's zone has it. */
function startOfDay(value: string): number | undefined {
  const at = new Date(`${value}T00:00:00`).getTime() / 1000;
  return Number.isNaN(at) || at < 0 ? undefined : at;
}

function dayOf(at: number): string {
  const date = new Date(at * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
