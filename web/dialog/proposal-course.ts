/**
 * Runs one approval of a proposal: making it, or joining one that waits. Short, because nothing runs by it: the command
 * itself is signed by the last person, in order-course.ts.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import type { OperationId, Result, Trouble } from "../state/backend.ts";
import type { ProposalFacts, ProposalStep } from "../state/proposals.ts";
import { broken } from "./course.ts";

/** What is shown before the touch, and the touch. */
export interface Proposable {
  readonly facts: ProposalFacts;
  readonly people: number;
  readonly approvedBy: readonly string[];
  /** Who could be among the next. */
  readonly others: readonly string[];
  readonly purpose: "propose" | "join";
  approve(abort: AbortSignal): AsyncIterable<ProposalStep>;
}

export type ProposalState =
  | { readonly kind: "drafting" }
  | { readonly kind: "undrafted"; readonly trouble: Trouble }
  | { readonly kind: "question"; readonly what: Proposable; readonly closedAuthenticator: boolean }
  | { readonly kind: "authenticator"; readonly what: Proposable }
  | { readonly kind: "sending"; readonly what: Proposable }
  | { readonly kind: "done"; readonly what: Proposable }
  | { readonly kind: "failed"; readonly what: Proposable; readonly trouble: Trouble };

export interface ProposalCourse {
  readonly operation: OperationId;
  readonly state: ReadonlySignal<ProposalState>;
  draft(): Promise<void>;
  /** From the click itself. */
  press(): Promise<void>;
  stop(): void;
}

export function createProposalCourse(operation: OperationId, draft: () => Promise<Result<Proposable>>): ProposalCourse {
  return new RunningProposal(operation, draft);
}

class RunningProposal implements ProposalCourse {
  readonly operation: OperationId;
  readonly state = signal<ProposalState>({ kind: "drafting" });
  readonly #draft: () => Promise<Result<Proposable>>;
  readonly #abort = new AbortController();

  constructor(operation: OperationId, draft: () => Promise<Result<Proposable>>) {
    this.operation = operation;
    this.#draft = draft;
  }

  async draft(): Promise<void> {
    this.#show({ kind: "drafting" });
    try {
      const drafted = await this.#draft();
      if (drafted.ok) this.#show({ kind: "question", what: drafted.value, closedAuthenticator: false });
      else this.#show({ kind: "undrafted", trouble: drafted.trouble });
    } catch (error) {
      console.error("dialog", error);
      this.#show({ kind: "undrafted", trouble: broken });
    }
  }

  async press(): Promise<void> {
    const { value } = this.state;
    if (value.kind !== "question") return;
    const { what } = value;
    this.#show({ kind: "authenticator", what });
    try {
      for await (const step of what.approve(this.#abort.signal)) this.#show(afterStep(what, step));
    } catch (error) {
      console.error("dialog", error);
      this.#show({ kind: "failed", what, trouble: broken });
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  #show(state: ProposalState): void {
    if (!this.#abort.signal.aborted) this.state.value = state;
  }
}

function afterStep(what: Proposable, step: ProposalStep): ProposalState {
  switch (step.kind) {
    case "touch":
      return { kind: "authenticator", what };
    case "sending":
      return { kind: "sending", what };
    case "done":
      return { kind: "done", what };
    case "cancelled":
      return { kind: "question", what, closedAuthenticator: true };
    case "failed":
      return { kind: "failed", what, trouble: step.trouble };
  }
}
