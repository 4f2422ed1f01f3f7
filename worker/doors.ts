/**
 * By which door a request came. Locally each socket is marked by the runtime's own configuration (`props`); on
 * Cloudflare there are no marks, the hostname decides, and the admin door does not exist.
 */
export const doors = ["web", "agent", "admin"] as const;
export type Door = (typeof doors)[number];

export interface Arriving {
  readonly props: unknown;
  readonly hostname: string;
  /** wss:// address of the agents' listener, as configured. */
  readonly agentEndpoint: string | undefined;
}

export function doorOf({ props, hostname, agentEndpoint }: Arriving): Door {
  const mark = typeof props === "object" && props !== null && "via" in props ? props.via : undefined;
  const marked = doors.find((door) => door === mark);
  if (marked !== undefined) return marked;
  return agentEndpoint !== undefined && new URL(agentEndpoint).hostname === hostname ? "agent" : "web";
}
