/**
 * What must follow its files: a daemon that reads them again, rules in the kernel. Each knows one thing, `settle`: make the running
 * system what the files say now. So applying and taking back are the same deed over other files, and repeating it harms nothing.
 */
import type { EffectKind } from "./effect-kinds.ts";
import { must, outputOf, says, type Hands } from "./hands.ts";
import { carriedIn, OWN_UNIT, stateIn } from "./move/carried.ts";
import { haltMoved, moveBack, moveForward } from "./move/effect-move.ts";
import { controlOf } from "./move/former-service.ts";

export interface Effect {
  readonly name: EffectKind;
  /** Which one: a table, a unit, a list of sysctls. Empty where there is only one. */
  readonly of: string;
}

/** `boot`: nothing of it runs yet, the start itself will read the files. */
export type Direction = "forward" | "back" | "boot";

interface Settling {
  readonly of: string;
  /** What `observe` said before the change. */
  readonly before: string;
  readonly direction: Direction;
  /** Taken back after it was proven and stood. */
  readonly isProven?: boolean;
}

interface Kind {
  /** What files do not keep, e.g. whether it ran. */
  observe(hands: Hands, of: string): Promise<string>;
  settle(hands: Hands, settling: Settling): Promise<void>;
  /** What must end before its files are taken back. */
  halt?(hands: Hands): Promise<void>;
  /** What it does going forward, for the plan. */
  shown(of: string): ShownStep | readonly ShownStep[] | undefined;
}

interface ShownStep {
  readonly argv: readonly string[];
  readonly why: string;
}

export const NFT_DIRECTORY = "/etc/clawhold/nft";
const UFW_SETTINGS = "/etc/ufw/ufw.conf";
const UFW_INIT = "/lib/ufw/ufw-init";
/** Where iptables keeps its rules: ufw leaves the tables behind when it goes. */
const ufwTables = ["ip filter", "ip6 filter"] as const;

const isActive = (hands: Hands, unit: string): Promise<boolean> => says(hands, ["systemctl", "is-active", "-q", unit]);
const activity = async (hands: Hands, unit: string): Promise<string> =>
  (await isActive(hands, unit)) ? "active" : "inactive";
const tables = async (hands: Hands): Promise<readonly string[]> =>
  (await outputOf(hands, ["nft", "list", "tables"])).split("\n").map((line) => line.replace(/^table /, ""));

/** `before`: tables, then values of the kernel that ufw sets as it starts; parted by a bar. */
const ufw: Kind = {
  async observe(hands) {
    const had = (await tables(hands)).filter(isUfwTable);
    return `${had.join(",")}|${valuesOf(hands, ufwKeys(hands))}`;
  },
  async settle(hands, { direction, before }) {
    if (direction !== "back") return; // its own commands did it, or its own service will
    if (/^ENABLED=yes/m.test(hands.disk.text(UFW_SETTINGS) ?? "")) {
      await must(hands, ["ufw", "reload"]);
      return;
    }
    await must(hands, [UFW_INIT, "force-stop"]);
    const [had = "", values = ""] = before.split("|");
    const left = (await tables(hands)).filter((table) => isUfwTable(table) && !had.split(",").includes(table));
    for (const table of left) await must(hands, ["nft", "delete", "table", ...table.split(" ")]);
    await setValues(hands, values);
  },
  shown: () => undefined, // its own commands stand in the plan
};

const isUfwTable = (table: string): boolean => ufwTables.some((one) => one === table);

/** `net/ipv4/conf/all/accept_redirects=0`, one a line. */
function ufwKeys({ disk }: Hands): readonly string[] {
  const text = disk.text("/etc/ufw/sysctl.conf") ?? "";
  return [...text.matchAll(/^(net\/[A-Za-z0-9_/.-]+)\s*=/gm)].flatMap(([, key]) => key?.replaceAll("/", ".") ?? []);
}

function valuesOf(hands: Hands, keys: readonly string[]): string {
  return keys
    .map((key) => [key, kernelValue(hands, key)] as const)
    .filter(([, value]) => value !== undefined && /^\S+$/.test(value))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(" ");
}

/** Undefined: this kernel has no such setting. sysctl writes a dot for each slash, and a slash for the dot of a VLAN's name. */
export function kernelValue({ disk }: Hands, key: string): string | undefined {
  return disk.text(`/proc/sys/${key.replaceAll(/[./]/g, (mark) => (mark === "." ? "/" : "."))}`)?.trim();
}

async function setValues(hands: Hands, assignments: string): Promise<void> {
  for (const pair of assignments.split(" ").filter(Boolean)) {
    // One that this kernel lacks, or holds fast, is no reason to give up the others: the proof looks at each.
    await hands.run(["sysctl", "-q", "-w", pair]);
  }
}

const nft: Kind = {
  observe: () => Promise.resolve(""),
  async settle(hands, { of }) {
    const file = `${NFT_DIRECTORY}/${of}.nft`;
    if (hands.disk.text(file) !== undefined) await must(hands, ["nft", "-f", hands.disk.at(file)]);
    else if ((await tables(hands)).includes(`inet ${of}`)) await must(hands, ["nft", "delete", "table", "inet", of]);
  },
  shown: (of) => ({ argv: ["nft", "-f", `${NFT_DIRECTORY}/${of}.nft`], why: "the kernel takes the rules at once" }),
};

/** `of`: assignments, separated by blanks. */
const sysctl: Kind = {
  observe: (hands, of) => Promise.resolve(valuesOf(hands, keysOf(of))),
  async settle(hands, { of, before, direction }) {
    if (direction !== "boot") await setValues(hands, direction === "forward" ? of : before);
  },
  shown: (of) => ({
    argv: ["sysctl", "-w", ...of.split(" ").slice(0, 30)],
    why: "the kernel takes the values at once",
  }),
};

function keysOf(assignments: string): readonly string[] {
  return assignments.split(" ").flatMap((pair) => pair.split("=")[0] ?? []);
}

/** systemd reads its unit files again. */
const units: Kind = {
  observe: () => Promise.resolve(""),
  async settle(hands) {
    await must(hands, ["systemctl", "daemon-reload"]);
  },
  shown: () => ({ argv: ["systemctl", "daemon-reload"], why: "systemd reads its units again" }),
};

/** Never a restart: who is signed in stays so, and a configuration that it would not take is not shown to it. */
const sshd: Kind = {
  observe: () => Promise.resolve(""),
  async settle(hands, { direction }) {
    if (direction === "boot") return;
    await must(hands, ["sshd", "-t"]);
    if (await isActive(hands, "ssh.service")) await must(hands, ["systemctl", "reload", "ssh.service"]);
  },
  shown: () => ({ argv: ["systemctl", "reload", "ssh.service"], why: "sshd reads its settings again; sessions stay" }),
};

/** Where systemd holds SSH's port, sshd never listens: the socket must be made anew, and cannot while the service has it. */
const sshSocket: Kind = {
  observe: (hands) => activity(hands, "ssh.service"),
  async settle(hands, { direction, before }) {
    await must(hands, ["systemctl", "daemon-reload"]);
    if (direction === "boot") return;
    await must(hands, ["systemctl", "stop", "ssh.service"]);
    await must(hands, ["systemctl", "restart", "ssh.socket"]);
    if (before === "active") await must(hands, ["systemctl", "start", "ssh.service"]);
  },
  shown: () => ({
    argv: ["systemctl", "restart", "ssh.socket"],
    why: "systemd listens on the new ports; sessions stay",
  }),
};

const fail2ban: Kind = {
  observe: (hands) => activity(hands, "fail2ban.service"),
  async settle(hands, { direction, before }) {
    if (direction === "boot") return;
    if (direction === "forward" || before === "active") {
      await hands.run(["systemctl", "reset-failed", "fail2ban.service"]);
      await must(hands, ["systemctl", "restart", "fail2ban.service"], { milliseconds: 40_000 });
    } else {
      await must(hands, ["systemctl", "stop", "fail2ban.service"], { milliseconds: 40_000 });
    }
  },
  shown: () => ({ argv: ["systemctl", "restart", "fail2ban.service"], why: "the ban service reads its jails again" }),
};

const journald: Kind = {
  observe: () => Promise.resolve(""),
  async settle(hands, { direction }) {
    if (direction === "boot") return;
    await must(hands, ["systemctl", "restart", "systemd-journald.service"]);
    await hands.run(["journalctl", "--flush"]);
  },
  shown: () => ({
    argv: ["systemctl", "restart", "systemd-journald.service"],
    why: "the system's log reads its settings again",
  }),
};

/** A service that is restarted to take its new confinement; `of`: the unit. */
const service: Kind = {
  observe: (hands, of) => activity(hands, of),
  async settle(hands, { of, before, direction }) {
    await must(hands, ["systemctl", "daemon-reload"]);
    if (direction !== "boot" && before === "active")
      await must(hands, ["systemctl", "restart", of], { milliseconds: 60_000 });
  },
  shown: (of) => ({ argv: ["systemctl", "restart", of], why: "the service starts anew, confined" }),
};

/** `of`: what a move carries, as text. */
const gatewayMove: Kind = {
  observe: () => Promise.resolve(""),
  async settle(hands, { of, direction, isProven = false }) {
    if (direction === "forward") await moveForward(hands, of);
    else await moveBack(hands, of, { direction, isProven });
  },
  halt: haltMoved,
  shown(of) {
    const { former, from, home } = carriedIn(of);
    return [
      { argv: controlOf(former, "stop", former.unit), why: `the gateway of ${former.user} ends` },
      { argv: ["cp", "-a", from, stateIn(home)], why: "its state, for the new user alone; links are copied as links" },
      { argv: ["chmod", "0", from], why: "and owned by root: nobody else reads the former state any more" },
      { argv: ["systemctl", "start", OWN_UNIT], why: "the gateway starts as its own user" },
    ];
  },
};

/** In the order in which they are settled: a firewall that opens comes before the daemon behind it. */
const kinds: Readonly<Record<EffectKind, Kind>> = {
  ufw,
  nft,
  sysctl,
  units,
  sshd,
  "ssh-socket": sshSocket,
  fail2ban,
  journald,
  service,
  "gateway-move": gatewayMove,
};
const order = Object.keys(kinds);

export function sorted<T extends Effect>(effects: readonly T[]): readonly T[] {
  const unique = new Map(effects.map((effect) => [`${effect.name} ${effect.of}`, effect]));
  return [...unique.values()].toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

export const observe = (hands: Hands, { name, of }: Effect): Promise<string> => kinds[name].observe(hands, of);
export const settle = (hands: Hands, name: EffectKind, settling: Settling): Promise<void> =>
  kinds[name].settle(hands, settling);

export const halt = (hands: Hands, name: EffectKind): Promise<void> => kinds[name].halt?.(hands) ?? Promise.resolve();

type Shown = ReturnType<Kind["shown"]>;
export const shown = ({ name, of }: Effect): Shown => kinds[name].shown(of);
