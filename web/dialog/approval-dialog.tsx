/**
 * The one dialog that carries a command from question to receipt. Native <dialog>, modal; only heading, body and foot
 * change. It shows what course.ts says and decides nothing.
 */
import { useEffect, useRef } from "preact/hooks";
import { rememberFocus } from "../components/focus.ts";
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
