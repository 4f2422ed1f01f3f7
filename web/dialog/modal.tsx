/** The native modal dialog that every gesture happens in. Focus goes back to where it was when it closes. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { rememberFocus } from "../components/focus.ts";

interface ModalProps {
  readonly onClosed: () => void;
  readonly children: (close: () => void) => ComponentChildren;
}

export const TITLE_ID = "approval-title";

export function Modal({ onClosed, children }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const giveBack = rememberFocus();
    dialog.current?.showModal();
    return giveBack;
  }, []);
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby={TITLE_ID} onClose={onClosed}>
      {children(() => dialog.current?.close())}
    </dialog>
  );
}

/** A new heading is the answer: focus follows it. */
export function focusTitle(): void {
  document.getElementById(TITLE_ID)?.focus();
}
