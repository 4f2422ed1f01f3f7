/**
 * Files that give rights or decide what runs, walked by `find` over the machine's own disks: never into what is mounted from
 * elsewhere, nor into containers' layers, which have their own users.
 */
import type { Machine, Ran } from "../../machine.ts";
import { compare, MAX_NAMED as MAX_NAMED_DRIFT, type BaselineName, type Drift, type Listing } from "../../baseline.ts";
import { known, unknown, type Fact } from "../../fact.ts";
import { packaged } from "./packaged.ts";

export interface Walk {
  readonly setuid: readonly FoundFile[];
  /** Files and directories that everybody can write, without the sticky bit. */
  readonly writable: readonly string[];
}

export interface FoundFile {
  readonly path: string;
  /** Octal, with the bits that make it run as somebody else. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
}

const LOCAL = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs", "overlay", "bcachefs"]);
/** Layers of containers and images of packages: other machines' files, as it were. */
const SKIPPED = [
  ..."/proc /sys /dev /run /snap /var/lib/docker /var/lib/containers /var/lib/containerd /var/lib/lxc".split(" "),
  ..."/var/lib/lxd /var/lib/incus /var/lib/machines /var/lib/kubelet /var/snap".split(" "),
];
/** Where everybody may write by design, and what lies there is nobody's to run. */
const SHARED = ["/tmp", "/var/tmp"];
const WALK_MILLISECONDS = 10_000;
const HASH_MILLISECONDS = 8_000;
const MAX_OUTPUT_BYTES = 8 << 20;
const PATHS_AT_ONCE = 400;
const MAX_FILES = 20_000;
const MAX_NAMED = 200;

export async function walk(machine: Machine): Promise<Fact<Walk>> {
  const mounts = await machine.read("/proc/self/mountinfo");
  const roots = mounts.kind === "text" ? localRoots(mounts.text) : [];
  if (roots.length === 0) return unknown("not_visible", "/proc/self/mountinfo names no disk of this machine");
  const source = `find ${roots.join(" ")} -xdev -perm /6000 -o -perm -0002`;
  const ran = await machine.run(findArguments(roots), { milliseconds: WALK_MILLISECONDS, maxBytes: MAX_OUTPUT_BYTES });
  if (ran.kind !== "ran") return unknown(ran.kind === "missing" ? "missing_tool" : "timeout", source);
  const value = parseFound(ran.stdout);
  const excerpt = `${String(value.setuid.length)} run as somebody else; ${String(value.writable.length)} can be written by everybody`;
  const fact = known(value, { level: "runtime", source, at: machine.now(), raw: ran.stdout, excerpt, exit: ran.exit });
  // Without root much is closed, and `find` says so by its code.
  return machine.isRoot ? fact : { ...fact, gap: { why: "not_root", source } };
}

/** Places where a disk of this machine is mounted, the root first. */
export function localRoots(mountinfo: string): readonly string[] {
  const found = mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const place = (before.split(" ")[4] ?? "").replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const type = after.split(" ")[0] ?? "";
    const isSkipped = SKIPPED.some((path) => place === path || place.startsWith(`${path}/`));
    return place.startsWith("/") && LOCAL.has(type) && !isSkipped ? [place] : [];
  });
  return [...new Set(found)].toSorted();
}

function findArguments(roots: readonly string[]): readonly string[] {
  const prune = [...SKIPPED, ...SHARED].flatMap((path, index) => [...(index === 0 ? [] : ["-o"]), "-path", path]);
  const setuid = ["-type", "f", "-perm", "/6000"];
  const files = ["-type", "f", "-perm", "-0002"];
  const directories = ["-type", "d", "-perm", "-0002", "!", "-perm", "-1000"];
  const what = ["(", ...setuid, "-o", ...files, "-o", ...directories, ")", "-printf", String.raw`%m %U %G %p\0`];
  return ["find", ...roots, "-xdev", "(", ...prune, ")", "-prune", "-o", ...what];
}

export function parseFound(text: string): Walk {
  const all = text.split("\0").flatMap((entry): readonly FoundFile[] => {
    const found = /^([0-7]{1,4}) (\d+) (\d+) (\/[\s\S]*)$/.exec(entry);
    if (found === null) return [];
    const [, mode = "", uid = "", gid = "", path = ""] = found;
    return [{ mode: mode.padStart(4, "0"), uid: Number(uid), gid: Number(gid), path }];
  });
  const bits = ({ mode }: FoundFile): number => Number.parseInt(mode, 8);
  return {
    setuid: all.filter((one) => (bits(one) & 0o6000) !== 0),
    writable: all
      .filter((one) => (bits(one) & 0o002) !== 0)
      .map(({ path }) => path)
      .slice(0, MAX_NAMED),
  };
}

export interface Place {
  readonly machine: Machine;
  readonly directory: string | undefined;
}

/** Each with its mode, owners and content, against those that were approved. */
export async function setuidDrift({ machine, directory }: Place, fact: Fact<Walk>): Promise<Fact<Drift>> {
  if (fact.kind === "unknown") return fact;
  if (fact.gap !== undefined) return unknown(fact.gap.why, fact.gap.source);
  const hashes = await hashesOf(
    machine,
    fact.value.setuid.map(({ path }) => path),
  );
  if (hashes === undefined) return unknown("timeout", "sha256sum of setuid programs");
  const listing: Listing = Object.fromEntries(
    fact.value.setuid.map(({ path, mode, uid, gid }) => [
      path,
      `${mode} ${String(uid)}:${String(gid)} ${hashes.get(path) ?? "unread"}`,
    ]),
  );
  return compareNow(
    { machine, directory },
    { name: "setuid", listing, source: "setuid and setgid programs, against those approved" },
  );
}

/** What decides what runs: settings, services of the machine, programs of its own, and the gateway's package. */
const WATCHED = [
  "/etc",
  "/usr/local/bin",
  "/usr/local/sbin",
  "/usr/local/lib/systemd",
  "/usr/lib/systemd/system",
] as const;
/** Written by the system itself, day by day, or no settings. */
const MOVING = [
  ..."/etc/adjtime /etc/mtab /etc/resolv.conf /etc/ld.so.cache /etc/machine-id /etc/.pwd.lock".split(" "),
  ..."/etc/passwd- /etc/shadow- /etc/group- /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.updated".split(" "),
];

export async function filesDrift({ machine, directory }: Place, packages: readonly string[]): Promise<Fact<Drift>> {
  const roots = [...WATCHED, ...packages];
  const present = (
    await Promise.all(roots.map(async (path) => ((await machine.look(path)) === undefined ? [] : [path])))
  ).flat();
  const source = `sha256, mode and owner of ${present.join(", ")}`;
  if (!machine.isRoot) return unknown("not_root", source);
  const argv = [
    "find",
    ...present,
    "-xdev",
    "(",
    "-type",
    "f",
    "-o",
    "-type",
    "l",
    ")",
    "-printf",
    String.raw`%y %m %U %G %l\t%p\0`,
  ];
  const ran = await machine.run(argv, { milliseconds: WALK_MILLISECONDS, maxBytes: MAX_OUTPUT_BYTES });
  if (ran.kind !== "ran") return unknown(ran.kind === "missing" ? "missing_tool" : "timeout", source);
  const found = parseListed(ran).filter(({ path }) => !MOVING.includes(path));
  if (found.length > MAX_FILES) return unknown("failed", `${source}: more than ${String(MAX_FILES)} files`);
  const hashes = await hashesOf(
    machine,
    found.filter(({ isFile }) => isFile).map(({ path }) => path),
  );
  if (hashes === undefined) return unknown("timeout", source);
  const listing: Listing = Object.fromEntries(
    found.map(({ path, facts }) => [path, `${facts} ${hashes.get(path) ?? ""}`]),
  );
  const fact = compareNow({ machine, directory }, { name: "files", listing, source });
  return fact.kind === "known"
    ? { ...fact, value: await withoutUpdates(machine, { drift: fact.value, listing }) }
    : fact;
}

/** Plain files of root's that nobody else can write; what an update changed is as its package says. */
const PLAIN = /^f (?:644|755|600|640|444|555|440) 0 \d+(?: |$)/;

async function withoutUpdates(
  machine: Machine,
  { drift, listing }: { readonly drift: Drift; readonly listing: Listing },
): Promise<Drift> {
  const moved = [...drift.added, ...drift.changed];
  // Of a longer list not all are named: then nothing is taken out of it.
  if (drift.added.length >= MAX_NAMED_DRIFT || drift.changed.length >= MAX_NAMED_DRIFT) return drift;
  const intact = await packaged(
    machine,
    moved.filter((path) => PLAIN.test(listing[path] ?? "")),
  );
  const rest = (paths: readonly string[]): readonly string[] => paths.filter((path) => !intact.has(path));
  return { ...drift, added: rest(drift.added), changed: rest(drift.changed) };
}

interface Listed {
  readonly path: string;
  readonly isFile: boolean;
  /** Kind, mode, owners, and where a link leads. */
  readonly facts: string;
}

function parseListed(ran: Extract<Ran, { kind: "ran" }>): readonly Listed[] {
  return ran.stdout.split("\0").flatMap((entry) => {
    const cut = entry.indexOf("\t");
    if (cut < 0) return [];
    return [{ path: entry.slice(cut + 1), isFile: entry.startsWith("f"), facts: entry.slice(0, cut).trim() }];
  });
}

function compareNow(
  { machine, directory }: Place,
  { name, listing, source }: { readonly name: BaselineName; readonly listing: Listing; readonly source: string },
): Fact<Drift> {
  return compare({ directory, name, listing, seen: { level: "runtime", source, at: machine.now() } });
}

/** Undefined: not all could be read in time. A file that is gone meanwhile has none. */
async function hashesOf(machine: Machine, paths: readonly string[]): Promise<ReadonlyMap<string, string> | undefined> {
  const found = new Map<string, string>();
  for (let from = 0; from < paths.length; from += PATHS_AT_ONCE) {
    const argv = ["sha256sum", "--binary", "--zero", "--", ...paths.slice(from, from + PATHS_AT_ONCE)];
    const ran = await machine.run(argv, { milliseconds: HASH_MILLISECONDS });
    if (ran.kind !== "ran") return undefined;
    for (const entry of ran.stdout.split("\0")) {
      const line = /^([0-9a-f]{64}) [ *]([\s\S]+)$/.exec(entry);
      if (line !== null) found.set(line[2] ?? "", line[1] ?? "");
    }
  }
  return found;
}
