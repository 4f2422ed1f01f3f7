/**
 * Where the edge stands in each of the three deployments, as the agent of a host sees it: which name it dials, and whose
 * word it takes for the server there. Knows no attack.
 */

export const DEPLOYMENTS = ["local", "vpn", "cloud"] as const;
export type Deployment = (typeof DEPLOYMENTS)[number];

export interface Place {
  readonly deployment: Deployment;
  /** Where the listener is. */
  readonly address: string;
  /** What the agent dials, and what the certificate there must name. */
  readonly host: string;
  /** The join file named the edge's authority; otherwise the system's authorities are asked. */
  readonly isPinned: boolean;
}

export const places = {
  local: { deployment: "local", address: "127.0.0.1", host: "127.0.0.1", isPinned: true },
  // An address of its own, as a VPN's interface has one; the front on 127.0.0.1 is not this one.
  vpn: { deployment: "vpn", address: "127.66.0.1", host: "127.66.0.1", isPinned: true },
  // A name, and a certificate that an authority of the system gave out: Cloudflare's changes too often to be pinned.
  cloud: { deployment: "cloud", address: "127.0.0.1", host: "localhost", isPinned: false },
} as const satisfies Record<Deployment, Place>;

export function deploymentOf(text: string): Deployment | undefined {
  return DEPLOYMENTS.find((one) => one === text);
}
