/**
 * How many files this process and its runtime may open, and what that is enough for. Node raises its own soft limit to the
 * hard one when it starts, and the runtime inherits that, so only the hard limit can be too low; nobody but the owner can
 * raise it.
 */

import type { EdgeLog } from "./edge-log.ts";

/** In the runtime: a socket, three files of the host's database, and room while one is opened again. */
const FILES_A_HOST = 6;
/** Pages, logs, the database, what both processes themselves hold. */
const FILES_BESIDE = 1_000;
const FEWEST_CONNECTIONS = 16;

export function filesNeeded(hosts: number): number {
  return FILES_A_HOST * hosts + FILES_BESIDE;
}

/** On all listeners together. Refusing a connection is better than EMFILE in the middle of one. */
export function connectionBudget(openFileLimit: number | undefined): number {
  if (openFileLimit === undefined) return FEWEST_CONNECTIONS * FILES_A_HOST;
  return Math.max(FEWEST_CONNECTIONS, Math.floor((openFileLimit - FILES_BESIDE / 2) / FILES_A_HOST));
}

/** Once, at the start. */
export function sayTooFew(openFileLimit: number | undefined, hosts: number, log: EdgeLog): void {
  const needed = filesNeeded(hosts);
  if (openFileLimit === undefined || openFileLimit >= needed) return;
  log({
    level: "warn",
    code: "few_open_files",
    detail: `This edge may open ${openFileLimit} files, and its ${hosts} hosts need ${needed}. Raise the hard limit: LimitNOFILE= in its systemd unit, or ulimit -Hn in the shell that starts it.`,
  });
}
