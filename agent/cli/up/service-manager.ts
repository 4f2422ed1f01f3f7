/**
 * Tells systemd that the edge serves, and goes on telling it as long as that is true, so that an edge that hangs is started
 * again. Its protocol is a datagram on a unix socket, which Node cannot send: systemd's own program sends it for us. Does
 * nothing where nobody asked (`NOTIFY_SOCKET`).
 */
import { spawn } from "node:child_process";
import type { CliIo } from "../io.ts";

const NOTIFY = "/usr/bin/systemd-notify";
/** Three words a period: one may come late. */
const WORDS_A_PERIOD = 3;
const MICROSECONDS = 1_000;

export interface ManagerDeps {
  readonly environment: CliIo["environment"];
  readonly isWell: () => Promise<boolean>;
  /** For tests. */
  readonly program?: string;
}

/** Call when it serves. Returns how to stop, which tells systemd so. */
export function keepManagerTold({ environment, isWell, program = NOTIFY }: ManagerDeps): () => void {
  if (environment["NOTIFY_SOCKET"] === undefined) return () => undefined;
  const tell = (word: string): void => {
    const child = spawn(program, [word], { stdio: "ignore", env: { ...environment } });
    // Without it systemd ends us when our time is up, and its journal says why: there is nobody else to tell.
    child.on("error", () => undefined);
    child.unref();
  };
  tell("--ready");
  const period = Number(environment["WATCHDOG_USEC"] ?? "0") / MICROSECONDS;
  const timer = Number.isFinite(period) && period > 0 ? setInterval(sayAlive, period / WORDS_A_PERIOD) : undefined;
  timer?.unref();
  function sayAlive(): void {
    isWell().then(
      (well) => {
        if (well) tell("WATCHDOG=1");
      },
      () => undefined, // not well: the watchdog hears nothing, which is the message
    );
  }
  return () => {
    clearInterval(timer);
    tell("STOPPING=1");
  };
}
