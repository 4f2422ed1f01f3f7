/**
 * Which readings the reader answers: those that it can with a device that may only read, and without a secret, a file of the
 * host's or an administrator's view. The others the warden answers itself, through its own socket to the gateway.
 */
import type { GatewayReadName } from "../gateway/control-interface.ts";

const READER_READS = [
  "gateway.sessions@1",
  "gateway.jobs@1",
  "gateway.job-runs@1",
  "gateway.usage@1",
] as const satisfies readonly GatewayReadName[];

export function isReaderRead(operation: string): operation is (typeof READER_READS)[number] {
  return READER_READS.some((name) => name === operation);
}
