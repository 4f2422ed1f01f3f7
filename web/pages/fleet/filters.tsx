/** Which hosts are shown. What is chosen is in the address. */
import { Icon } from "../../icons.tsx";
import type { FleetRoute } from "../../router.ts";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";
import { conditionOf } from "../../state/condition.ts";
import { choicesOf, type AlertCounts } from "../../state/host-order.ts";

interface FiltersProps extends NarrowingProps {
  readonly alerts: AlertCounts;
}

export function FleetFilters({ hosts, route, alerts, now }: FiltersProps) {
  const { router } = useApp();
  const needing = hosts.filter((host) => conditionOf(host, now).urgency > 0).length;
  const change = (part: Partial<FleetRoute>) => router.go({ ...route, ...part }, "replace");
  return (
    <div class="filters">
      <div class="input-icon">
        <Icon name="search" class="s" />
        <label class="sr" for="q">
          Find a host
        </label>
        <input
          class="input"
          id="q"
          type="search"
          placeholder="Name, version or state"
          value={route.text}
          onInput={(event) => change({ text: event.currentTarget.value })}
        />
        <kbd class="wide-only">/</kbd>
      </div>
      <div class="filters scroll" role="group" aria-label="Filter">
        <button class="chip" type="button" aria-pressed={route.show === "all"} onClick={() => change({ show: "all" })}>
          All <span class="n">{hosts.length}</span>
        </button>
        <button
          class="chip"
          type="button"
          aria-pressed={route.show === "needs-you"}
          onClick={() => change({ show: "needs-you" })}
        >
          <Icon name="warn" class="s" />
          Needs you <span class="n">{needing}</span>
        </button>
        <button
          class="chip"
          type="button"
          aria-pressed={route.show === "alerts"}
          onClick={() => change({ show: "alerts" })}
        >
          <Icon name="alerts" class="s" />
          With alerts <span class="n">{hosts.filter(({ id }) => alerts.has(id)).length}</span>
        </button>
      </div>
      <Narrowing hosts={hosts} route={route} now={now} />
    </div>
  );
}

interface NarrowingProps {
  readonly hosts: readonly HostView[];
  readonly route: FleetRoute;
  readonly now: number;
}

/** By state and by version, where there are several. */
function Narrowing({ hosts, route, now }: NarrowingProps) {
  const { router } = useApp();
  const { states, versions } = choicesOf(hosts, now);
  const { state, version, ...rest } = route;
  const go = (narrowed: { readonly state?: string | undefined; readonly version?: string | undefined }) =>
    router.go(
      {
        ...rest,
        ...(narrowed.state === undefined ? {} : { state: narrowed.state }),
        ...(narrowed.version === undefined ? {} : { version: narrowed.version }),
      },
      "replace",
    );
  return (
    <>
      {(states.length > 1 || state !== undefined) && (
        <Choice
          label="State"
          value={state}
          options={states.map(([word, count]) => [word.toLowerCase(), word, count])}
          onChange={(chosen) => go({ state: chosen, version })}
        />
      )}
      {(versions.length > 1 || version !== undefined) && (
        <Choice
          label="Version"
          value={version}
          options={versions.map(([name, count]) => [name, name, count])}
          onChange={(chosen) => go({ state, version: chosen })}
        />
      )}
    </>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly options: readonly (readonly [value: string, word: string, hosts: number])[];
  readonly onChange: (value: string | undefined) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  // A link may name what no host has any more: then that is what is chosen, and nothing is shown.
  const isKnown = value === undefined || options.some(([option]) => option === value);
  return (
    <select
      class="select narrow"
      aria-label={label}
      value={value ?? ""}
      onChange={({ currentTarget }) => onChange(currentTarget.value === "" ? undefined : currentTarget.value)}
    >
      <option value="">Any {label.toLowerCase()}</option>
      {!isKnown && <option value={value}>{value} (0)</option>}
      {options.map(([option, word, count]) => (
        <option key={option} value={option}>
          {word} ({count})
        </option>
      ))}
    </select>
  );
}
