/** An administrator lets a personal value of one entry go for ever. The entry stays, and so does the fact of the erasure. */
import { TouchButton } from "../../components/parts.tsx";
import { TouchOutcome, useTouching } from "../../components/touching.tsx";
import { personalFields, type PersonalField } from "../../../protocol/ledger.ts";
import { useApp } from "../../state/app.ts";
import type { LedgerEntry } from "../../state/ledger.ts";

export const fieldNames = {
  source: "address",
  country: "country",
  device: "device",
} as const satisfies Record<PersonalField, string>;

export function EraseValues({ entry }: { readonly entry: LedgerEntry }) {
  const { backend } = useApp();
  const touching = useTouching();
  const shown = personalFields.filter((field) => entry[field] !== undefined);
  if (shown.length === 0 || !backend.keeping.mayChange.value) return null;
  const erase = async (field: PersonalField) => {
    const isDone = await touching.run(backend.keeping.erase({ field, index: entry.index }));
    if (isDone) backend.activity.prove(entry.index);
  };
  return (
    <details class="narrow">
      <summary class="small">Erase a personal value</summary>
      <div class="stack mid">
        <p class="small muted">
          The value goes from here for good; copies that were taken keep it. The entry and its proof stay, with a note
          that it was erased, by whom and when.
        </p>
        {shown.map((field) => (
          <div class="row" key={field}>
            <TouchButton
              title={`Erase the ${fieldNames[field]}`}
              effect={`of entry ${entry.index}, for good; one touch`}
              busy={touching.busy}
              onClick={() => void erase(field)}
            />
          </div>
        ))}
        <TouchOutcome touching={touching} />
      </div>
    </details>
  );
}
