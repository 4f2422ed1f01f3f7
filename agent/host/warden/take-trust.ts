/**
 * Takes a page of the trust log, whoever brought it (the tunnel, or a file on this machine), and writes down what came
 * of it. It knows no difference between the two: statements prove themselves.
 */
import type { TrustPage } from "../../../protocol/trust/statements.ts";
import type { WardenContext } from "./deps.ts";
import type { Acceptance } from "./trust-store.ts";

/** @throws {AppendError} when the disk does not take it. */
export async function takeTrust(
  page: TrustPage,
  { trust, log }: Pick<WardenContext, "trust" | "log">,
): Promise<Acceptance> {
  const before = trust.state?.frozen;
  const accepted = await trust.accept(page);
  const { added, refusal, passedOver } = accepted;
  if (added > 0) log({ event: "trust_changed", n: trust.state?.head.n ?? 0 });
  if (refusal !== undefined) log({ event: "trust_refused", code: refusal });
  if (passedOver !== undefined) log({ event: "trust_passed_over", code: passedOver });
  const frozen = trust.state?.frozen;
  if (frozen !== undefined && frozen.mine !== before?.mine)
    log({ event: "trust_fork", code: frozen.reason, n: frozen.place });
  if (frozen === undefined && before !== undefined) log({ event: "trust_fork_over" });
  return accepted;
}
