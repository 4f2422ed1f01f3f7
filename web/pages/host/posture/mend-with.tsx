/** A fix with what a person types: the plan for exactly that, read sealed, before the touch. */
import { useSignal } from "@preact/signals";
import { checks, type CheckId } from "../../../../protocol/posture.ts";
import type { FixOptions } from "../../../../protocol/posture/options.ts";
import { Field } from "../../../components/fields.tsx";
import { TroubleText, Waiting } from "../../../components/parts.tsx";
import { useApp } from "../../../state/app.ts";
import type { Result } from "../../../state/backend.ts";
import type { ReadResult } from "../../../state/readings.ts";
import { useDesk } from "../desk.ts";
import { SignerNote } from "../parts.tsx";
import { choiceFields, choicesOf, chosenFrom, type Choice, type Typed } from "./choices.ts";
import { Offer, useUndoOf } from "./offer.tsx";

interface Shown {
  readonly options: FixOptions;
  readonly result: Result<ReadResult<"posture.plan-with@1">> | "asking";
}

export function MendWith({ check }: { readonly check: CheckId }) {
  const { backend } = useApp();
  const desk = useDesk();
  const typed = useSignal<Typed>({});
  const wrong = useSignal<Partial<Record<Choice, string>>>({});
  const shown = useSignal<Shown | undefined>(undefined);
  const choices = choicesOf[check] ?? [];
  const obstacle = shown.value?.result === "asking" ? "it is being asked" : desk.obstacle("posture.fix-with@1");
  const look = async () => {
    const chosen = chosenFrom(typed.value);
    wrong.value = chosen.kind === "wrong" ? chosen.wrong : {};
    const [only] = choices;
    if (chosen.kind === "nothing" && only !== undefined)
      wrong.value = { [only]: "Type a value first: with nothing typed the host chooses, as in the plan above." };
    const first = choices.find((choice) => wrong.value[choice] !== undefined) ?? choices[0];
    if (chosen.kind !== "options") {
      shown.value = undefined;
      document.getElementById(fieldId(check, first))?.focus();
      return;
    }
    const { options } = chosen;
    const mine: Shown = { options, result: "asking" };
    shown.value = mine;
    const result = await backend.readings.planWith({ host: desk.host.id, check, options });
    // What was typed since is another plan.
    if (shown.value === mine) shown.value = { options, result };
  };
  return (
    <form
      class="stack mid"
      aria-label={`Choose: ${checks[check].title}`}
      onSubmit={(event) => {
        event.preventDefault();
        if (obstacle === undefined) void look();
      }}
    >
      {choices.map((choice) => (
        <ChoiceInput
          key={choice}
          id={fieldId(check, choice)}
          choice={choice}
          text={typed.value[choice] ?? ""}
          wrong={wrong.value[choice]}
          onText={(text) => {
            typed.value = { ...typed.value, [choice]: text };
            shown.value = undefined;
          }}
        />
      ))}
      <div class="acts">
        <button
          class="btn sm"
          type="submit"
          aria-disabled={obstacle === undefined ? undefined : "true"}
          title={obstacle}
        >
          Show what this would change
          {obstacle !== undefined && <span class="sr">: not offered, {obstacle}</span>}
        </button>
      </div>
      <p class="tiny faint">It goes sealed to the host: the control plane does not read it.</p>
      <Plan check={check} shown={shown.value} />
      <SignerNote asks={["posture.fix-with@1"]} />
    </form>
  );
}

const fieldId = (check: CheckId, choice: Choice | undefined) => `${choice ?? ""}-${check.replaceAll(".", "-")}`;

function Plan({ check, shown }: { readonly check: CheckId; readonly shown: Shown | undefined }) {
  const undo = useUndoOf((all) => all.includes(check));
  if (shown === undefined) return null;
  const { result, options } = shown;
  if (result === "asking") return <Waiting what="Reading what this would change" />;
  if (!result.ok)
    return (
      <p class="small" role="alert">
        <TroubleText trouble={result.trouble} />
      </p>
    );
  return (
    <Offer
      planned={result.value}
      undo={undo}
      wishOf={(subject) => ({
        operation: "posture.fix-with@1",
        args: { check },
        expect: { subject },
        content: options,
      })}
      about={checks[check].title}
    />
  );
}

interface ChoiceInputProps {
  readonly id: string;
  readonly choice: Choice;
  readonly text: string;
  readonly wrong: string | undefined;
  readonly onText: (text: string) => void;
}

function ChoiceInput({ id, choice, text, wrong, onText }: ChoiceInputProps) {
  const { label, hint, isList } = choiceFields[choice];
  const common = {
    id,
    value: text,
    autocomplete: "off",
    autocapitalize: "off" as const,
    spellcheck: false,
    "aria-describedby": `${id}-hint`,
    "aria-invalid": wrong === undefined ? undefined : ("true" as const),
  };
  return (
    <Field id={id} label={label} hint={wrong === undefined ? hint : <strong role="alert">{wrong}</strong>}>
      {isList ? (
        <textarea class="input textarea" {...common} onInput={({ currentTarget }) => onText(currentTarget.value)} />
      ) : (
        <input class="input" {...common} onInput={({ currentTarget }) => onText(currentTarget.value)} />
      )}
    </Field>
  );
}
