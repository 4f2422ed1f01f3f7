/**
 * The course of a command to one host, from question to receipt: only heading, body and foot of the dialog change. It
 * shows what course.ts says and decides nothing.
 */
import { useEffect } from "preact/hooks";
import type { Course } from "./course.ts";
import type { DialogState } from "./machine.ts";
import { AuthenticatorView, PreparingView, QuestionView, UnpreparedView } from "./asking-views.tsx";
import { ReceiptView, RefusedView, SentView, SilentView } from "./ending-views.tsx";
import { focusTitle } from "./modal.tsx";

interface ApprovalProps {
  readonly course: Course;
  readonly close: () => void;
}

/** Focus opens on the approve button for daily, on the heading for all else. */
function focusHeading(state: DialogState): void {
  if (state.kind === "question" && state.command.facts.class === "daily") return;
  focusTitle();
}

export function Approval({ course, close }: ApprovalProps) {
  useEffect(() => {
    void course.prepare();
    return () => course.stop();
  }, [course]);
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
