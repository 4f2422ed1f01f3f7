/** One touch after another on a form: what is waited for, said in words, and what was refused. */
import { useSignal } from "@preact/signals";
import type { TouchStep, Trouble } from "../state/backend.ts";
import { Banner } from "./banner.tsx";
import { TouchButton, TroubleText } from "./parts.tsx";

export interface Touching {
  readonly busy: boolean;
  readonly step: TouchStep | undefined;
  /** From the click. */
  run(steps: AsyncIterable<TouchStep>): Promise<boolean>;
  /** Says what is wrong with what was typed; nothing is asked. */
  readonly refuse: (what: string) => void;
}

export function useTouching(): Touching {
  const step = useSignal<TouchStep | undefined>(undefined);
  const now = step.value;
  return {
    step: now,
    busy: now?.kind === "touch" || now?.kind === "sending",
    async run(steps) {
      for await (const one of steps) step.value = one;
      return step.value?.kind === "done";
    },
    refuse(what) {
      step.value = { kind: "failed", trouble: { code: "typed", what } };
    },
  };
}

const words: Readonly<Record<TouchStep["kind"], string>> = {
  touch: "Touch your authenticator.",
  sending: "Writing it to the ledger.",
  done: "Done, and recorded.",
  cancelled: "The authenticator was closed. Nothing was changed.",
  failed: "",
};

interface OutcomeProps {
  readonly touching: Touching;
  readonly done?: string | undefined;
}

export function TouchOutcome({ touching: { step }, done = words.done }: OutcomeProps) {
  return (
    <>
      <p class="small muted" role="status">
        {step === undefined ? "" : step.kind === "done" ? done : words[step.kind]}
      </p>
      {step?.kind === "failed" && <Refusal trouble={step.trouble} />}
    </>
  );
}

interface TouchFootProps extends OutcomeProps {
  readonly title: string;
  readonly effect?: string;
  readonly onClick: () => void;
}

/** Where a form ends: its one touch, and what became of it. */
export function TouchFoot(props: TouchFootProps) {
  const { touching, done, title, effect = "one touch, recorded in the ledger", onClick } = props;
  return (
    <>
      <div class="row">
        <TouchButton title={title} effect={effect} busy={touching.busy} onClick={onClick} />
      </div>
      <TouchOutcome touching={touching} done={done} />
    </>
  );
}

export function Refusal({ trouble }: { readonly trouble: Trouble }) {
  return (
    <Banner tone="warn" icon="warn" live>
      <TroubleText trouble={trouble} />
    </Banner>
  );
}
