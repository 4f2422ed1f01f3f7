/** Which scenario a rehearsal is about: chosen before hosts are asked, signed as part of the command. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Frame } from "./frame.tsx";
import { focusTitle } from "./modal.tsx";
import type { Wish } from "./order-dialog.tsx";
import { scenarioNames, scenarios, type Scenario } from "./scenarios.ts";

interface ScenarioProps {
  readonly wish: Wish;
  readonly close: () => void;
  readonly onChosen: (scenario: Scenario) => void;
}

export function ScenarioView({ wish, close, onChosen }: ScenarioProps) {
  const chosen = useSignal<Scenario>("second-person");
  useEffect(focusTitle, []);
  const foot = (
    <>
      <button class="btn" type="button" onClick={close}>
        Cancel
      </button>
      <button class="btn primary" type="button" onClick={() => onChosen(chosen.value)}>
        Continue
      </button>
    </>
  );
  return (
    <Frame course={wish} heading="Rehearse for what?" close={close} class="critical" foot={foot}>
      <p class="small muted">
        Nothing changes on any host. The scenario is part of what you sign, so Activity tells later what was rehearsed.
      </p>
      <fieldset class="choices">
        <legend class="sr">Scenario</legend>
        {scenarioNames.map((name) => (
          <label key={name} class="choice">
            <input
              type="radio"
              name="scenario"
              value={name}
              checked={chosen.value === name}
              onChange={() => (chosen.value = name)}
            />
            <span>
              <strong>{scenarios[name].name}</strong>
              <small class="muted">{scenarios[name].says}</small>
            </span>
          </label>
        ))}
      </fieldset>
    </Frame>
  );
}
