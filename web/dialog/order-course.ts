/**
 * Runs the dialog of a command to many hosts: asks them, follows one press to the last outcome, and keeps the outcomes of
 * earlier presses on the page. Nothing is signed again by itself.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { APPROVAL_SECONDS } from "../../protocol/limits.ts";
import type { OperationId, Result } from "../state/backend.ts";
import type { AskedHosts } from "../state/orders.ts";
import { broken } from "./course.ts";
import {
  asking,
  nextOrder,
  nothingSentYet,
  notRun,
  type OrderEvent,
  type OrderState,
  type Outcomes,
} from "./order-machine.ts";

/** Asks these hosts; undefined: all of the order. */
export type Ask = (hostIds?: readonly string[]) => Promise<Result<AskedHosts>>;

export interface OrderCourse {
  readonly operation: OperationId;
  readonly state: ReadonlySignal<OrderState>;
  /** What became of earlier presses; those hosts are not asked again. */
  readonly earlier: ReadonlySignal<Outcomes>;
  readonly looking: ReadonlySignal<boolean>;
  ask(): Promise<void>;
  askAgain(): Promise<void>;
  leaveOut(): void;
  /** From the click itself. */
  press(): Promise<void>;
  askReceipts(): Promise<void>;
  /** Closes the authenticator if it is open; what was sent goes on without the page. */
  stop(): void;
}

export function createOrderCourse(operation: OperationId, ask: Ask): OrderCourse {
  return new RunningOrder(operation, ask);
}

class RunningOrder implements OrderCourse {
  readonly operation: OperationId;
  readonly state = signal<OrderState>(asking);
  readonly earlier = signal<Outcomes>(new Map());
  readonly looking = signal(false);
  readonly #ask: Ask;
  readonly #abort = new AbortController();

  constructor(operation: OperationId, ask: Ask) {
    this.operation = operation;
    this.#ask = ask;
  }

  ask(): Promise<void> {
    return this.#asked(() => this.#ask());
  }

  /** Those that gave no answer; after a press, those on which it did not run. */
  async askAgain(): Promise<void> {
    const { value } = this.state;
    if (value.kind === "gaps") {
      this.#send({ kind: "ask-again" });
      await this.#asked(async () => ({ ok: true, value: await value.asked.askAgain() }));
      return;
    }
    const hostIds = value.kind === "sent" ? notRun(value) : undefined;
    if (value.kind === "sent" && hostIds !== undefined)
      this.earlier.value = without(this.#all(value.outcomes), hostIds);
    this.#send({ kind: "ask-again" });
    await this.#asked(() => this.#ask(hostIds));
  }

  leaveOut(): void {
    this.#send({ kind: "leave-out" });
  }

  async press(): Promise<void> {
    const { value } = this.state;
    if (value.kind !== "question") return;
    const steps = value.command.approve(this.#abort.signal);
    this.#send({ kind: "press", secondsLeft: APPROVAL_SECONDS });
    try {
      for await (const step of steps) this.#send({ kind: "step", step });
    } catch (error) {
      this.#fail(error);
    }
    this.#send({ kind: "over" });
  }

  async askReceipts(): Promise<void> {
    const { value } = this.state;
    if (value.kind !== "sent" || this.looking.value) return;
    this.looking.value = true;
    try {
      const open = value.command.facts.targets.map(({ hostId }) => hostId).filter((id) => !isFinal(value.outcomes, id));
      for (const step of await value.command.askReceipts(open)) this.#send({ kind: "step", step });
    } catch (error) {
      this.#fail(error);
    } finally {
      this.looking.value = false;
    }
  }

  stop(): void {
    this.#abort.abort();
  }

  async #asked(ask: () => Promise<Result<AskedHosts>>): Promise<void> {
    try {
      const asked = await ask();
      this.#send(asked.ok ? { kind: "asked", asked: asked.value } : { kind: "unasked", trouble: asked.trouble });
    } catch (error) {
      this.#fail(error);
    }
  }

  #all(outcomes: Outcomes): Outcomes {
    return new Map([...this.earlier.value, ...outcomes]);
  }

  #send(event: OrderEvent): void {
    if (!this.#abort.signal.aborted) this.state.value = nextOrder(this.state.value, event);
  }

  /** What was sent may run, whatever broke here: then nothing is called refused, and the outcomes stay open. */
  #fail(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    console.error("dialog", error);
    if (this.state.value.kind === "asking") this.#send({ kind: "unasked", trouble: broken });
    else if (nothingSentYet(this.state.value))
      this.#send({ kind: "step", step: { kind: "refused", by: "page", trouble: broken, retry: "none" } });
  }
}

function isFinal(outcomes: Outcomes, hostId: string): boolean {
  const kind = outcomes.get(hostId)?.kind;
  return kind === "receipt" || kind === "refused";
}

function without(outcomes: Outcomes, hostIds: readonly string[]): Outcomes {
  return new Map([...outcomes].filter(([hostId]) => !hostIds.includes(hostId)));
}
