/** A plan as it would be carried out: each file as a difference, each command as typed, what it risks and how it is proven. */
import type { Plan, PlanStep } from "../../../../protocol/posture/plan.ts";
import { reasonSentence, riskWords } from "../../../../protocol/posture-words.ts";
import { Banner } from "../../../components/banner.tsx";
import { DiffView } from "../../../components/diff-view.tsx";
import { Foreign, ForeignBlock } from "../../../components/foreign.tsx";
import { formatNumberOf } from "../../../format.ts";

export function PlanView({ plan }: { readonly plan: Plan }) {
  const { steps, notes, blocked, deadManSeconds, risk, proof } = plan;
  return (
    <div class="stack mid">
      {blocked !== undefined && (
        <Banner tone="warn" icon="warn">
          <p>
            <strong>It cannot be applied now.</strong> {reasonSentence(blocked)}
          </p>
        </Banner>
      )}
      {steps.length === 0 && <p class="small muted">Nothing would change on the machine.</p>}
      {steps.map((step, index) => (
        <Step key={index} step={step} number={index + 1} />
      ))}
      {notes.length > 0 && (
        <ul class="stack tight small finding-short" aria-label="Know this before">
          {notes.map((note) => (
            <li key={note}>
              <Foreign text={note} whole />
            </li>
          ))}
        </ul>
      )}
      {steps.length > 0 && (
        <Banner tone="honest" icon="undo">
          <p class="small">
            <strong>
              {deadManSeconds === undefined
                ? riskWords[risk]
                : `If it is not proven within ${formatNumberOf(deadManSeconds, "second")}, the host puts everything back by itself.`}
            </strong>{" "}
            Then it is tried: <Foreign text={proof} whole />
          </p>
        </Banner>
      )}
    </div>
  );
}

function Step({ step, number }: { readonly step: PlanStep; readonly number: number }) {
  switch (step.kind) {
    case "file":
      return <DiffView caption={fileCaption(step)} before={step.before ?? ""} after={step.after ?? ""} />;
    case "mode":
      return <DiffView caption={`Rights of ${step.path}`} before={step.before} after={step.after} />;
    case "command":
      return (
        <ForeignBlock caption={step.why} label={`Step ${number}: ${step.why}`} text={step.argv.map(shown).join(" ")} />
      );
  }
}

function fileCaption({ path, before, after }: Extract<PlanStep, { kind: "file" }>): string {
  if (before === undefined) return `New file ${path}`;
  return after === undefined ? `File ${path} goes` : `File ${path}`;
}

/** An argument with a blank in it is one argument: said as a shell would need it. */
function shown(argument: string): string {
  return /^[A-Za-z0-9@%+=:,./_-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
