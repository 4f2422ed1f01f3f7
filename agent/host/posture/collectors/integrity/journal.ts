/** Where the system's log is kept, and for how long: systemd's own settings put together, and the file that it really writes. */
import type { Machine } from "../../machine.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import { processNamesNow } from "../gateway/process-names.ts";

export interface Journal {
  /** As set: `auto` keeps it where there is a directory for it. */
  readonly storage: string;
  /** journald has a file on disk open: it survives a restart. */
  readonly isOnDisk: boolean;
  /** Seconds after which it is deleted; 0: said to be never; undefined: nobody said. */
  readonly retentionSeconds?: number;
  /** Bytes that it may take; undefined: a share of the disk. */
  readonly maxUse?: number;
}

const SECONDS: Readonly<Record<string, number>> = {
  "": 1,
  s: 1,
  sec: 1,
  second: 1,
  m: 60,
  min: 60,
  minute: 60,
  h: 3_600,
  hr: 3_600,
  hour: 3_600,
  d: 86_400,
  day: 86_400,
  w: 604_800,
  week: 604_800,
  M: 2_629_800,
  month: 2_629_800,
  y: 31_557_600,
  year: 31_557_600,
};
const BYTES: Readonly<Record<string, number>> = { "": 1, K: 1 << 10, M: 1 << 20, G: 1 << 30, T: 2 ** 40 };

export async function readJournal(machine: Machine): Promise<Fact<Journal>> {
  const argv = ["systemd-analyze", "cat-config", "systemd/journald.conf"];
  const ran = await machine.run(argv);
  if (ran.kind !== "ran") return unknown(ran.kind === "missing" ? "missing_tool" : "timeout", argv.join(" "));
  if (ran.exit !== 0) return unknown("failed", argv.join(" "));
  const settings = settingsOf(ran.stdout);
  const files = await openFiles(machine);
  if (files === undefined) return unknown(machine.isRoot ? "not_visible" : "not_root", "/proc/<journald>/fd");
  const isOnDisk = files.some((path) => path.startsWith("/var/log/journal/"));
  const retentionSeconds = secondsOf(settings.get("MaxRetentionSec"));
  const maxUse = bytesOf(settings.get("SystemMaxUse"));
  const value: Journal = {
    storage: settings.get("Storage") ?? "auto",
    isOnDisk,
    ...(retentionSeconds === undefined ? {} : { retentionSeconds }),
    ...(maxUse === undefined ? {} : { maxUse }),
  };
  const said = [...settings].map(([name, text]) => `${name}=${text}`);
  const excerpt = [...said, `journald writes ${files.find((path) => path.includes("/journal/")) ?? "no file"}`].join(
    "\n",
  );
  const source = `${argv.join(" ")}; files that journald has open`;
  return known(value, { level: "runtime", source, at: machine.now(), raw: excerpt });
}

/** Of [Journal]; the last one that says something wins, and an empty value takes it back. */
export function settingsOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let isJournal = false;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    if (/^\[.*\]$/.test(line)) isJournal = line === "[Journal]";
    const [name = "", ...value] = line.split("=");
    if (!isJournal || value.length === 0 || /^[#;]/.test(line)) continue;
    const said = value.join("=").trim();
    if (said === "") found.delete(name.trim());
    else found.set(name.trim(), said);
  }
  return found;
}

/** `1year 2weeks`, `90d`, `infinity`; undefined: not said, or not understood. */
export function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === "infinity" || text === "0") return 0;
  let total = 0;
  const parts = [...text.matchAll(/(\d+)\s*([A-Za-z]*)\s*/g)];
  if (parts.map(([part]) => part).join("") !== text) return undefined;
  for (const [, number = "", unit = ""] of parts) {
    const factor = SECONDS[unit] ?? SECONDS[unit.replace(/s$/, "")];
    if (factor === undefined) return undefined;
    total += Number(number) * factor;
  }
  return parts.length === 0 ? undefined : total;
}

export function bytesOf(text: string | undefined): number | undefined {
  const found = /^(\d+)([KMGT]?)$/.exec(text ?? "");
  return found === null ? undefined : Number(found[1]) * (BYTES[found[2] ?? ""] ?? 1);
}

/** Undefined: no journald, or not to be looked into. */
async function openFiles(machine: Machine): Promise<readonly string[] | undefined> {
  const journald = (await processNamesNow(machine)).find(({ name }) => name === "systemd-journal");
  if (journald === undefined) return undefined;
  const directory = `/proc/${String(journald.pid)}/fd`;
  const names = await machine.list(directory);
  if (names === undefined) return undefined;
  const targets = await Promise.all(names.map((name) => machine.linkTarget(`${directory}/${name}`)));
  return targets.flatMap((target) => (target?.includes("/journal/") === true ? [target] : []));
}

export interface Clock {
  readonly isSynchronised: boolean;
}

/** What systemd's own time service touches each time that it has the time. */
const TOUCHED = "/run/systemd/timesync/synchronized";
const FRESH_SECONDS = 86_400;

export async function readClock(machine: Machine): Promise<Fact<Clock>> {
  const argv = ["timedatectl", "show", "--property=NTPSynchronized", "--property=NTP"];
  const [ran, touched] = await Promise.all([machine.run(argv), machine.look(TOUCHED)]);
  const isFresh = touched !== undefined && machine.now() - touched.modified < FRESH_SECONDS;
  if (!isFresh && (ran.kind !== "ran" || ran.exit !== 0)) return unknown("missing_tool", argv.join(" "));
  const said = ran.kind === "ran" ? ran.stdout : "";
  const isSynchronised = isFresh || /^NTPSynchronized=yes$/m.test(said);
  const raw = `${said.trim()}\n${TOUCHED} ${touched === undefined ? "is not there" : isFresh ? "is fresh" : "is old"}`;
  return known({ isSynchronised }, { level: "runtime", source: argv.join(" "), at: machine.now(), raw });
}
