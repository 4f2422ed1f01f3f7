/**
 * The approval dialog as a state machine: question, authenticator, sent, and one of the endings. Pure.
 * An event that does not fit the state changes nothing, so a late answer can never reopen or restart anything.
 * May not: decide what is verified (a receipt brings its seal), or press by itself.
 */
import type { CommandStep, PreparedCommand, ReceiptView, Retry, Trouble } from "../state/backend.ts";

/** When each step was reached, in milliseconds since the press. */
export interface Progress {
  readonly approvedMs?: number;
  readonly ledgeredMs?: number;
  readonly ledgerIndex?: number;
  readonly dispatchedMs?: number;
  readonly runningMs?: number;
}

export type DialogState =
  | { readonly kind: "preparing" }
  | { readonly kind: "unprepared"; readonly trouble: Trouble }
  /** `closedAuthenticator`: pressed before, and the authenticator was closed without a touch. */
  | { readonly kind: "question"; readonly command: PreparedCommand; readonly closedAuthenticator: boolean }
  | { readonly kind: "authenticator"; readonly command: PreparedCommand; readonly secondsLeft: number }
  | { readonly kind: "sent"; readonly command: PreparedCommand; readonly progress: Progress }
  | {
      readonly kind: "silent";
      readonly command: PreparedCommand;
      readonly progress: Progress;
      readonly afterMs: number;
    }
  | {
      readonly kind: "receipt";
      readonly command: PreparedCommand;
      readonly progress: Progress;
      readonly receipt: ReceiptView;
      readonly retry: Retry;
    }
  | {
      readonly kind: "refused";
      readonly command: PreparedCommand;
      readonly by: "page" | "edge" | "host";
      readonly trouble: Trouble;
      readonly retry: Retry;
    };

export type DialogEvent =
  | { readonly kind: "prepared"; readonly command: PreparedCommand }
  | { readonly kind: "unprepared"; readonly trouble: Trouble }
  | { readonly kind: "prepare-again" }
  | { readonly kind: "press"; readonly secondsLeft: number }
  | { readonly kind: "step"; readonly step: CommandStep };

export const opened: DialogState = { kind: "preparing" };

export function next(state: DialogState, event: DialogEvent): DialogState {
  switch (event.kind) {
    case "prepared":
      if (state.kind !== "preparing") return state;
      return { kind: "question", command: event.command, closedAuthenticator: false };
    case "unprepared":
      return state.kind === "preparing" ? { kind: "unprepared", trouble: event.trouble } : state;
    case "prepare-again":
      return mayPrepareAgain(state) ? opened : state;
    case "press":
      if (!mayPress(state)) return state;
      return { kind: "authenticator", command: state.command, secondsLeft: event.secondsLeft };
    case "step":
      return afterStep(state, event.step);
  }
}

type Pressable = Extract<DialogState, { kind: "question" | "receipt" | "refused" }>;

/** The states that show the approve button. */
export function mayPress(state: DialogState): state is Pressable {
  if (state.kind === "question") return true;
  return (state.kind === "receipt" || state.kind === "refused") && state.retry === "press";
}

export function mayPrepareAgain(state: DialogState): boolean {
  if (state.kind === "unprepared") return true;
  return (state.kind === "receipt" || state.kind === "refused") && state.retry === "prepare";
}

/** Nothing left this browser yet, so closing also ends it. */
export function nothingSent(state: DialogState): boolean {
  return (
    state.kind === "preparing" ||
    state.kind === "unprepared" ||
    state.kind === "question" ||
    state.kind === "authenticator"
  );
}

type UnderWay = Extract<DialogState, { kind: "authenticator" | "sent" | "silent" }>;

function afterStep(state: DialogState, step: CommandStep): DialogState {
  if (state.kind !== "authenticator" && state.kind !== "sent" && state.kind !== "silent") return state;
  const { command } = state;
  const progress = state.kind === "authenticator" ? {} : state.progress;
  switch (step.kind) {
    case "authenticator":
      return state.kind === "authenticator" ? { kind: "authenticator", command, secondsLeft: step.secondsLeft } : state;
    case "cancelled":
      return state.kind === "authenticator" ? { kind: "question", command, closedAuthenticator: true } : state;
    case "receipt":
      return { kind: "receipt", command, progress, receipt: step.receipt, retry: step.retry };
    case "refused":
      return { kind: "refused", command, by: step.by, trouble: step.trouble, retry: step.retry };
    case "silent":
      return { kind: "silent", command, progress, afterMs: step.afterMs };
    default:
      return sentAfter(state, step);
  }
}

type ProgressStep = Extract<CommandStep, { kind: "approved" | "ledgered" | "dispatched" | "running" }>;

function sentAfter(state: UnderWay, step: ProgressStep): DialogState {
  const before = state.kind === "authenticator" ? {} : state.progress;
  return { kind: "sent", command: state.command, progress: { ...before, ...reached(step) } };
}

function reached(step: ProgressStep): Progress {
  switch (step.kind) {
    case "approved":
      return { approvedMs: step.afterMs };
    case "ledgered":
      return { ledgeredMs: step.afterMs, ledgerIndex: step.index };
    case "dispatched":
      return { dispatchedMs: step.afterMs };
    case "running":
      return { runningMs: step.afterMs };
  }
}
