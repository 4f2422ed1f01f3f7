/**
 * Counts whoever has proven nothing yet, by address, in the one object that counts for all isolates. The edge's own
 * machine is not counted by address: there everybody is 127.0.0.1, and one user's failures would lock out another. Says
 * the same whether or not a person, a passkey or an invitation exists.
 */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { NO_WORKSPACE, type Limits, type Verdict } from "../../durable-objects/limits.ts";
import { logFault } from "../../durable-objects/log.ts";
import { BAN_FAILURES, rates, scaled, type Rate, type RateName, type Standing } from "../../protocol/rates.ts";
import type { Arrival } from "./arrival.ts";
import type { Refusals } from "./refusals.ts";
import { placeOf } from "./networks.ts";
import { limitedProblem, problem, ProblemError } from "./problems.ts";

const MAX_FACTOR = 1_000;

export interface RateDeps {
  readonly workspace: () => Promise<string | undefined>;
  readonly limits: (name: string) => DurableObjectStub<Limits>;
  /** As configured; every rate times this. */
  readonly factor: string | undefined;
  readonly refusals: Refusals<Verdict>;
}

/** Undefined for a factor that is none: then nothing may be answered. */
export function factorOf(text: string | undefined): number | undefined {
  if (text === undefined) return 1;
  return /^[1-9]\d{0,3}$/.test(text) && Number(text) <= MAX_FACTOR ? Number(text) : undefined;
}

export class StrangerRates {
  readonly #deps: RateDeps;
  readonly #factor: number | undefined;

  constructor(deps: RateDeps) {
    this.#deps = deps;
    this.#factor = factorOf(deps.factor);
  }

  get isSound(): boolean {
    return this.#factor !== undefined;
  }

  /** @throws {ProblemError} `rates_misconfigured` */
  rate(name: RateName): Rate {
    return scaled(rates[name], this.#requireFactor());
  }

  /** One more call by somebody who has proven nothing. @throws {ProblemError} `too_many` or `address_banned` */
  async count(name: RateName, { sourceIp }: Pick<Arrival, "sourceIp">): Promise<readonly Standing[]> {
    const { network, isLocal } = placeOf(sourceIp);
    if (isLocal) return [];
    const now = Date.now();
    const key = `${name} ${network}`;
    const known = this.#deps.refusals.find(key, now);
    const verdict = known?.refusal ?? (await this.#ask({ name, network }));
    const waitSeconds = waitOf(verdict);
    if (waitSeconds === 0) return [verdict.standing];
    if (known === undefined)
      this.#deps.refusals.remember(key, { refusal: verdict, until: now + waitSeconds * 1_000 }, now);
    throw limitedProblem(verdict.bannedUntil === undefined ? "too_many" : "address_banned", {
      standings: [verdict.standing],
      waitSeconds,
    });
  }

  /** What somebody offered as a proof, and was none. Never fails: the refusal stands whatever becomes of the count. */
  async failed(error: unknown, { sourceIp }: Pick<Arrival, "sourceIp">): Promise<void> {
    if (!isFailedProof(error) || sourceIp === undefined) return;
    const { network, isLocal } = placeOf(sourceIp);
    if (isLocal) return;
    try {
      const workspace = await this.#deps.workspace();
      const failures = BAN_FAILURES * this.#requireFactor();
      if (workspace !== undefined)
        await this.#deps.limits(workspace).failed(workspace, { network, sourceIp, failures });
    } catch (fault) {
      logFault("failure_not_counted", fault);
    }
  }

  async #ask({ name, network }: { readonly name: RateName; readonly network: string }): Promise<Verdict> {
    const workspace = (await this.#deps.workspace()) ?? NO_WORKSPACE;
    return this.#deps.limits(workspace).attempt(workspace, { name, network, rate: this.rate(name) });
  }

  #requireFactor(): number {
    if (this.#factor === undefined) throw problem("rates_misconfigured");
    return this.#factor;
  }
}

function waitOf({ standing, bannedUntil }: Verdict): number {
  const banned = bannedUntil === undefined ? 0 : Math.max(0, bannedUntil - edgeSeconds());
  return Math.max(banned, standing.isAllowed ? 0 : Math.max(1, standing.waitSeconds));
}

/** Tokens, signatures and touches that do not hold. An ended session, a stale ticket or another page's origin is nobody's attempt. */
const FAILED_PROOFS: ReadonlySet<string> = new Set([
  "sign_in_refused",
  "setup_wrong",
  "invitation_wrong",
  "automation_refused",
]);
const FORGED_REQUESTS: ReadonlySet<string | undefined> = new Set(["signature", "mismatch", "malformed"]);

function isFailedProof(error: unknown): boolean {
  if (!(error instanceof ProblemError)) return false;
  return FAILED_PROOFS.has(error.code) || (error.code === "unauthenticated" && FORGED_REQUESTS.has(error.detail));
}
