/** Whether updates come by themselves, and which of them wait: apt's settings put together, its lists, and a rehearsal. */
import type { Machine } from "../../machine.ts";
import { known, unknown, type Fact } from "../../fact.ts";

export interface UpdateSettings {
  readonly isInstalled: boolean;
  /** Days between two looks and two upgrades; 0: never. */
  readonly lists: number;
  readonly upgrades: number;
  /** Some allowed origin is the security archive. */
  readonly coversSecurity: boolean;
  /** Timers that would start it and do not. */
  readonly idleTimers: readonly string[];
}

export interface Pending {
  /** Names of packages of the security archive that a rehearsal would install. */
  readonly security: readonly string[];
  readonly others: number;
  /** Seconds since apt's lists were fetched; undefined: there are none. */
  readonly listAge?: number;
  /** Packages whose new version only starts with the machine. */
  readonly restart: readonly string[];
}

const TIMERS = ["apt-daily.timer", "apt-daily-upgrade.timer"] as const;
const REHEARSAL_MILLISECONDS = 30_000;

export async function readSettings(machine: Machine): Promise<Fact<UpdateSettings>> {
  const argv = ["apt-config", "dump"];
  const [ran, program, timers] = await Promise.all([
    machine.run(argv),
    machine.look("/usr/bin/unattended-upgrade"),
    machine.run(["systemctl", "show", "--property=Id,ActiveState", ...TIMERS]),
  ]);
  if (ran.kind !== "ran") return unknown("missing_tool", "apt: this system keeps its packages with something else");
  const active = timers.kind === "ran" ? timers.stdout.split("\n\n") : [];
  const isActive = (timer: string): boolean =>
    active.some((block) => block.includes(`Id=${timer}`) && block.includes("ActiveState=active"));
  const settings = aptSettings(ran.stdout);
  const value = {
    isInstalled: program !== undefined,
    ...settings,
    // Without systemd cron does it.
    idleTimers: timers.kind === "ran" ? TIMERS.filter((timer) => !isActive(timer)) : [],
  };
  const lines = ran.stdout
    .split("\n")
    .filter((line) => /^(?:APT::Periodic|Unattended-Upgrade::(?:Origins|Allowed))/.test(line));
  const excerpt = [...lines, ...TIMERS.map((timer) => `${timer} ${isActive(timer) ? "active" : "not active"}`)].join(
    "\n",
  );
  return known(value, { level: "effective", source: argv.join(" "), at: machine.now(), raw: ran.stdout, excerpt });
}

export function aptSettings(dump: string): Pick<UpdateSettings, "lists" | "upgrades" | "coversSecurity"> {
  const days = (name: string): number => {
    const said = new RegExp(`^APT::Periodic::${name} "([^"]*)";$`, "m").exec(dump)?.[1] ?? "0";
    if (said === "always") return 1;
    const [, number = "0", unit = ""] = /^(\d+)([smhd]?)$/.exec(said) ?? [];
    return Number(number) === 0 ? 0 : unit === "" || unit === "d" ? Number(number) : 1;
  };
  const origins = [...dump.matchAll(/^Unattended-Upgrade::(?:Origins-Pattern|Allowed-Origins):: "([^"]*)";$/gm)].map(
    ([, text = ""]) => text,
  );
  const isOn = !/^APT::Periodic::Enable "0";$/m.test(dump);
  return {
    lists: isOn ? days("Update-Package-Lists") : 0,
    upgrades: isOn ? days("Unattended-Upgrade") : 0,
    coversSecurity: origins.some((origin) => /security/i.test(origin)),
  };
}

/** A rehearsal takes no lock and changes nothing; it holds for the lists as old as they are. */
export async function readPending(machine: Machine): Promise<Fact<Pending>> {
  const argv = ["apt-get", "-s", "-qq", "-o", "Debug::NoLocking=true", "upgrade"];
  const [ran, stamp, lists, restart] = await Promise.all([
    machine.run(argv, { milliseconds: REHEARSAL_MILLISECONDS }),
    machine.look("/var/lib/apt/periodic/update-success-stamp"),
    machine.look("/var/lib/apt/lists"),
    restartFor(machine),
  ]);
  if (ran.kind !== "ran") return unknown(ran.kind === "missing" ? "missing_tool" : "timeout", argv.join(" "));
  if (ran.exit !== 0) return unknown("failed", `${argv.join(" ")}: ${ran.stderr.split("\n")[0] ?? ""}`);
  const newest = Math.max(stamp?.modified ?? 0, lists?.modified ?? 0);
  const { security, others } = installs(ran.stdout);
  const value = { security, others, restart, ...(newest === 0 ? {} : { listAge: machine.now() - newest }) };
  const excerpt =
    security.length + others === 0
      ? "nothing waits"
      : `security: ${security.join(", ") || "none"}; others: ${String(others)}`;
  return known(value, { level: "effective", source: argv.join(" "), at: machine.now(), raw: ran.stdout, excerpt });
}

export function installs(text: string): Pick<Pending, "security" | "others"> {
  const lines = [...text.matchAll(/^Inst (\S+) .*$/gm)].map(([line, name = ""]) => ({
    name,
    isSecurity: /security/i.test(line),
  }));
  return {
    security: lines.filter(({ isSecurity }) => isSecurity).map(({ name }) => name),
    others: lines.filter(({ isSecurity }) => !isSecurity).length,
  };
}

async function restartFor(machine: Machine): Promise<readonly string[]> {
  if ((await machine.look("/run/reboot-required")) === undefined) return [];
  const file = await machine.read("/run/reboot-required.pkgs");
  const names = file.kind === "text" ? file.text.split("\n").filter(Boolean) : [];
  return names.length === 0 ? ["some package"] : [...new Set(names)].slice(0, 8);
}
