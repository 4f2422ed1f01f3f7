/** One row of what this agent can do with a gateway, and what all rows work with. */
import type { Observed } from "../../../../protocol/messages.ts";
import type { GatewayConnection } from "../client.ts";
import type { GatewayOrder, Performed } from "../control-interface.ts";
import type { GatewayTarget } from "../discover.ts";
import type { Scope } from "../handshake.ts";
import type { GatewayPlace } from "../place.ts";
import type { Questions } from "../questions/questions.ts";

export interface GatewayTools {
  /** A connection of the warden's own device with exactly these scopes; whoever opens it closes it. @throws {GatewayError} */
  readonly open: (...scopes: readonly Scope[]) => Promise<GatewayConnection>;
  readonly target: () => Promise<GatewayTarget>;
  /** Where this gateway's versions, tags and switches are kept; only the agent's user can read it. */
  readonly directory: string;
  /** Answers questions before commands; undefined where nothing of the kind was started. */
  readonly questions: Questions | undefined;
  /** Where its file and its process are; undefined where only its connection is known. */
  readonly place?: GatewayPlace | undefined;
  readonly wait: (milliseconds: number) => Promise<void>;
  /** Monotonic, milliseconds. */
  readonly elapsed: () => number;
  /** Wall clock, seconds. */
  readonly now: () => number;
  /** Codes only. */
  readonly log: (code: string, detail: Readonly<Record<string, string>>) => void;
}

export interface GatewayImplementation {
  /** `subject` as it is now; absent for operations that pin none. Undefined: not there any more. */
  readonly subject?: (args: Readonly<Record<string, unknown>>, tools: GatewayTools) => Promise<string | undefined>;
  readonly perform: (order: GatewayOrder, tools: GatewayTools) => Promise<Performed>;
}

export function executed(observed: Observed = {}): Performed {
  return { verdict: "executed", observed };
}

/** `reason`: a code, see `Observed`. */
export function failed(reason: string, observed: Observed = {}): Performed {
  return { verdict: "failed", observed: { ...observed, reason } };
}
