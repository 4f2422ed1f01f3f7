/** While the browser's own window asks for a touch: what it is for, and how long it counts. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Icon } from "../icons.tsx";
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import { useApp } from "../state/app.ts";
import type { OperationClass, OperationId } from "../state/backend.ts";
import { Frame } from "./frame.tsx";

interface TouchProps {
  readonly course: { readonly operation: OperationId };
  readonly class: OperationClass;
  /** What the touch does, in a few words. */
  readonly doing: string;
  readonly secondsLeft: number;
  readonly close: () => void;
}

/** Counts down on the page from what the backend last said. */
function useCountdown(from: number): number {
  const left = useSignal(from);
  useEffect(() => {
    const endsAtMs = performance.now() + from * 1_000;
    const tick = () => {
      left.value = Math.max(0, Math.ceil((endsAtMs - performance.now()) / 1_000));
    };
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [from, left]);
  return left.value;
}

/** The countdown is read out at these seconds only. */
const announced: readonly number[] = [30, 10];

export function TouchView({ course, class: kind, doing, secondsLeft, close }: TouchProps) {
  const { origin } = useApp().backend;
  const left = useCountdown(secondsLeft);
  const foot = (
    <>
      <p class="small muted">Nothing was sent yet.</p>
      <button class="btn" type="button" onClick={close}>
        Cancel
      </button>
    </>
  );
  return (
    <Frame course={course} heading="Touch your authenticator" close={close} class={kind} foot={foot}>
      <div class="touch">
        <div class="ring">
          <svg viewBox="0 0 88 88" aria-hidden="true">
            <circle cx="44" cy="44" r="41" />
            <circle
              class="left"
              cx="44"
              cy="44"
              r="41"
              pathLength={APPROVAL_SECONDS}
              stroke-dasharray={`${left} ${APPROVAL_SECONDS}`}
              transform="rotate(-90 44 44)"
            />
          </svg>
          <Icon name="touch" />
        </div>
        <p class="strong">{doing}</p>
        <p class="small muted">
          <span class="num">{left} s</span> left. Your browser shows its own window; check that it names{" "}
          <code>{origin.rpId}</code>.
        </p>
        <p class="sr" role="status">
          {announced.includes(left) ? `${left} seconds left` : ""}
        </p>
      </div>
    </Frame>
  );
}
