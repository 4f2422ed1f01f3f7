/**
 * Takes a page of the trust log, whoever brought it (the tunnel, or a file on this machine), and writes down what came
 * of it. It knows no difference between the two: statements prove themselves.
 */
import type { Freeze, TrustState } from "../../../protocol/trust/state.ts";
import type { TrustPage } from "../../../protocol/trust/statements.ts";
import type { HostLog } from "../log.ts";
import type { WardenContext } from "./deps.ts";
import type { Acceptance } from "./trust-store.ts";

/** @throws {AppendError} when the disk does not take it. */
export async function takeTrust(
  page: TrustPage,
  { trust, log }: Pick<WardenContext, "trust" | "log">,
): Promise<Acceptance> {
  const { state } = trust;
  try {
    const accepted = await trust.accept(page);
    const { refusal, passedOver } = accepted;
    if (refusal !== undefined) log({ event: "trust_refused", code: refusal });
    if (passedOver !== undefined) log({ event: "trust_passed_over", code: passedOver });
    return accepted;
  } finally {
    // Also when the disk failed in the middle: what was written before that counts.
    if (trust.state !== state) logChange(state?.frozen, trust.state, log);
  }
}

function logChange(before: Freeze | undefined, now: TrustState | undefined, log: HostLog): void {
  log({ event: "trust_changed", n: now?.head.n ?? 0 });
  const frozen = now?.frozen;
  if (frozen !== undefined && frozen.mine !== before?.mine)
    log({ event: "trust_fork", code: frozen.reason, n: frozen.place });
  if (frozen === undefined && before !== undefined) log({ event: "trust_fork_over" });
}
