/** Failures as people read them: what happened, why, and the next step; the code beside it for the log reader. */
import type { Problem } from "../../protocol/contracts.ts";
import { explainRefusal, type RefusalCode } from "../../protocol/refusals.ts";
import type { Result, Trouble } from "../state/backend.ts";

/** Carries a `Trouble` through code that has nothing to decide about it. */
export class TroubleError extends Error {
  override readonly name = "TroubleError";
  readonly trouble: Trouble;
  constructor(trouble: Trouble) {
    super(trouble.code);
    this.trouble = trouble;
  }
}

/** The edge verified the passkey; its person's roles allow a shorter session than was asked for. */
export class SessionLongError extends TroubleError {
  readonly limitSeconds: number;
  constructor(trouble: Trouble, limitSeconds: number) {
    super(trouble);
    this.limitSeconds = limitSeconds;
  }
}

export const CANCELLED: Trouble = {
  code: "cancelled",
  what: "The authenticator was closed without a touch.",
  next: "Nothing was sent. Press again when you are ready.",
};

export const UNREACHABLE: Trouble = {
  code: "unreachable",
  what: "The control plane does not answer.",
  why: "It is stopped or restarting, or this machine has no way to it.",
  next: "On a machine of your own, look whether clawhold up is running.",
};

export function problemTrouble(problem: Problem): Trouble {
  return { code: problem.code, what: problem.title, id: problem.id };
}

export function problemError(problem: Problem): TroubleError {
  const { limitSeconds } = problem;
  const trouble = problemTrouble(problem);
  return limitSeconds === undefined ? new TroubleError(trouble) : new SessionLongError(trouble, limitSeconds);
}

/** The host label is ours (from the trust log); the sentence is fixed. */
export function refusalTrouble(code: RefusalCode, who: string): Trouble {
  const { what, next } = explainRefusal(code);
  return { code, what: `${who} refused: ${what}.`, next };
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof TroubleError) return error.trouble;
  if (error instanceof DOMException && (error.name === "NotAllowedError" || error.name === "AbortError"))
    return CANCELLED;
  if (error instanceof DOMException && error.name === "InvalidStateError") {
    return {
      code: "passkey_exists",
      what: "This authenticator already holds a passkey for this person.",
      next: "Use another device or a security key.",
    };
  }
  console.error("clawhold", error);
  return {
    code: "page",
    what: "This page could not go on.",
    why: "Something in it failed that should not.",
    next: "Reload the page. What was sent is on the Activity page.",
  };
}

export async function resultOf<T>(work: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, trouble: troubleOf(error) };
  }
}
