/**
 * The listening sockets that systemd hands over when it starts us (sd_listen_fds(3)): from descriptor 3 on, with names. Only
 * when they are meant for this very process: a child of one that got them inherits the words and not the sockets.
 */
import { HostError } from "../host-error.ts";
import type { SocketName } from "../units/layout.ts";

const FIRST_DESCRIPTOR = 3;
const MAX_SOCKETS = 8;

/** By their names. Empty when there are none for us. */
export function inheritedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): ReadonlyMap<string, number> {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = environment;
  const count = Number(LISTEN_FDS);
  if (LISTEN_PID !== String(pid) || !Number.isSafeInteger(count) || count < 1 || count > MAX_SOCKETS) return new Map();
  const names = (LISTEN_FDNAMES ?? "").split(":");
  return new Map(names.slice(0, count).map((name, i) => [name, FIRST_DESCRIPTOR + i]));
}

/** @throws {HostError} */
export function requireSocket(sockets: ReadonlyMap<string, number>, name: SocketName): number {
  const fd = sockets.get(name);
  if (fd !== undefined) return fd;
  throw new HostError(
    "not_started_by_systemd",
    `This program is started by systemd, which hands it the socket "${name}", and there is none. On an installed host look at: systemctl status 'clawhold-*'. Elsewhere type: clawhold host run`,
  );
}
