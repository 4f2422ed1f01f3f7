/** Whether whoever started a copy may go on: asked again at every page of it, because a copy can take long. */
import { edgeSeconds } from "../../durable-objects/clock.ts";
import type { ExportOrder } from "../../durable-objects/exports.ts";
import { hasPermission, type TrustState } from "../../protocol/trust/state.ts";
import type { Deps } from "../deps.ts";

export async function mayGoOn(
  { session, person, expires }: Pick<ExportOrder, "session" | "person" | "expires">,
  workspace: string,
  deps: Deps,
): Promise<TrustState | undefined> {
  const now = edgeSeconds();
  if (expires <= now) return undefined;
  const [isOpen, trust] = await Promise.all([deps.sessions(workspace).isOpen(session), deps.trust.current(workspace)]);
  if (!isOpen || trust === undefined) return undefined;
  return hasPermission(trust, person, { permission: "ledger.read", now }) ? trust : undefined;
}
