/** The frame that every state of the approval dialog is drawn in: badge and operation, heading, body, foot. */
import type { ComponentChildren } from "preact";
import { Icon } from "../icons.tsx";
import type { Course } from "./course.ts";
import type { DialogState } from "./machine.ts";
import { TITLE_ID } from "./modal.tsx";

export interface ViewProps<K extends DialogState["kind"]> {
  readonly course: Course;
  readonly state: Extract<DialogState, { kind: K }>;
  readonly close: () => void;
}

interface FrameProps {
  readonly course: Pick<Course, "operation">;
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
          <h2 id={TITLE_ID} tabIndex={-1}>
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
