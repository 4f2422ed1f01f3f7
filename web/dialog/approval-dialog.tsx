/**
 * The one dialog that carries a command from question to receipt. Native <dialog>, modal; only heading, body and foot
 * change. It shows what course.ts says and decides nothing.
 */
import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { rememberFocus } from "../components/focus.ts";
import { Icon } from "../icons.tsx";
import type { Course } from "./course.ts";
import type { DialogState } from "./machine.ts";
import { AuthenticatorView, PreparingView, QuestionView, UnpreparedView } from "./asking-views.tsx";
import { ReceiptView, RefusedView, SentView, SilentView } from "./ending-views.tsx";

interface ApprovalDialogProps {
  readonly course: Course;
  readonly onClosed: () => void;
}

export function ApprovalDialog({ course, onClosed }: ApprovalDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const giveBack = rememberFocus();
    dialog.current?.showModal();
    void course.prepare();
    return () => {
      course.stop();
      giveBack();
    };
  }, [course]);
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby="approval-title" onClose={onClosed}>
      <Body course={course} close={() => dialog.current?.close()} />
    </dialog>
  );
}

export interface ViewProps<K extends DialogState["kind"]> {
  readonly course: Course;
  readonly state: Extract<DialogState, { kind: K }>;
  readonly close: () => void;
}

/** Focus opens on the approve button for daily, on the heading for all else: a new heading is the answer. */
function focusHeading(state: DialogState): void {
  if (state.kind === "question" && state.command.facts.class === "daily") return;
  document.getElementById("approval-title")?.focus();
}

function Body({ course, close }: { readonly course: Course; readonly close: () => void }) {
  const state = course.state.value;
  const { kind } = state;
  useEffect(() => focusHeading(course.state.peek()), [course, kind]);
  switch (state.kind) {
    case "preparing":
      return <PreparingView course={course} state={state} close={close} />;
    case "unprepared":
      return <UnpreparedView course={course} state={state} close={close} />;
    case "question":
      return <QuestionView course={course} state={state} close={close} />;
    case "authenticator":
      return <AuthenticatorView course={course} state={state} close={close} />;
    case "sent":
      return <SentView course={course} state={state} close={close} />;
    case "silent":
      return <SilentView course={course} state={state} close={close} />;
    case "receipt":
      return <ReceiptView course={course} state={state} close={close} />;
    case "refused":
      return <RefusedView course={course} state={state} close={close} />;
  }
}

interface FrameProps {
  readonly course: Course;
  readonly heading: string;
  readonly close: () => void;
  readonly class?: "daily" | "critical" | "read" | undefined;
  readonly children: ComponentChildren;
  readonly foot: ComponentChildren;
}

/** Badge and operation, heading, body, foot: the order never changes. */
export function Frame({ course, heading, close, class: kind = "daily", children, foot }: FrameProps) {
  return (
    <>
      <div class="dialog-head">
        <div class="grow stack tight">
          <div class="row">
            <span class={`badge ${kind}`}>{kind}</span>
            <span class="tiny faint">{course.operation}</span>
          </div>
          <h2 id="approval-title" tabIndex={-1}>
            {heading}
          </h2>
        </div>
        <button class="btn quiet icon-only sm" type="button" aria-label="Close" onClick={close}>
          <Icon name="x" />
        </button>
      </div>
      <div class="dialog-body">{children}</div>
      <div class="dialog-foot">{foot}</div>
    </>
  );
}
