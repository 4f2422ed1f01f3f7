/**
 * Runs the dialog: asks the backend to prepare, follows one press to its end, asks for receipts. Holds the state
 * machine and the one abort handle. Nothing is signed again by itself.
 */
import { signal } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import type { Backend, CommandStep, OperationId, Trouble } from "../state/backend.ts";
import { mayPress, next, nothingSent, opened } from "./machine.ts";
import type { DialogEvent, DialogState } from "./machine.ts";

export interface Course {
  readonly operation: OperationId;
  readonly hostId: string;
  readonly hostLabel: string;
  readonly state: ReadonlySignal<DialogState>;
  readonly asking: ReadonlySignal<boolean>;
  prepare(): Promise<void>;
  /** From the click itself. */
  press(): Promise<void>;
  askReceipt(): Promise<void>;
  /** Closes the authenticator if it is open; what was sent goes on without the page. */
  stop(): void;
}

export interface CourseOf {
  readonly operation: OperationId;
  readonly hostId: string;
  readonly hostLabel: string;
}

/** A throw of the backend is a defect; it becomes a sentence instead of a dialog that waits for ever. */
const broken: Trouble = {
  code: "page",
  what: "This page could not go on.",
  why: "Something in it failed that should not.",
  next: "Look at Activity to see what was recorded, then reload.",
};

export function createCourse(backend: Pick<Backend, "prepare">, of: CourseOf): Course {
  const state = signal<DialogState>(opened);
  const asking = signal(false);
  const abort = new AbortController();
  const send = (event: DialogEvent) => {
    if (!abort.signal.aborted) state.value = next(state.value, event);
  };
  const fail = (error: unknown) => {
    if (abort.signal.aborted) return;
    console.error("dialog", error);
    const step: CommandStep = { kind: "refused", by: "page", trouble: broken, retry: "none" };
    send(nothingSent(state.value) && state.value.kind === "preparing" ? { kind: "unprepared", trouble: broken } : { kind: "step", step });
  };
  return {
    ...of,
    state,
    asking,
    async prepare() {
      send({ kind: "prepare-again" });
      try {
        const prepared = await backend.prepare(of.operation, of.hostId);
        send(prepared.ok ? { kind: "prepared", command: prepared.value } : { kind: "unprepared", trouble: prepared.trouble });
      } catch (error) {
        fail(error);
      }
    },
    async press() {
      const before = state.value;
      if (!mayPress(before)) return;
      const steps = before.command.approve(abort.signal);
      send({ kind: "press", secondsLeft: APPROVAL_SECONDS });
      try {
        for await (const step of steps) send({ kind: "step", step });
      } catch (error) {
        fail(error);
      }
    },
    async askReceipt() {
      const { value } = state;
      if (value.kind !== "silent" || asking.value) return;
      asking.value = true;
      try {
        send({ kind: "step", step: await value.command.askReceipt() });
      } catch (error) {
        fail(error);
      } finally {
        asking.value = false;
      }
    },
    stop: () => abort.abort(),
  };
}
