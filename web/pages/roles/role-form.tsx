/** A role of one's own, or a change of one: permissions, hosts, length of a session. */
import { useEffect, useRef } from "preact/hooks";
import { useSignal, type Signal } from "@preact/signals";
import { permissions, type Permission, type RoleDefinition } from "../../../protocol/roles.ts";
import { ChoiceField, TextField } from "../../components/fields.tsx";
import { permissionWords } from "../../statement/words.ts";
import { Choices, FormFoot, isEmptyScope, ScopeFields, scopeOf, useScope } from "../people/fields.tsx";
import type { Desk } from "../people/frame.tsx";

const lengths = [1, 2, 4, 8, 12].map((hours) => [hours, `${hours} h`] as const);
const ID = /^[a-z][a-z0-9-]{1,47}$/;

interface RoleFormProps {
  readonly desk: Desk;
  /** Absent: a new one. */
  readonly role: RoleDefinition | undefined;
  readonly onCancel: () => void;
}

export function RoleForm({ desk, role, onCancel }: RoleFormProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (role !== undefined) heading.current?.focus();
  }, [role]);
  const id = useSignal(role?.id ?? "");
  const chosen = useSignal<readonly Permission[]>(role?.permissions ?? ["metadata.read"]);
  const scope = useScope(role, true);
  const session = useSignal(Math.round((role?.sessionSeconds ?? 14_400) / 3_600));
  const problem = problemOf(id.value, isEmptyScope(scope));
  const write = () =>
    desk.statements.ask({
      kind: "role.define",
      body: {
        id: id.value,
        permissions: permissions.filter((one) => chosen.value.includes(one)),
        ...scopeOf(scope),
        sessionSeconds: session.value * 3_600,
      },
    });
  return (
    <section class="card" aria-labelledby="role-form">
      <div class="card-head">
        <h2 id="role-form" tabIndex={-1} ref={heading}>
          {role === undefined ? "A role of your own" : `Change the role ${role.id}`}
        </h2>
      </div>
      <div class="card-body stack">
        {role === undefined && (
          <TextField id="role-id" label="Name" value={id} maxLength={48} hint="Small letters, digits and hyphens." />
        )}
        <Choices
          legend="May"
          options={permissions.map((value) => ({ value, label: permissionWords[value] }))}
          chosen={chosen}
        />
        <ScopeFields id="role" view={desk.view} scope={scope} />
        <SessionField value={session} />
        <FormFoot
          title={role === undefined ? "Write the role…" : "Change the role…"}
          problem={problem}
          onAsk={write}
          onCancel={role === undefined ? undefined : onCancel}
        />
      </div>
    </section>
  );
}

function problemOf(id: string, isScopeEmpty: boolean): string | undefined {
  if (id === "") return "It needs a name.";
  if (!ID.test(id)) return "The name begins with a letter and has small letters, digits and hyphens only.";
  return isScopeEmpty ? "It needs at least one host." : undefined;
}

function SessionField({ value }: { readonly value: Signal<number> }) {
  return <ChoiceField id="role-session" label="A session lasts at most" value={value} options={lengths} />;
}
