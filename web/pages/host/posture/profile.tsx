/** All of the hardening at once: one plan, one touch in the signer, one way back. */
import { useSignal } from "@preact/signals";
import { Icon } from "../../../icons.tsx";
import { SignerNote } from "../parts.tsx";
import { Read, ReadWhen, useReading } from "../reading.tsx";
import { Offer, useUndoOf } from "./offer.tsx";

export function Profile() {
  const isOpen = useSignal(false);
  return (
    <section class="card" aria-labelledby="profile">
      <details class="fold" onToggle={({ currentTarget }) => (isOpen.value = currentTarget.open)}>
        <summary>
          <span class="grow">
            <h2 id="profile">Harden this host at once</h2>
            <span class="small muted">SSH, firewall, bans and kernel settings: one plan, one way back.</span>
          </span>
          <Icon name="right" class="s turn" />
        </summary>
        {isOpen.value && <Planned />}
      </details>
    </section>
  );
}

function Planned() {
  const movePort = useSignal(false);
  const read = useReading("posture.profile@1", { profile: "standard", movePort: movePort.value });
  const undo = useUndoOf((all) => all.length > 1);
  return (
    <div class="fold-body">
      <label class="row small">
        <input
          class="check"
          type="checkbox"
          checked={movePort.value}
          onChange={() => (movePort.value = !movePort.value)}
        />
        Move SSH to a port that the host draws; the plan names it before you sign
      </label>
      <ReadWhen read={read} />
      <Read read={read} what="what hardening would change">
        {(planned) => (
          <Offer
            planned={planned}
            undo={undo}
            about="the whole host"
            verb="Harden this host…"
            wishOf={(subject) => ({
              operation: "profile.apply@1",
              expect: { subject },
              content: { profile: "standard", movePort: movePort.value, options: {} },
            })}
          />
        )}
      </Read>
      <SignerNote asks={["profile.apply@1"]} />
    </div>
  );
}
