/** What mending one check would change, before the touch; the touch; and the way back. What is shown is what is pinned. */
import { useSignal } from "@preact/signals";
import { checks, type CheckId } from "../../../../protocol/posture.ts";
import { reasonSentence } from "../../../../protocol/posture-words.ts";
import type { ReadResult } from "../../../state/readings.ts";
import { useFresh } from "../fresh.ts";
import type { HostWish, Undo } from "../desk.ts";
import { Act, SignerNote } from "../parts.tsx";
import { Read, ReadWhen, useReading } from "../reading.tsx";
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

export function Mend({ check }: { readonly check: CheckId }) {
  const isAsked = useSignal(false);
  if (!isAsked.value)
    return (
      <div class="acts">
        <button class="btn sm" type="button" onClick={() => (isAsked.value = true)}>
          Show what a fix would change
        </button>
      </div>
    );
  if (check === "usr.dedicated") return <MoveGateway />;
  return check === "ssh.port.nonstandard" ? <MendWithPort check={check} /> : <MendByItself check={check} />;
}

function MendByItself({ check }: { readonly check: CheckId }) {
  const read = useReading("posture.plan@1", { check });
  const undo = useUndoOf((all) => all.includes(check));
  return (
    <>
      <ReadWhen read={read} />
      <Read read={read} what="what a fix would change">
        {(planned) => (
          <Offer
            planned={planned}
            undo={undo}
            wishOf={(subject) => ({ operation: "posture.fix@1", args: { check }, expect: { subject } })}
            about={checks[check].title}
          />
        )}
      </Read>
    </>
  );
}

/** A new port is a choice: critical, because whoever does not know it cannot sign in. */
function MendWithPort({ check }: { readonly check: CheckId }) {
  const read = useReading("posture.plan@1", { check, choices: { sshPort: "random" } });
  const undo = useUndoOf((all) => all.includes(check));
  return (
    <>
      <ReadWhen read={read} />
      <Read read={read} what="what a new port would change">
        {(planned) => (
          <Offer
            planned={planned}
            undo={undo}
            wishOf={(subject) => ({
              operation: "posture.fix-with@1",
              args: { check },
              expect: { subject },
              content: { sshPort: "random" },
            })}
            about={checks[check].title}
          />
        )}
      </Read>
      <SignerNote asks={["posture.fix-with@1"]} />
    </>
  );
}

/** No fix: the gateway is away meanwhile, and everything that it keeps goes with it. */
function MoveGateway() {
  const check = "usr.dedicated";
  const read = useReading("posture.plan@1", { check });
  const undo = useUndoOf((all) => all.includes(check));
  return (
    <>
      <ReadWhen read={read} />
      <Read read={read} what="what a move would change">
        {(planned) => (
          <Offer
            planned={planned}
            undo={undo}
            wishOf={(subject) => ({ operation: "gateway.isolate@1", args: {}, expect: { subject } })}
            about={checks[check].title}
            verb="Move it to its own user…"
          />
        )}
      </Read>
      <SignerNote asks={["gateway.isolate@1"]} />
    </>
  );
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
