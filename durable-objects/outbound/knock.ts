/**
 * One knock at one port of one address: is a connection made. Nothing is sent and nothing is read, so nothing of what a stranger
 * says ever gets in here. Takes an address that was judged (posture/outside.ts) and never a name, which could lead elsewhere.
 */
import { connect } from "cloudflare:sockets";
import { KNOCK_SECONDS, KNOCKS_AT_ONCE, type Knock, type KnockState } from "../../protocol/posture/outside.ts";

export type ConnectOut = (place: SocketAddress) => Pick<Socket, "opened" | "closed" | "close">;

/** Locally a service that reaches every address but this machine's own; on Cloudflare the Worker's own way out. */
export function wayToKnock({ LOOK_OUT }: { readonly LOOK_OUT?: Fetcher }): ConnectOut {
  return (place) => (LOOK_OUT === undefined ? connect(place) : LOOK_OUT.connect(place));
}

/** In the order of `ports`, some at a time. Never rejects for what the far end does. */
export async function knockAt(address: string, ports: readonly number[], connectOut: ConnectOut): Promise<Knock[]> {
  const knocks: Knock[] = [];
  for (let from = 0; from < ports.length; from += KNOCKS_AT_ONCE) {
    const group = ports.slice(from, from + KNOCKS_AT_ONCE);
    knocks.push(
      ...(await Promise.all(group.map(async (port) => ({ port, state: await knock(address, port, connectOut) })))),
    );
  }
  return knocks;
}

async function knock(address: string, port: number, connectOut: ConnectOut): Promise<KnockState> {
  let socket: ReturnType<ConnectOut>;
  try {
    socket = connectOut({ hostname: address.includes(":") ? `[${address}]` : address, port });
  } catch {
    return "error"; // the runtime would not even try; its words may quote the address
  }
  socket.closed.catch(() => undefined); // told by `opened` as well
  const { promise: silence, resolve } = Promise.withResolvers<KnockState>();
  const timer = setTimeout(() => resolve("filtered"), KNOCK_SECONDS * 1_000);
  // workerd and Cloudflare say one sentence for a refusal and for a way out that is barred.
  const answer = socket.opened.then<KnockState, KnockState>(
    () => "open",
    () => "closed",
  );
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
    socket.close().catch(() => undefined); // closed by the far end already, or never open
  }
}
