/**
 * SHA-256 by Node's own library, in the place of the JavaScript one in the agent's own program (agent/build.mjs): the same
 * function at a hundredth of the time, which counts where nothing is compiled. The protocol stays without a platform.
 */
import { hash } from "node:crypto";

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
