/**
 * Taking a host out of the workspace: a statement of the trust log, in the signer, by somebody who may admit hosts. Also
 * the last step after a reset, whose old key would otherwise stay admitted.
 */
import { hasPermission } from "../../../protocol/trust/state.ts";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";
import { useStatements } from "../../statement/dialog.tsx";

export function Removal({ host }: { readonly host: HostView }) {
  const { backend } = useApp();
  const statements = useStatements();
  const view = backend.trust.value;
  const me = backend.person.value?.id ?? "";
  const mayRemove =
    view?.state.hosts.has(host.id) === true &&
    backend.origin.class === "signer" &&
    hasPermission(view.state, me, { permission: "host.admit", host: host.id, now: backend.now() });
  // The dialog stays where it is and shows its end, when the log has it and nothing is left to remove.
  return (
    <>
      {mayRemove && (
        <section class="card" aria-labelledby="removal">
          <div class="card-head">
            <h2 id="removal">Remove</h2>
          </div>
          <div class="card-body practise">
            <button
              class="btn danger"
              type="button"
              onClick={() => statements.ask({ kind: "host.remove", body: { host: host.id } })}
            >
              <span>
                Remove <bdi>{host.label}</bdi>…
              </span>
            </button>
            <span class="small muted">
              Nobody here can command it any more, and nothing that it says counts. Its gateway keeps running. After a
              reset of the machine, this takes its old key out.
            </span>
          </div>
        </section>
      )}
      {statements.dialog}
    </>
  );
}
