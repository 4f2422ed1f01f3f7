/**
 * One command to many hosts as a state machine: asking, gaps, question, authenticator, outcomes. Pure. An event that does
 * not fit the state changes nothing. Hosts that could not be asked are in no command until the person says so.
 * May not: decide what is verified (a receipt brings its seal), or press by itself.
 */
import type { Retry, Trouble } from "../state/backend.ts";
import type { AskedHosts, HostOutcome, OrderStep, PreparedOrder, UnaskedHost } from "../state/orders.ts";

export type Outcomes = ReadonlyMap<string, HostOutcome>;

interface Built {
  readonly command: PreparedOrder;
  /** Hosts that gave no challenge, left out by the person's word. */
  readonly leftOut: readonly UnaskedHost[];
}

export type OrderState =
  | { readonly kind: "asking" }
  | { readonly kind: "unasked"; readonly trouble: Trouble }
  | { readonly kind: "gaps"; readonly asked: AskedHosts }
  | (Built & { readonly kind: "question"; readonly closedAuthenticator: boolean })
  | (Built & { readonly kind: "authenticator"; readonly secondsLeft: number })
  /** `over`: nobody waits for any host any more. */
  | (Built & { readonly kind: "sent"; readonly outcomes: Outcomes; readonly over: boolean })
  | (Built & {
      readonly kind: "refused";
      readonly by: "page" | "edge";
      readonly trouble: Trouble;
      readonly retry: Retry;
    });

export type OrderEvent =
  | { readonly kind: "asked"; readonly asked: AskedHosts }
  | { readonly kind: "unasked"; readonly trouble: Trouble }
  | { readonly kind: "leave-out" }
  | { readonly kind: "ask-again" }
  | { readonly kind: "press"; readonly secondsLeft: number }
  | { readonly kind: "step"; readonly step: OrderStep }
  | { readonly kind: "over" };

export const asking: OrderState = { kind: "asking" };

export function nextOrder(state: OrderState, event: OrderEvent): OrderState {
  switch (event.kind) {
    case "asked":
      return state.kind === "asking" ? afterAsking(event.asked) : state;
    case "unasked":
      return state.kind === "asking" ? { kind: "unasked", trouble: event.trouble } : state;
    case "leave-out":
      return state.kind === "gaps" && mayLeaveOut(state.asked) ? question(state.asked) : state;
    case "ask-again":
      return mayAskAgain(state) ? asking : state;
    case "press":
      if (state.kind !== "question") return state;
      return { ...built(state), kind: "authenticator", secondsLeft: event.secondsLeft };
    case "step":
      return afterStep(state, event.step);
    case "over":
      return state.kind === "sent" ? { ...state, over: true } : state;
  }
}

function afterAsking(asked: AskedHosts): OrderState {
  return asked.unanswered.length > 0 ? { kind: "gaps", asked } : question(asked);
}

/** Never everybody, and nobody of what several people approved as a whole. */
export function mayLeaveOut({ answered, mayLeaveOut: allowed }: AskedHosts): boolean {
  return allowed && answered.length > 0;
}

function question(asked: AskedHosts): OrderState {
  return { kind: "question", command: asked.command(), leftOut: asked.unanswered, closedAuthenticator: false };
}

function built({ command, leftOut }: Built): Built {
  return { command, leftOut };
}

export function mayAskAgain(state: OrderState): boolean {
  if (state.kind === "gaps" || state.kind === "unasked") return true;
  if (state.kind === "refused") return state.retry === "prepare";
  return state.kind === "sent" && notRun(state).length > 0;
}

/**
 * Hosts on which it certainly did not run: refused, or never asked. One that was silent may have run it, and one that
 * failed or was interrupted began it, so a new press never reaches those by itself.
 */
export function notRun(state: Extract<OrderState, { kind: "sent" }>): readonly string[] {
  const refused = [...state.outcomes].filter(([, outcome]) => didNotRun(outcome)).map(([hostId]) => hostId);
  return state.over ? [...refused, ...state.leftOut.map(({ id }) => id)] : [];
}

function didNotRun(outcome: HostOutcome): boolean {
  if (outcome.kind === "refused") return outcome.by !== "page";
  if (outcome.kind !== "receipt") return false;
  return outcome.receipt.verdict === "refused" && outcome.receipt.seal.state === "verified";
}

/** A verified receipt that says so, and nothing else. */
export function isDone(outcome: HostOutcome | undefined): boolean {
  if (outcome?.kind !== "receipt") return false;
  return outcome.receipt.verdict === "executed" && outcome.receipt.seal.state === "verified";
}

/** Nothing left this browser yet, so closing also ends it. */
export function nothingSentYet(state: OrderState): boolean {
  return state.kind !== "sent";
}

function afterStep(state: OrderState, step: OrderStep): OrderState {
  if (state.kind === "sent") return step.kind === "outcome" ? withOutcome(state, step) : afterSent(state, step);
  if (state.kind !== "authenticator") return state;
  switch (step.kind) {
    case "authenticator":
      return { ...state, secondsLeft: step.secondsLeft };
    case "cancelled":
      return { ...built(state), kind: "question", closedAuthenticator: true };
    case "refused":
      return { ...built(state), kind: "refused", by: step.by, trouble: step.trouble, retry: step.retry };
    case "approved":
      return { ...built(state), kind: "sent", outcomes: new Map(), over: false };
    case "outcome":
      return state;
  }
}

/** The edge refused the whole of it after the touch: that can only come before any host spoke. */
function afterSent(state: Extract<OrderState, { kind: "sent" }>, step: OrderStep): OrderState {
  if (step.kind !== "refused" || state.outcomes.size > 0) return state;
  return { ...built(state), kind: "refused", by: step.by, trouble: step.trouble, retry: step.retry };
}

function withOutcome(
  state: Extract<OrderState, { kind: "sent" }>,
  { hostId, outcome }: Extract<OrderStep, { kind: "outcome" }>,
): OrderState {
  const before = state.outcomes.get(hostId);
  // What a host signed stands; a late "delivered" does not undo it.
  if (before?.kind === "receipt" || before?.kind === "refused") return state;
  return { ...state, outcomes: new Map(state.outcomes).set(hostId, outcome) };
}
