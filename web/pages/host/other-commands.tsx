/** Commands beside the restart: prove the way to a host, and rehearse what is critical before it is needed. */
import { Icon } from "../../icons.tsx";
import type { OperationId } from "../../state/backend.ts";
import { operationWords } from "../../../protocol/operation-words.ts";
import { operations } from "../../../protocol/operations.ts";

interface OtherCommandsProps {
  /** Why none can be asked for now. */
  readonly obstacle: string | undefined;
  /** Why this person may not ask for one. */
  readonly lacking: (operation: OperationId) => string | undefined;
  readonly onAsk: (operation: OperationId) => void;
}

const rows = [
  { operation: "host.check@1", icon: "ok", says: "Proves that a signed command reaches this host and comes back." },
  {
    operation: "host.drill@1",
    icon: "posture",
    says: "Goes the way of a critical command, with as many people as your rules ask for. Changes nothing.",
  },
] as const satisfies readonly {
  readonly operation: OperationId;
  readonly icon: "ok" | "posture";
  readonly says: string;
}[];

export function OtherCommands({ obstacle, lacking, onAsk }: OtherCommandsProps) {
  return (
    <section class="card" aria-labelledby="other-commands">
      <div class="card-head">
        <h2 id="other-commands">Practise</h2>
        {obstacle !== undefined && (
          <span class="tiny faint" id="other-why">
            {obstacle}
          </span>
        )}
      </div>
      <ul class="card-body stack mid">
        {rows.map((row) => (
          <Practice key={row.operation} {...row} obstacle={obstacle} lack={lacking(row.operation)} onAsk={onAsk} />
        ))}
      </ul>
    </section>
  );
}

type Row = (typeof rows)[number];
interface PracticeProps {
  readonly operation: Row["operation"];
  readonly icon: Row["icon"];
  readonly says: string;
  readonly obstacle: string | undefined;
  readonly lack: string | undefined;
  readonly onAsk: (operation: OperationId) => void;
}

function Practice({ operation, icon, says, obstacle, lack, onAsk }: PracticeProps) {
  const barred = obstacle !== undefined || lack !== undefined;
  const why = lack === undefined ? "other-why" : `other-why-${operation}`;
  return (
    <li class="practise">
      <button
        class="btn"
        type="button"
        aria-disabled={barred ? "true" : undefined}
        aria-describedby={barred ? why : undefined}
        onClick={() => {
          if (!barred) onAsk(operation);
        }}
      >
        <Icon name={icon} class="s" />
        {operationWords[operation].verb}
      </button>
      <span class="small muted">
        {operations[operation].class === "critical" && <span class="badge critical">critical</span>} {says}{" "}
        {lack !== undefined && (
          <span class="tiny faint" id={why}>
            Not offered: {lack}.
          </span>
        )}
      </span>
    </li>
  );
}
