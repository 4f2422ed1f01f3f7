/** A rule for several people: which operations, which hosts, how many; and whether it can be met at all. */
import { useEffect, useRef } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { MAX_PEOPLE } from "../../../protocol/limits.ts";
import { operationWords } from "../../../protocol/operation-words.ts";
import type { Policy } from "../../../protocol/trust/statements.ts";
import { TextField } from "../../components/fields.tsx";
import { formatNumberOf } from "../../format.ts";
import { ableToApprove } from "../../state/people.ts";
import { Choices, FormFoot, isEmptyScope, ScopeFields, scopeOf, useScope } from "../people/fields.tsx";
import type { Desk } from "../people/frame.tsx";

const ID = /^[a-z][a-z0-9-]{1,47}$/;

interface RuleFormProps {
  readonly desk: Desk;
  readonly rule: Policy | undefined;
  readonly onCancel: () => void;
}

export function RuleForm({ desk, rule, onCancel }: RuleFormProps) {
  const id = useSignal(rule?.id ?? "");
  const every = useSignal(rule === undefined || rule.operations.includes("all"));
  const chosen = useSignal<readonly string[]>(rule?.operations.filter((name) => name !== "all") ?? []);
  const people = useSignal(rule?.people ?? 2);
  const scope = useScope(rule, true);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (rule !== undefined) heading.current?.focus();
  }, [rule]);
  const able = ableToApprove(desk.view.state);
  const names = every.value ? ["all"] : [...chosen.value];
  const problem = problemOf({ id: id.value, isEmpty: names.length === 0 || isEmptyScope(scope) });
  const set = () =>
    desk.statements.ask({
      kind: "policy.set",
      body: { id: id.value, operations: names, ...scopeOf(scope), people: people.value },
    });
  return (
    <section class="card" aria-labelledby="rule-form">
      <div class="card-head">
        <h2 id="rule-form" tabIndex={-1} ref={heading}>
          {rule === undefined ? "A new rule" : `Change the rule ${rule.id}`}
        </h2>
      </div>
      <div class="card-body stack">
        {rule === undefined && (
          <TextField id="rule-id" label="Name" value={id} maxLength={48} hint="Small letters, digits and hyphens." />
        )}
        <OperationsField every={every} chosen={chosen} />
        <ScopeFields id="rule" view={desk.view} scope={scope} />
        <PeopleField value={people} able={able} />
        <FormFoot
          title={rule === undefined ? "Set the rule…" : "Change the rule…"}
          problem={problem}
          onAsk={set}
          onCancel={rule === undefined ? undefined : onCancel}
        />
      </div>
    </section>
  );
}

function problemOf({ id, isEmpty }: { readonly id: string; readonly isEmpty: boolean }): string | undefined {
  if (id === "") return "It needs a name.";
  if (!ID.test(id)) return "The name begins with a letter and has small letters, digits and hyphens only.";
  return isEmpty ? "It needs at least one operation and one host." : undefined;
}

interface OperationsFieldProps {
  readonly every: Signal<boolean>;
  readonly chosen: Signal<readonly string[]>;
}

function OperationsField({ every, chosen }: OperationsFieldProps) {
  const options = Object.entries(operationWords).map(([value, { verb }]) => ({ value, label: `${verb} (${value})` }));
  return (
    <fieldset class="tickset">
      <legend>Which operations</legend>
      <label class="tick">
        <input class="check" type="checkbox" checked={every.value} onChange={() => (every.value = !every.value)} />
        <span>Every operation, those of later versions too</span>
      </label>
      {!every.value && <Choices legend="These operations" options={options} chosen={chosen} />}
    </fieldset>
  );
}

interface PeopleFieldProps {
  readonly value: { value: number };
  readonly able: number;
}

/** Whether it can be met at all is said beside the choice, before anybody is asked for a touch. */
function PeopleField({ value, able }: PeopleFieldProps) {
  return (
    <div class="field">
      <label for="rule-people">How many people</label>
      <select
        class="select"
        id="rule-people"
        value={String(value.value)}
        aria-describedby="rule-people-hint"
        onChange={(event) => (value.value = Number(event.currentTarget.value))}
      >
        {Array.from({ length: MAX_PEOPLE - 1 }, (_, index) => index + 2).map((count) => (
          <option key={count} value={String(count)}>
            {count}
          </option>
        ))}
      </select>
      <p class="small muted" id="rule-people-hint">
        {formatNumberOf(able, "administrator has", "administrators have")} a passkey for the signer.{" "}
        {able >= value.value
          ? "The rule can be met."
          : "This rule could never be changed again, so it is refused. Add administrators first."}{" "}
        {able === value.value &&
          "With no administrator to spare, none of them can be revoked while it holds: one more avoids that."}{" "}
        A person whom another one alone added counts beside them after a day; until then the two together count as one.
      </p>
    </div>
  );
}
