/**
 * The sshd that runs, or that systemd would start for the next visitor: where it listens, and with which options of its command
 * line, because those win over every file.
 */
import type { Machine } from "../../machine.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import { processNamesNow } from "../gateway/process-names.ts";
import { socketsOf, statusOf, type Listen } from "../processes.ts";

export interface Daemon {
  /**
   * `activated`: systemd listens, and starts it at a connection. `down`: it should run and does not. `stopped`: nobody wants it
   * to run. `other`: some other SSH server listens.
   */
  readonly state: "absent" | "stopped" | "down" | "listening" | "activated" | "other";
  readonly listens: readonly Listen[];
  /** For `sshd -T`: the options of the running one that change its configuration. */
  readonly options: readonly string[];
}

const OTHERS = new Set(["dropbear", "tinysshd", "lshd"]);

export async function findDaemon(machine: Machine): Promise<Fact<Daemon>> {
  const names = await processNamesNow(machine);
  const listeners: { pid: number; title: string }[] = [];
  for (const { pid, name } of names) {
    if (name !== "sshd") continue;
    const file = await machine.read(`/proc/${String(pid)}/cmdline`);
    const title = file.kind === "text" ? file.text.replaceAll("\0", " ").trim() : "";
    // Anybody may call his program sshd; only root's opens the door to others. A container's opens the container's.
    const isRoots = isListenerTitle(title) && (await statusOf(machine, pid))?.uid === 0;
    if (isRoots && !(await isElsewhere(machine, pid))) listeners.push({ pid, title });
  }
  const at = machine.now();
  const seen = (value: Daemon, raw: string): Fact<Daemon> =>
    known(value, { level: "runtime", source: "/proc: sshd and its sockets", at, raw });
  if (listeners.length > 0) {
    const listens = (await Promise.all(listeners.map(({ pid }) => socketsOf(machine, pid)))).flat();
    const raw = [
      ...listeners.map(({ title }) => title),
      ...listens.map(({ address, port }) => `${address} ${String(port)}`),
    ];
    const options = optionsOf(listeners[0]?.title ?? "");
    return seen({ state: "listening", listens, options }, raw.join("\n"));
  }
  return resting(machine, { names: names.map(({ name }) => name), seen });
}

/** In another network than ours. What hides its network from us (we are not root) is counted: it may be the host's own. */
async function isElsewhere(machine: Machine, pid: number): Promise<boolean> {
  const [theirs, ours] = await Promise.all(
    [String(pid), "self"].map((one) => machine.linkTarget(`/proc/${one}/ns/net`)),
  );
  return theirs !== undefined && ours !== undefined && theirs !== ours;
}

/** `sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups`, or the command line as it was; never a person's session. */
export function isListenerTitle(title: string): boolean {
  return /^sshd: \S.*\[listener\]/.test(title) || /^(?:\S*\/)?sshd(?: |$)/.test(title);
}

async function resting(
  machine: Machine,
  { names, seen }: { names: readonly string[]; seen: (value: Daemon, raw: string) => Fact<Daemon> },
): Promise<Fact<Daemon>> {
  const units = ["ssh.socket", "sshd.socket", "ssh.service", "sshd.service"];
  const argv = ["systemctl", "show", "--property=Id,ActiveState,UnitFileState,Listen", ...units];
  const ran = await machine.run(argv);
  const text = ran.kind === "ran" && ran.exit === 0 ? ran.stdout : "";
  const blocks = text.split("\n\n").map((block) => new Map(block.split("\n").map((line) => cut(line))));
  const socket = blocks.find(
    (block) => (block.get("Id") ?? "").endsWith(".socket") && block.get("ActiveState") === "active",
  );
  if (socket !== undefined) {
    const listens = listensOf(text);
    return seen({ state: "activated", listens, options: [] }, text);
  }
  const other = names.find((name) => OTHERS.has(name));
  if (other !== undefined) return seen({ state: "other", listens: [], options: [] }, other);
  const binary = await machine.look("/usr/sbin/sshd");
  if (binary === undefined)
    return seen({ state: "absent", listens: [], options: [] }, "no sshd runs, none is installed");
  const isWanted = blocks.some((block) => block.get("UnitFileState") === "enabled" && block.get("Id") !== undefined);
  if (ran.kind !== "ran") return unknown("missing_tool", argv.join(" "));
  return seen({ state: isWanted ? "down" : "stopped", listens: [], options: [] }, text);
}

function cut(line: string): readonly [string, string] {
  const equals = line.indexOf("=");
  return [line.slice(0, equals), line.slice(equals + 1)];
}

/** Of `Listen=[::]:22 (Stream)`: systemd takes IPv4 there too. */
export function listensOf(text: string): readonly Listen[] {
  return [...text.matchAll(/^Listen=(.*)$/gm)].flatMap(([, value = ""]) =>
    [...value.matchAll(/(\S+):(\d{1,5}) \(Stream\)/g)].map(([, address = "", port]) => ({
      address: address.replace(/^\[|\]$/g, ""),
      port: Number(port),
    })),
  );
}

/** Options that change what its configuration comes to; those of the running one are in its title. */
export function optionsOf(title: string): readonly string[] {
  const words = title
    .replace(/^sshd: /, "")
    .replace(/\[listener\].*$/, "")
    .trim()
    .split(/\s+/)
    .slice(1);
  const found: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? "";
    const option = /^-([fop])(.*)$/.exec(word);
    if (option === null) continue;
    const value = option[2] === "" ? (words[(index += 1)] ?? "") : (option[2] ?? "");
    if (value !== "" && !value.startsWith("-")) found.push(`-${option[1] ?? ""}`, value);
  }
  return found;
}
