/**
 * May this port be shown the gateway's shared secret? Any user of the machine can listen on a free loopback port; when
 * the gateway is down, one who does would be handed the secret by every client that simply connects.
 */
import type { GatewayTarget } from "./discover.ts";
import { listenersOf } from "./listening.ts";

const ROOT = 0;

/**
 * True when every listener of the port runs as the owner of the configuration, or as root. A configuration that root
 * owns was placed for another user to run, so it says nothing about who; unknown (no /proc) is not held against it.
 */
export async function mayShowSecret(target: GatewayTarget): Promise<boolean> {
  const owner = target.ownerUid;
  if (owner === undefined || owner === ROOT) return true;
  const listeners = await listenersOf(target.port, target.network?.tables);
  return listeners === undefined || listeners.every((listener) => listener.uid === owner || listener.uid === ROOT);
}
