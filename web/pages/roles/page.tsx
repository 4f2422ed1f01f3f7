/** Roles: what each may do and who holds it, the presets that are offered, roles of one's own, and the whole matrix. */
import { useSignal } from "@preact/signals";
import type { RoleDefinition } from "../../../protocol/roles.ts";
import { formatList } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { rolesIn, type RoleView } from "../../state/people.ts";
import { permissionWords, scopeWords, sessionWords } from "../../statement/words.ts";
import { TrustFrame, type Desk } from "../people/frame.tsx";
import { PermissionMatrix } from "./matrix.tsx";
import { RoleForm } from "./role-form.tsx";

export function RolesPage() {
  return (
    <TrustFrame page="roles" lead="A role is a list of permissions with hosts to use them on. No role: nothing.">
      {(desk) => <Roles desk={desk} />}
    </TrustFrame>
  );
}

function Roles({ desk }: { readonly desk: Desk }) {
  const editing = useSignal<string | undefined>(undefined);
  const roles = rolesIn(desk.view);
  return (
    <>
      <section class="stack mid" aria-labelledby="written-roles">
        <h2 id="written-roles">In this workspace</h2>
        <div class="grid-2">
          {roles
            .filter(({ written }) => written)
            .map((one) => (
              <RoleCard key={one.role.id} one={one} desk={desk} onEdit={() => (editing.value = one.role.id)} />
            ))}
        </div>
      </section>
      {roles.some(({ written }) => !written) && (
        <section class="stack mid" aria-labelledby="offered-roles">
          <h2 id="offered-roles">Offered</h2>
          <p class="small muted">
            By job. One touch writes one into the log; it holds for nobody before somebody is given it.
          </p>
          <div class="grid-2">
            {roles
              .filter(({ written }) => !written)
              .map((one) => (
                <RoleCard key={one.role.id} one={one} desk={desk} onEdit={() => undefined} />
              ))}
          </div>
        </section>
      )}
      {desk.mayChange && (
        <RoleForm
          key={editing.value ?? "new"}
          desk={desk}
          role={desk.view.state.roles.get(editing.value ?? "")}
          onCancel={() => (editing.value = undefined)}
        />
      )}
      <PermissionMatrix view={desk.view} />
    </>
  );
}

interface CardProps {
  readonly one: RoleView;
  readonly desk: Desk;
  readonly onEdit: () => void;
}

function RoleCard({ one, desk, onEdit }: CardProps) {
  const { role, written, holders } = one;
  const labelOf = (host: string) => desk.view.state.hosts.get(host)?.label ?? host;
  return (
    <section class="card" aria-labelledby={`role-${role.id}`}>
      <div class="card-head">
        <h3 id={`role-${role.id}`}>{role.id}</h3>
        {written ? (
          <span class="small muted">{holders.length === 0 ? "held by nobody" : formatList(holders)}</span>
        ) : (
          <span class="badge">not written</span>
        )}
      </div>
      <div class="card-body stack mid">
        <ul class="small">
          {role.permissions.map((permission) => (
            <li key={permission}>{permissionWords[permission]}</li>
          ))}
          {role.permissions.length === 0 && <li class="muted">Nothing</li>}
        </ul>
        <p class="small muted">
          On {scopeWords(role, labelOf)}, {sessionWords(role)}.
        </p>
        {desk.mayChange && <CardActions one={one} desk={desk} onEdit={onEdit} />}
      </div>
    </section>
  );
}

function CardActions({ one, desk, onEdit }: CardProps) {
  const { role, written } = one;
  if (written) {
    return (
      <div class="row">
        <button class="btn sm" type="button" aria-label={`Change the role ${role.id}`} onClick={onEdit}>
          Change…
        </button>
      </div>
    );
  }
  return (
    <div class="row">
      <button
        class="btn sm"
        type="button"
        aria-label={`Write it: the role ${role.id}`}
        onClick={() => desk.statements.ask({ kind: "role.define", body: bodyOf(role) })}
      >
        <Icon name="plus" class="s" />
        Write it…
      </button>
    </div>
  );
}

/** A copy that the statement may carry: its lists are its own. */
export function bodyOf({ id, permissions, hosts, labels, sessionSeconds }: RoleDefinition) {
  return {
    id,
    permissions: [...permissions],
    hosts: [...hosts],
    ...(labels === undefined ? {} : { labels: [...labels] }),
    sessionSeconds,
  };
}
