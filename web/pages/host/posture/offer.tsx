/** A plan with the button that applies exactly it, and the way back. */
import type { CheckId } from "../../../../protocol/posture.ts";
import { reasonSentence } from "../../../../protocol/posture-words.ts";
import type { ReadResult } from "../../../state/readings.ts";
import type { HostWish, Undo } from "../desk.ts";
import { useFresh } from "../fresh.ts";
import { Act } from "../parts.tsx";
import { PlanView } from "./plan-view.tsx";

type Planned = ReadResult<"posture.plan@1">;

/** Puts back the newest fix of that check that still stands. */
export function useUndoOf(isIt: (checks: readonly CheckId[]) => boolean): Undo {
  const fresh = useFresh();
  return {
    title: "Undo the fix",
    make: async () => {
      const stands = await fresh("posture.fixes@1", {}, ({ fixes }) =>
        fixes.find((fix) => isIt(fix.checks) && (fix.state === "applied" || fix.state === "armed")),
      );
      return stands === undefined ? undefined : { operation: "posture.rollback@1", args: { fix: stands.fix } };
    },
  };
}

interface OfferProps {
  readonly planned: Planned;
  readonly wishOf: (subject: string) => HostWish;
  readonly undo: Undo;
  readonly about: string;
  readonly verb?: string;
}

export function Offer({ planned, wishOf, undo, about, verb = "Fix it…" }: OfferProps) {
  if (planned.kind === "refused") return <p class="small muted">{reasonSentence(planned.code)}</p>;
  const { plan, subject } = planned;
  const why =
    plan.blocked !== undefined
      ? "it cannot be applied now"
      : plan.steps.length === 0
        ? "nothing would change"
        : undefined;
  return (
    <div class="stack mid">
      <PlanView plan={plan} />
      <div class="acts">
        <Act wish={wishOf(subject)} icon="touch" look="btn primary" undo={undo} about={about} why={why}>
          {verb}
        </Act>
      </div>
    </div>
  );
}
