/** What mending one check would change, before the touch; the touch; and the way back. What is shown is what is pinned. */
import { useSignal } from "@preact/signals";
import { checks, type CheckId } from "../../../../protocol/posture.ts";
import { SignerNote } from "../parts.tsx";
import { Read, ReadWhen, useReading } from "../reading.tsx";
import { choicesOf } from "./choices.ts";
import { MendWith } from "./mend-with.tsx";
import { Offer, useUndoOf } from "./offer.tsx";

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
  const isChosen = choicesOf[check] !== undefined;
  return (
    <>
      {check === "ssh.port.nonstandard" ? <MendWithPort check={check} /> : <MendByItself check={check} />}
      {isChosen && <Chosen check={check} />}
    </>
  );
}

/** Critical, and rarely wanted: the host's own choice stands first. */
function Chosen({ check }: { readonly check: CheckId }) {
  const isOpen = useSignal(false);
  if (isOpen.value) return <MendWith check={check} />;
  return (
    <div class="acts">
      <button class="btn quiet sm" type="button" onClick={() => (isOpen.value = true)}>
        Choose the values yourself
        <span class="sr">: {checks[check].title}</span>
      </button>
    </div>
  );
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
