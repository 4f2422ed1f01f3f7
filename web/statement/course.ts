/**
 * One change of the trust log from question to end, as a state machine: prepare, question, touch, sent, and one of the
 * endings. It presses nothing by itself, and a late answer of an earlier press changes nothing.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { Backend, Trouble } from "../state/backend.ts";
import type { Outcome, PreparedStatement, StatementDraft } from "../state/statements.ts";

/** A change that somebody asks for, or one that waits. */
export type Asked =
  | { readonly kind: "draft"; readonly draft: StatementDraft }
  | { readonly kind: "waiting"; readonly digest: string };

export type StatementState =
  | { readonly kind: "preparing" }
  | { readonly kind: "unprepared"; readonly trouble: Trouble }
  | {
      readonly kind: "question";
      readonly prepared: PreparedStatement;
      /** It leaves too few administrators, and the person was told and goes on. */
      readonly accepted: boolean;
      readonly note?: "closed";
    }
  | { readonly kind: "touch"; readonly prepared: PreparedStatement }
  | { readonly kind: "sending"; readonly prepared: PreparedStatement }
  | { readonly kind: "failed"; readonly prepared: PreparedStatement; readonly trouble: Trouble }
  | { readonly kind: "done"; readonly prepared: PreparedStatement; readonly outcome: Outcome };

export interface StatementCourse {
  readonly state: ReadonlySignal<StatementState>;
  prepare(): Promise<void>;
  /** The first of two presses, where administrators would be too few. */
  accept(): void;
  press(): Promise<void>;
}

export function statementCourse(backend: Pick<Backend, "statements">, asked: Asked): StatementCourse {
  const state = signal<StatementState>({ kind: "preparing" });
  return {
    state,
    async prepare() {
      state.value = { kind: "preparing" };
      const { statements } = backend;
      const result =
        asked.kind === "draft" ? await statements.prepare(asked.draft) : await statements.review(asked.digest);
      state.value = result.ok
        ? { kind: "question", prepared: result.value, accepted: false }
        : { kind: "unprepared", trouble: result.trouble };
    },
    accept() {
      const before = state.value;
      if (before.kind === "question") state.value = { ...before, accepted: true };
    },
    async press() {
      const before = state.value;
      if (before.kind !== "question" || (before.prepared.leaves !== undefined && !before.accepted)) return;
      const { prepared } = before;
      for await (const step of prepared.approve()) {
        switch (step.kind) {
          case "touch":
          case "sending":
            state.value = { kind: step.kind, prepared };
            break;
          case "cancelled":
            state.value = { kind: "question", prepared, accepted: before.accepted, note: "closed" };
            break;
          case "failed":
            state.value = { kind: "failed", prepared, trouble: step.trouble };
            break;
          case "done":
            state.value = { kind: "done", prepared, outcome: step.outcome };
        }
      }
    },
  };
}
