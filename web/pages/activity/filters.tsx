/** What the list is narrowed to: kind, text, time, person, host, action; and going to a day. All of it is in the address. */
import { useSignal } from "@preact/signals";
import { ledgerActions } from "../../../protocol/ledger.ts";
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
  const hosts = parties.filter(({ kind }) => kind === "host");
  return (
    <details class="narrow" open={isOpen.value} onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
      <summary class="small">
        {isNarrow ? "Narrowed by time, person, host or action" : "By time, person, host or action"}
      </summary>
      <div class="narrowing">
        <Choice
          id="narrow-actor"
          label="Who"
          name="actor"
          route={route}
          options={parties.map((party) => [party.id, nameOf(party)])}
        />
        <Choice
          id="narrow-host"
          label="Host"
          name="host"
          route={route}
          options={hosts.map((party) => [party.id, nameOf(party)])}
        />
        <Choice
          id="narrow-action"
          label="What"
          name="action"
          route={route}
          options={ledgerActions.map((action) => [action, actionNames[action]])}
        />
        <Day id="narrow-since" label="From" route={route} name="since" />
        <Day id="narrow-until" label="Until" route={route} name="until" />
        <div class="field">
          <label for="go-day">Go to a day</label>
          <input
            class="input"
            id="go-day"
            type="date"
            onChange={(event) => {
              const start = startOfDay(event.currentTarget.value);
              if (start !== undefined) onDay(start + DAY_SECONDS);
            }}
          />
        </div>
      </div>
    </details>
  );
}

interface ChoiceProps {
  readonly id: string;
  readonly label: string;
  readonly name: "actor" | "host" | "action";
  readonly route: ActivityRoute;
  readonly options: readonly (readonly [string, string])[];
}

function Choice({ id, label, name, route, options }: ChoiceProps) {
  const { router } = useApp();
  const chosen = route[name] ?? "";
  const isListed = chosen === "" || options.some(([value]) => value === chosen);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        class="select"
        id={id}
        value={chosen}
        onChange={({ currentTarget: { value } }) => router.go(without(route, name, value), "replace")}
      >
        <option value="">Any</option>
        {!isListed && <option value={chosen}>{chosen}</option>}
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

const DAY_SECONDS = 86_400;

function Day({
  id,
  label,
  route,
  name,
}: Pick<ChoiceProps, "id" | "label" | "route"> & { readonly name: "since" | "until" }) {
  const { router } = useApp();
  const at = route[name];
  // The last day is meant whole; the address holds the moment after it.
  const shown = at === undefined ? "" : dayOf(name === "until" ? at - 1 : at);
  return (
    <div class="field">
      <label for={id}>{label}</label>
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
    </div>
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
