/** What can be done to all picked hosts at once. It stays in sight while any is picked. */
import { useEffect } from "preact/hooks";
import { MAX_TARGETS } from "../../../protocol/limits.ts";
import type { Wish } from "../../dialog/order-dialog.tsx";
import { formatList, formatNumberOf } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import type { IconName } from "../../icons.tsx";
import type { HostView, OperationId } from "../../state/backend.ts";
import { listenForKeys } from "../../state/keys.ts";
import { obstacleFor } from "../../state/selection.ts";

const choices = [
  { operation: "gateway.restart@1", icon: "restart", label: "Restart" },
  { operation: "host.check@1", icon: "ok", label: "Check the way" },
  { operation: "host.drill@1", icon: "posture", label: "Rehearse" },
  { operation: "gateway.start@1", icon: "restart", label: "Start" },
  { operation: "gateway.stop@1", icon: "stopped", label: "Stop" },
  // One gesture for all of them, and one person is always enough.
  { operation: "gateway.kill@1", icon: "kill", label: "Kill" },
] as const satisfies readonly { readonly operation: OperationId; readonly icon: IconName; readonly label: string }[];

const NAMED = 3;

interface SelectBarProps {
  readonly picked: readonly HostView[];
  readonly onClear: () => void;
  readonly onWish: (wish: Wish) => void;
  /** Why this person may not ask for it on these hosts. */
  readonly lacking: (operation: OperationId) => string | undefined;
  /** Absent when all that are shown are picked. */
  readonly onAll: (() => void) | undefined;
}

export function SelectBar({ picked, lacking, onClear, onAll, onWish }: SelectBarProps) {
  useEffect(() => listenForKeys(window, () => [{ keys: "ESCAPE", does: "clear selection", run: onClear }]), [onClear]);
  const full = picked.length >= MAX_TARGETS;
  return (
    <div class="selectbar" role="region" aria-label="Picked hosts">
      <span role="status">
        <strong>{formatNumberOf(picked.length, "host")} picked</strong>{" "}
        <span class="small muted">{namesOf(picked)}</span>
      </span>
      {full && <span class="small muted">One touch binds at most {MAX_TARGETS}.</span>}
      <span class="selectbar-acts">
        {choices.map(({ operation, icon, label }) => (
          <Choice
            key={operation}
            icon={icon}
            label={label}
            isKill={operation === "gateway.kill@1"}
            obstacle={obstacleFor(operation, picked) ?? lacking(operation)}
            onChoose={() => onWish({ operation, hosts: picked.map(({ id, label: name }) => ({ id, label: name })) })}
          />
        ))}
        {onAll !== undefined && (
          <button class="btn quiet sm" type="button" onClick={onAll}>
            All shown
          </button>
        )}
        <button class="btn quiet sm" type="button" onClick={onClear}>
          <Icon name="x" class="s" />
          Clear
        </button>
      </span>
    </div>
  );
}

/** A filter may hide some of them: then their names are only here. */
function namesOf(picked: readonly HostView[]): string {
  const names = picked.slice(0, NAMED).map(({ label }) => label);
  return picked.length > NAMED ? `${names.join(", ")} and ${picked.length - NAMED} more` : formatList(names);
}

interface ChoiceProps {
  readonly icon: IconName;
  readonly label: string;
  readonly isKill: boolean;
  readonly obstacle: string | undefined;
  readonly onChoose: () => void;
}

function Choice({ icon, label, isKill, obstacle, onChoose }: ChoiceProps) {
  return (
    <button
      class={isKill ? "btn sm danger" : "btn sm"}
      type="button"
      aria-disabled={obstacle === undefined ? undefined : "true"}
      title={obstacle}
      onClick={() => {
        if (obstacle === undefined) onChoose();
      }}
    >
      <Icon name={icon} class="s" />
      {label}
      {obstacle !== undefined && <span class="sr">: {obstacle}</span>}
    </button>
  );
}
