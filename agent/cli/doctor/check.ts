/** One line of `clawhold doctor`: what was looked at, how it stands, and what to do. */
import { EXIT, type ExitCode } from "../io.ts";

export interface Check {
  readonly name: string;
  /** `not reached`: something before it fails, so that nothing can be said of it. */
  readonly state: "ok" | "fails" | "not reached";
  /** Stable, for programs: `ok`, `not_reached`, or why it fails. */
  readonly code: string;
  /** What was found and, when something is wrong, the next step. */
  readonly sentence: string;
  readonly exit?: ExitCode;
}

export function holds(name: string, sentence: string): Check {
  return { name, state: "ok", code: "ok", sentence };
}

export interface Failure {
  readonly code: string;
  readonly sentence: string;
  readonly exit?: ExitCode;
}

export function fails(name: string, { code, sentence, exit = EXIT.failed }: Failure): Check {
  return { name, state: "fails", code, sentence, exit };
}

export function notReached(name: string, before: string): Check {
  return { name, state: "not reached", code: "not_reached", sentence: `not reached: look at "${before}" first` };
}
