/**
 * The button that opens the authenticator. It counts only when it was visible in a focused window for half a second,
 * only for a click the browser itself made, and never for a key that was already down.
 */
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Icon } from "../icons.tsx";
import { Gate, SEEN_MS } from "./gate.ts";

interface ApproveProps {
  readonly title: string;
  readonly effect: string;
  /** Focus it when it appears: daily operations only. */
  readonly focus: boolean;
  readonly onApprove: () => void;
}

const LOOK_EVERY_MS = 100;

export function ApproveButton({ title, effect, focus, onApprove }: ApproveProps) {
  const button = useRef<HTMLButtonElement>(null);
  const gate = useRef(new Gate());
  const open = useSignal(false);
  useEffect(() => {
    if (focus) button.current?.focus();
    const timer = setInterval(() => {
      gate.current.look(isSeen(button.current), performance.now());
      open.value = gate.current.isOpen(performance.now());
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [focus, open]);
  const press = (event: MouseEvent) => {
    gate.current.look(isSeen(button.current), performance.now());
    if (event.isTrusted && gate.current.isOpen(performance.now())) onApprove();
  };
  return (
    <button
      class="btn primary approve"
      type="button"
      ref={button}
      data-opens-after-ms={SEEN_MS}
      aria-disabled={open.value ? undefined : "true"}
      onClick={press}
      onKeyDown={(event) => {
        // Enter held since the button before would press this one too.
        if (event.repeat) event.preventDefault();
      }}
    >
      <Icon name="touch" />
      <span>
        {title}
        <small>{effect}</small>
      </span>
    </button>
  );
}

function isSeen(button: HTMLButtonElement | null): boolean {
  if (button === null || !document.hasFocus() || document.visibilityState !== "visible") return false;
  if (!button.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
  const box = button.getBoundingClientRect();
  const inside = box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight + 1 && box.right <= innerWidth + 1;
  if (!inside) return false;
  // Something drawn over it takes the click in its place: then it is not seen either.
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return top !== null && button.contains(top);
}
