/**
 * Makes the machine that runs the edge a host of its workspace: without a person carrying a join file, and with a pin
 * that comes from the root this machine's own setup key signed.
 */
import { X509Certificate } from "node:crypto";
import { joinFileCodec } from "../../../protocol/join-file.ts";
import { HostError } from "../../host/host-error.ts";
import { joinHost } from "../../host/join.ts";
import { hexFingerprint } from "../../host/link/edge-authority.ts";
import type { GatewayReference, HostState } from "../../host/state.ts";
import { labelOf } from "../join.ts";
import type { EdgeAdmin } from "./edge-admin.ts";

export interface LocalHostDeps {
  readonly state: HostState;
  readonly admin: EdgeAdmin;
  /** wss://host:port */
  readonly agentEndpoint: string;
  /** PEM. */
  readonly edgeAuthority: string;
  readonly hostname: string;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/**
 * Joins when this machine has not, or was off until its certificate ended, and notes the gateway. A certificate that still
 * opens a tunnel is renewed over it.
 */
export async function settleLocalHost(
  workspace: string,
  gateway: GatewayReference,
  deps: LocalHostDeps,
): Promise<void> {
  const { state, agentEndpoint } = deps;
  const existing = state.host();
  if (existing !== undefined && existing.workspace !== workspace) {
    throw new HostError(
      "joined_elsewhere",
      `The agent of this machine (state in ${state.path}) belongs to another workspace than this edge serves. Use the data directory that they share, or start afresh with another --data.`,
    );
  }
  if (existing === undefined || needsCertificate(deps)) await joinLocally(workspace, gateway, deps);
  else state.saveHost({ ...existing, edge: agentEndpoint, gateway });
  state.saveSetupKeys([]);
}

function needsCertificate({ state, edgeAuthority, now }: LocalHostDeps): boolean {
  const tls = state.tls();
  if (tls?.edgeCa === undefined) return true;
  if (hexFingerprint(new X509Certificate(tls.edgeCa)) !== hexFingerprint(new X509Certificate(edgeAuthority)))
    return true;
  const ends = new X509Certificate(tls.certificate).validToDate.getTime() / 1_000;
  return now() >= ends;
}

async function joinLocally(workspace: string, gateway: GatewayReference, deps: LocalHostDeps): Promise<void> {
  const { state, admin, agentEndpoint, edgeAuthority, hostname } = deps;
  const file = joinFileCodec.encode({
    v: 1,
    edge: agentEndpoint,
    workspace,
    token: await admin.joinToken(),
    edgeCa: hexFingerprint(new X509Certificate(edgeAuthority)),
  });
  const label = state.host()?.label ?? labelOf(hostname);
  // It came from this machine's own setup key, from its pin, or from a person's fingers: never from the edge.
  await joinHost(file, {
    state,
    label,
    colocated: true,
    gateway,
    environment: {},
    edgeAuthority,
    typedWorkspace: workspace,
  });
}
