/**
 * What each role may do, made from the protocol's own tables: operations, statements, requests. Nothing here is written
 * by hand, so it cannot promise what is not enforced.
 */
import { endpoints, type Endpoint } from "../../../protocol/contracts.ts";
import { operationWords } from "../../../protocol/operation-words.ts";
import { operations, type OperationName } from "../../../protocol/operations.ts";
import type { Permission, RoleDefinition } from "../../../protocol/roles.ts";
import { peopleFor, statementPermissions } from "../../../protocol/trust/approvals.ts";
import type { Statement, StatementKind } from "../../../protocol/trust/statements.ts";
import { Icon } from "../../icons.tsx";
import type { IconName } from "../../icons.tsx";
import type { TrustView } from "../../state/people.ts";
import { statementWords } from "../../statement/words.ts";

export type CellWord = "Yes" | "No" | "Signer" | "Several people" | "Signed in";

export interface MatrixRow {
  readonly name: string;
  readonly permission: Permission | undefined;
  /** What "may" means here. */
  readonly word: Exclude<CellWord, "No">;
}

export interface MatrixGroup {
  readonly title: string;
  readonly rows: readonly MatrixRow[];
}

/** With the rules of this workspace that ask for more than one person. */
export function operationGroups(view: TrustView): readonly MatrixGroup[] {
  const { state } = view;
  const rules = [...state.policies.values()].filter(({ people }) => people > 1);
  const rows = Object.entries(operations).map(([name, operation]) => {
    const isShared = rules.some((rule) => rule.operations.includes("all") || rule.operations.includes(name));
    const alone = operation.class === "critical" ? "Signer" : "Yes";
    return {
      name: `${operationWords[name as OperationName].verb} (${name})`,
      class: operation.class,
      permission: operation.permission,
      word: isShared ? "Several people" : alone,
    } as const;
  });
  const kinds = Object.keys(statementPermissions) as readonly StatementKind[];
  const statements = kinds.map((kind) => ({
    name: `${statementWords[kind]} (${kind})`,
    permission: statementPermissions[kind],
    word: needsSeveral(view, kind) ? ("Several people" as const) : ("Signer" as const),
  }));
  return [
    { title: "Daily operations", rows: rows.filter((row) => row.class === "daily") },
    { title: "Critical operations", rows: rows.filter((row) => row.class === "critical") },
    { title: "Changes of the trust log", rows: statements },
  ];
}

/** For these two it depends on what exactly changes; the dialog says it. */
const depends: ReadonlySet<StatementKind> = new Set<StatementKind>(["role.assign", "policy.set"]);

function needsSeveral({ state }: TrustView, kind: StatementKind): boolean {
  return !depends.has(kind) && peopleFor(state, { kind } as Statement) > 1; // asks for the kind only
}

/** Requests that need somebody signed in; the open ones tell nothing about a workspace. */
export function requestGroup(): MatrixGroup {
  const table: Readonly<Record<string, Endpoint>> = endpoints;
  const rows = Object.entries(table)
    .filter(([, { access }]) => access === "session")
    .map(([name, { method, path, permission }]) => ({
      name: `${name}: ${method} ${path}`,
      permission,
      word: permission === undefined ? ("Signed in" as const) : ("Yes" as const),
    }));
  return { title: "Requests to the control plane", rows };
}

export function cellOf({ permission, word }: MatrixRow, role: Pick<RoleDefinition, "permissions">): CellWord {
  return permission === undefined || role.permissions.includes(permission) ? word : "No";
}

const icons = {
  Yes: "ok",
  No: "minus",
  Signer: "laptop",
  "Several people": "people",
  "Signed in": "user",
} as const satisfies Record<CellWord, IconName>;

export function PermissionMatrix({ view }: { readonly view: TrustView }) {
  const roles = [...view.state.roles.values()];
  return (
    <section class="card" aria-labelledby="matrix">
      <div class="card-head">
        <h2 id="matrix">What each role may do</h2>
      </div>
      <Matrix label="Operations and changes" groups={operationGroups(view)} roles={roles} />
      <details class="fold">
        <summary>
          <Icon name="info" class="faint" />
          <span class="grow">Every request to the control plane</span>
          <Icon name="right" class="s turn" />
        </summary>
        <Matrix label="Requests" groups={[requestGroup()]} roles={roles} />
      </details>
      <p class="card-foot">
        A person with several roles may do what any of them allows, on the hosts that it names. “Signer” is accepted
        from people's own machines only; “Several people” too, where the operation is critical or the trust log changes.
        Everybody may add and revoke passkeys of their own. Giving roles and changing a rule need several people where
        they loosen.
      </p>
    </section>
  );
}

interface MatrixProps {
  readonly label: string;
  readonly groups: readonly MatrixGroup[];
  readonly roles: readonly RoleDefinition[];
}

function Matrix({ label, groups, roles }: MatrixProps) {
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={label}>
      <table class="table matrix">
        <thead>
          <tr>
            <th scope="col">{label}</th>
            {roles.map(({ id }) => (
              <th scope="col" key={id}>
                {id}
              </th>
            ))}
          </tr>
        </thead>
        {groups.map(({ title, rows }) => (
          <tbody key={title}>
            <tr class="group">
              <th colSpan={roles.length + 1} scope="colgroup">
                {title}
              </th>
            </tr>
            {rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">{row.name}</th>
                {roles.map((role) => (
                  <td key={role.id}>
                    <Cell word={cellOf(row, role)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function Cell({ word }: { readonly word: CellWord }) {
  return (
    <span class={word === "No" ? "cell no" : "cell yes"}>
      <Icon name={icons[word]} />
      {word}
    </span>
  );
}
