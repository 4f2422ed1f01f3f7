/** What the edge has heard of a host's posture, asked as a page would ask. */
import * as v from "valibot";
import { endpoints } from "../../../protocol/contracts.ts";
import type { CheckId } from "../../../protocol/posture.ts";
import type { PostureFigures } from "../../../protocol/telemetry.ts";
import type { RunningEdge } from "../../net/product.ts";

const LOOK_MILLISECONDS = 250;
/** Twice what the slowest of these may take: the bench fails rather than waits. */
const PATIENCE_MILLISECONDS = 120_000;

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + PATIENCE_MILLISECONDS;
  while (performance.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
  }
  throw new Error(`${what} did not come in ${String(PATIENCE_MILLISECONDS / 1_000)} s`);
}

/** Resolves with the first that the edge has. */
export function postureOf({ operator }: RunningEdge, wanted: string): Promise<PostureFigures> {
  return until("the host's posture", async () => {
    const { hosts } = v.parse(endpoints.hosts.response, await operator.call("hosts"));
    return hosts.find(({ host }) => host === wanted)?.telemetry?.posture;
  });
}

export async function driftAlert({ operator }: RunningEdge, wanted: string, check: CheckId): Promise<void> {
  await until("the alert", async () => {
    const { alerts } = v.parse(endpoints.alerts.response, await operator.call("alerts"));
    return alerts.find(({ host, detail }) => host === wanted && detail.check === check);
  });
}
