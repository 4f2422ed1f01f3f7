/** A process that believes another time: Debian's libfaketime, which shifts its wall clock and leaves the monotonic one. */
import { existsSync, readdirSync } from "node:fs";

function findLibrary(): string | undefined {
  return readdirSync("/usr/lib", { withFileTypes: true })
    .map((entry) => `/usr/lib/${entry.name}/faketime/libfaketimeMT.so.1`)
    .find((candidate) => existsSync(candidate));
}

const library = findLibrary();

/** Why such tests are skipped here; undefined when they run. */
export const noWrongClock =
  library === undefined ? "libfaketime is missing. Type: sudo apt-get install faketime" : undefined;

/** The environment of a process whose clock is off by this much. */
export function clockOff(seconds: number): Readonly<Record<string, string>> {
  if (library === undefined) throw new TypeError("no libfaketime");
  return {
    LD_PRELOAD: library,
    FAKETIME: `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}
