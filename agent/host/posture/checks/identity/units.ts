/** Whether a service that should run a gateway does, and why not, in systemd's numbers and our words. */
import type { UnitRow } from "../../collectors/identity/units.ts";
import type { Shortfalls } from "../../judge.ts";

/** Exit codes by which systemd says what kept it from starting a program (systemd.exec(5)). */
const KEPT_FROM: Readonly<Record<string, string>> = {
  "200": "its working directory is not there",
  "203": "its program cannot be run",
  "216": "its group does not exist",
  "217": "its user does not exist",
  "218": "its capabilities cannot be set",
  "225": "its network namespace cannot be made",
  "226": "its file system namespace cannot be made: a path that its confinement names is not there",
  "227": "NoNewPrivileges cannot be set",
  "228": "its system call filter cannot be set",
  "233": "one of its directories cannot be made",
  "243": "its credentials cannot be set",
};

export function unitShortfalls({ name, gateways, properties }: UnitRow): Shortfalls {
  const of = (property: string): string => properties[property] ?? "";
  // One that nobody asks to run, and that runs nothing.
  const isWanted = gateways.length > 0 || of("UnitFileState") === "enabled" || of("ActiveState") !== "inactive";
  if (of("LoadState") !== "loaded")
    return of("LoadState") === "masked" ? [] : [`${name} cannot be read by systemd (${of("LoadState")})`];
  if (!isWanted) return [];
  const found: string[] = [];
  if (of("ActiveState") !== "active" || of("SubState") !== "running") {
    const status = of("ExecMainStatus");
    const why = KEPT_FROM[status] ?? `${of("Result")}, code ${status}`;
    found.push(`${name} is ${of("ActiveState")} (${of("SubState")}): ${why}`);
  } else if (gateways.length === 0) {
    // Between two attempts systemd calls it active.
    found.push(`${name} is called active, and no gateway runs in it (started again ${of("NRestarts") || "0"} times)`);
  }
  if (of("NeedDaemonReload") === "yes") found.push(`${name} was changed and systemd has not read it again`);
  return found;
}
