/** Accepting a risk: a reason in one's own words, which the edge cannot read, and an end. */
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { checks, type CheckId } from "../../../../protocol/posture.ts";
import { ChoiceField, Field } from "../../../components/fields.tsx";
import { useApp } from "../../../state/app.ts";
import { Act, SignerNote } from "../parts.tsx";

const DAY_SECONDS = 86_400;
const lengths = [
  [7, "a week"],
  [30, "30 days"],
  [90, "90 days"],
  [179, "half a year"],
] as const;
const LEAST_CHARACTERS = 3;
const MOST_CHARACTERS = 300;

interface WaiveFormProps {
  readonly check: CheckId;
  readonly onClosed: () => void;
}

export function WaiveForm({ check, onClosed }: WaiveFormProps) {
  const { backend } = useApp();
  const reason = useSignal("");
  const days = useSignal<number>(30);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const said = reason.value.trim();
  return (
    <div class="stack mid">
      <Field
        id={`why-${check}`}
        label="Why it is accepted"
        hint="Sealed for the host: whoever opens this page of it reads it, the control plane does not."
      >
        <textarea
          class="input textarea"
          id={`why-${check}`}
          ref={field}
          value={reason.value}
          maxLength={MOST_CHARACTERS}
          aria-describedby={`why-${check}-hint`}
          onInput={(event) => (reason.value = event.currentTarget.value)}
        />
      </Field>
      <ChoiceField id={`until-${check}`} label="For how long" value={days} options={lengths} />
      <p class="small muted">
        It stays visible here with your name, leaves the score, and the grade cannot be A meanwhile.
      </p>
      <div class="acts">
        <Act
          wish={{
            operation: "posture.waive@1",
            args: { check, until: Math.floor(backend.now()) + days.value * DAY_SECONDS },
            content: { reason: said },
          }}
          about={checks[check].title}
          why={said.length < LEAST_CHARACTERS ? "say why first" : undefined}
          undo={{
            title: "Take the acceptance back",
            make: () => Promise.resolve({ operation: "posture.unwaive@1", args: { check } }),
          }}
        >
          Accept it…
        </Act>
        <button class="btn quiet sm" type="button" onClick={onClosed}>
          Leave it
        </button>
      </div>
      <SignerNote asks={["posture.waive@1"]} />
    </div>
  );
}
