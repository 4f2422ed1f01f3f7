/**
 * Sees a gateway refuse: a caller without a secret, a guessed secret, a web hook without its token. Only loopback is asked, only
 * wrong secrets are shown, and so few that a lock-out is never reached: two guesses, spaced by the gateway itself.
 */
import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import { GatewayCredential, type CredentialKind } from "../../../gateway/credential.ts";
import { GatewayError } from "../../../gateway/faults.ts";
import type { Machine } from "../../machine.ts";
import type { Ask } from "./ask.ts";

/** `let_in`: it worked without one. `refused`: it asked for a secret. `unclear`: neither could be seen. */
export type Verdict = "let_in" | "refused" | "unclear";

export interface Refusals {
  readonly socket: Verdict;
  readonly http: Verdict;
}

/** A caller without a secret, over both protocols; harmless where it is let in. */
export async function withoutSecret(machine: Machine, port: number, ask: Ask): Promise<Refusals> {
  const [socket, http] = await Promise.all([overSocket(port, ask), overHttp(machine, port)]);
  return { socket, http };
}

async function overSocket(port: number, ask: Ask): Promise<Verdict> {
  try {
    (await ask({ port, credential: undefined, scopes: ["operator.read"] })).close();
    return "let_in";
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return error.fault === "unauthorized" ? "refused" : "unclear";
  }
}

/** An empty order: where it is let in, it is refused for its shape. */
async function overHttp(machine: Machine, port: number): Promise<Verdict> {
  const { outcome, status } = await machine.http(`http://127.0.0.1:${String(port)}/tools/invoke`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  if (outcome !== "answered" || status === undefined) return "unclear";
  if (status === 401 || status === 403) return "refused";
  return status === 404 || status >= 500 ? "unclear" : "let_in";
}

export interface Guessing {
  /** Milliseconds until each wrong secret was answered. */
  readonly answered: readonly number[];
  readonly isRefused: boolean;
  /** The gateway said that there were too many. */
  readonly isLocked: boolean;
}

/** Undefined: with this little room for mistakes a probe could shut its owner out. */
export async function guess(
  { port, kind, room }: { readonly port: number; readonly kind: CredentialKind; readonly room: number },
  ask: Ask,
): Promise<Guessing | undefined> {
  const answered: number[] = [];
  const guesses = Math.min(2, room);
  if (guesses < 1) return undefined;
  for (let done = 0; done < guesses; done += 1) {
    const started = performance.now();
    try {
      const credential = new GatewayCredential(kind, `wrong-on-purpose-${randomBytes(9).toString("base64url")}`);
      (await ask({ port, credential, scopes: ["operator.read"] })).close();
      return { answered, isRefused: false, isLocked: false };
    } catch (error) {
      if (!(error instanceof GatewayError) || error.fault !== "unauthorized") throw error;
      answered.push(Math.round(performance.now() - started));
      if (error.code.includes("RATE_LIMITED")) return { answered, isRefused: true, isLocked: true };
    }
  }
  return { answered, isRefused: true, isLocked: false };
}

/** An empty wake-up without the hook's token. */
export async function hookWithoutToken(machine: Machine, port: number, path: string): Promise<Verdict> {
  const { outcome, status } = await machine.http(`http://127.0.0.1:${String(port)}${path.replace(/\/$/, "")}/wake`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  if (outcome !== "answered" || status === undefined) return "unclear";
  if (status === 401 || status === 403) return "refused";
  return status === 404 || status === 405 || status >= 500 ? "unclear" : "let_in";
}
