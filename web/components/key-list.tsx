/** The list behind `?`. A native dialog: Esc closes it and focus returns by itself. */
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../icons.tsx";
import type { Shortcut } from "../state/keys.ts";

interface KeyListProps {
  readonly shortcuts: readonly Pick<Shortcut, "keys" | "does">[];
  readonly onClosed: () => void;
}

export function KeyList({ shortcuts, onClosed }: KeyListProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby="keys-title" onClose={onClosed}>
      <div class="dialog-head">
        <h2 id="keys-title" class="grow">
          Keys
        </h2>
        <button class="btn quiet icon-only sm" type="button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <Icon name="x" />
        </button>
      </div>
      <div class="dialog-body">
        <dl class="facts">
          {shortcuts.map(({ keys, does }) => (
            <div key={keys}>
              <dt class="row">
                {keys.split(" ").map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <p class="small muted">They rest while you type. No key approves anything.</p>
      </div>
    </dialog>
  );
}
