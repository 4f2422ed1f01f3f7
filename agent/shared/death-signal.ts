/**
 * Lets the kernel kill a child when our process ends in whatever way. Where that cannot be asked for (a Mac, a minimal image,
 * a service whose system calls are filtered), only a kill of us with SIGKILL leaves the child behind, and whoever filters
 * calls ends all of a service's processes together.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const SETPRIV = "/usr/bin/setpriv";
const OPTIONS = ["--pdeathsig", "SIGKILL", "--"];

/** The program and its parameters as they are to be started. `setpriv`: for tests. */
export function withDeathSignal(
  program: string,
  parameters: readonly string[],
  setpriv = SETPRIV,
): readonly [string, readonly string[]] {
  // Tried, not only looked for: it sets its capabilities too, which a filter may forbid, and then starts nothing.
  const works = existsSync(setpriv) && spawnSync(setpriv, [...OPTIONS, "/bin/true"], { stdio: "ignore" }).status === 0;
  return works ? [setpriv, [...OPTIONS, program, ...parameters]] : [program, parameters];
}
