/**
 * The catalogue of checks: what a host is looked at for. Data alone; how each is judged stands on the host
 * (agent/host/posture). An id is for ever: reports, waivers and telemetry name it.
 */
import type { CatalogueEntry } from "./posture/entry.ts";
import { gatewayChecks } from "./posture/gateway.ts";
import { identityChecks } from "./posture/identity.ts";
import { integrityChecks } from "./posture/integrity.ts";
import { networkChecks } from "./posture/network.ts";
import { secretChecks } from "./posture/secrets.ts";
import { sshChecks } from "./posture/ssh.ts";

export type { CatalogueEntry } from "./posture/entry.ts";

export const checks = {
  ...gatewayChecks,
  ...sshChecks,
  ...networkChecks,
  ...identityChecks,
  ...secretChecks,
  ...integrityChecks,
} as const satisfies Record<string, CatalogueEntry>;

export type CheckId = keyof typeof checks;
export const checkIds = Object.keys(checks) as readonly CheckId[];

export function isCheckId(text: string): text is CheckId {
  return Object.hasOwn(checks, text);
}
