/**
 * The first run and the invited person's visit: what they do is fetched by those visits alone. Until it is here they are
 * checking, and a part that does not come is asked for again by itself, because a link is good once.
 */
import { computed, signal, type ReadonlySignal } from "@preact/signals";
import type { SetupFlow, SetupState, Trouble } from "../state/backend.ts";
import type { EnrolmentFlow, EnrolmentState } from "../state/invitations.ts";
import type { Enrolment } from "./enrolment.ts";
import type { Setup } from "./setup.ts";
import { troubleOf } from "./trouble.ts";

const AGAIN_MS = 3_000;

type Checking = { readonly kind: "checking"; readonly trouble?: Trouble };

interface Flow<S> {
  readonly state: ReadonlySignal<S>;
  start(): Promise<void>;
}

class Late<S, F extends Flow<S>> {
  readonly #fetch: () => Promise<F>;
  readonly #flow = signal<F | undefined>(undefined);
  readonly #before = signal<Checking>({ kind: "checking" });
  readonly state: ReadonlySignal<S | Checking> = computed(() => this.#flow.value?.state.value ?? this.#before.value);

  constructor(fetch: () => Promise<F>) {
    this.#fetch = fetch;
  }

  /** Undefined until it is here; nothing of it can be pressed before. */
  get flow(): F | undefined {
    return this.#flow.peek();
  }

  async start(): Promise<void> {
    while (this.#flow.peek() === undefined) await this.#look();
    await this.#flow.peek()?.start();
  }

  async #look(): Promise<void> {
    try {
      this.#flow.value = await this.#fetch();
    } catch (error) {
      this.#before.value = { kind: "checking", trouble: troubleOf(error) };
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

export class FirstRun implements SetupFlow {
  readonly #late: Late<SetupState, Setup>;

  constructor(fetch: () => Promise<Setup>) {
    this.#late = new Late(fetch);
  }

  get state(): ReadonlySignal<SetupState> {
    return this.#late.state;
  }

  start(): Promise<void> {
    return this.#late.start();
  }

  async createPasskey(name: string): Promise<void> {
    await this.#late.flow?.createPasskey(name);
  }

  async signIn(): Promise<void> {
    await this.#late.flow?.signIn();
  }

  async admit(): Promise<void> {
    await this.#late.flow?.admit();
  }

  async skipAdmission(): Promise<void> {
    await this.#late.flow?.skipAdmission();
  }
}

export class InvitedVisit implements EnrolmentFlow {
  readonly #late: Late<EnrolmentState, Enrolment>;

  constructor(fetch: () => Promise<Enrolment>) {
    this.#late = new Late(fetch);
  }

  get state(): ReadonlySignal<EnrolmentState> {
    return this.#late.state;
  }

  start(): Promise<void> {
    return this.#late.start();
  }

  async enrol(name: string): Promise<void> {
    await this.#late.flow?.enrol(name);
  }

  finish(): void {
    this.#late.flow?.finish();
  }
}
