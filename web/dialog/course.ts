/**
 * Runs the dialog: asks the backend to prepare, follows one press to its end, asks for receipts. Holds the state
 * machine and the one abort handle. Nothing is signed again by itself.
 */
import { signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import type { Backend, CommandStep, OperationId, Trouble } from "../state/backend.ts";
import type { OrderDetails } from "../state/orders.ts";
import { mayPress, next, nothingSent, opened } from "./machine.ts";
import type { DialogEvent, DialogState } from "./machine.ts";

export interface Course {
  readonly operation: OperationId;
  readonly hostId: string;
  readonly hostLabel: string;
  /** What the host calls the thing that it is about. */
  readonly about: string | undefined;
  readonly state: ReadonlySignal<DialogState>;
  readonly asking: ReadonlySignal<boolean>;
  prepare(): Promise<void>;
  /** From the click itself. */
  press(): Promise<void>;
  askReceipt(): Promise<void>;
  /** Closes the authenticator if it is open; what was sent goes on without the page. */
  stop(): void;
}

export interface CourseOf extends Partial<OrderDetails> {
  readonly operation: OperationId;
  readonly hostId: string;
  readonly hostLabel: string;
  readonly about?: string | undefined;
}

/** A throw of the backend is a defect; it becomes a sentence instead of a dialog that waits for ever. */
export const broken: Trouble = {
  code: "page",
  what: "This page could not go on.",
  why: "Something in it failed that should not.",
  next: "Look at Activity to see what was recorded, then reload.",
};

export function createCourse(backend: Pick<Backend, "prepare">, of: CourseOf): Course {
  return new RunningCourse(backend, of);
}

class RunningCourse implements Course {
  readonly operation: OperationId;
  readonly hostId: string;
  readonly hostLabel: string;
  readonly about: string | undefined;
  readonly state = signal<DialogState>(opened);
  readonly asking = signal(false);
  readonly #backend: Pick<Backend, "prepare">;
  readonly #details: OrderDetails;
  readonly #abort = new AbortController();
  #pressedAtMs = 0;

  constructor(backend: Pick<Backend, "prepare">, of: CourseOf) {
    this.#backend = backend;
    this.operation = of.operation;
    this.hostId = of.hostId;
    this.hostLabel = of.hostLabel;
    this.about = of.about;
    this.#details = { args: of.args ?? {}, expect: of.expect, content: of.content };
  }

  async prepare(): Promise<void> {
    this.#send({ kind: "prepare-again" });
    try {
      const prepared = await this.#backend.prepare(this.operation, this.hostId, this.#details);
      if (prepared.ok) this.#send({ kind: "prepared", command: prepared.value });
      else this.#send({ kind: "unprepared", trouble: prepared.trouble });
    } catch (error) {
      this.#fail(error);
    }
  }

  async press(): Promise<void> {
    const before = this.state.value;
    if (!mayPress(before)) return;
    this.#pressedAtMs = performance.now();
    const steps = before.command.approve(this.#abort.signal);
    this.#send({ kind: "press", secondsLeft: APPROVAL_SECONDS });
    try {
      for await (const step of steps) this.#send({ kind: "step", step });
    } catch (error) {
      this.#fail(error);
    }
  }

  async askReceipt(): Promise<void> {
    const { value } = this.state;
    if (value.kind !== "silent" || this.asking.value) return;
    this.asking.value = true;
    try {
      this.#send({ kind: "step", step: await value.command.askReceipt() });
    } catch (error) {
      this.#fail(error);
    } finally {
      this.asking.value = false;
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  #send(event: DialogEvent): void {
    if (!this.#abort.signal.aborted) this.state.value = next(this.state.value, event);
  }

  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    console.error("dialog", error);
    if (this.state.value.kind === "preparing") this.#send({ kind: "unprepared", trouble: broken });
    else this.#send({ kind: "step", step: this.#stepAfterDefect() });
  }

  /** What was sent may run, whatever broke here: then the honest word is "no answer yet", never "refused". */
  #stepAfterDefect(): CommandStep {
    if (nothingSent(this.state.value)) return { kind: "refused", by: "page", trouble: broken, retry: "none" };
    return { kind: "silent", afterMs: performance.now() - this.#pressedAtMs };
  }
}
