/** Programs of Debian's that tests use: found, or installed when we are root, or asked for in one sentence. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

interface Wanted {
  /** Debian's package name. */
  readonly name: string;
  /** Its program. */
  readonly path: string;
}

export const CHROMIUM: Wanted = { name: "chromium", path: "/usr/bin/chromium" };
/** Runs a program with another clock. */
export const FAKETIME: Wanted = { name: "faketime", path: "/usr/bin/faketime" };

export const OPENVPN: Wanted = { name: "openvpn", path: "/usr/sbin/openvpn" };
/** WireGuard without a kernel module. */
export const WIREGUARD: Wanted = { name: "wireguard-go", path: "/usr/bin/wireguard-go" };
export const WIREGUARD_TOOLS: Wanted = { name: "wireguard-tools", path: "/usr/bin/wg" };
export const SSHD: Wanted = { name: "openssh-server", path: "/usr/sbin/sshd" };
export const SSH: Wanted = { name: "openssh-client", path: "/usr/bin/ssh" };
export const TESTSSL: Wanted = { name: "testssl.sh", path: "/usr/bin/testssl" };
/** Fills a browser's certificate store. */
export const NSS: Wanted = { name: "libnss3-tools", path: "/usr/bin/certutil" };
export const NFT: Wanted = { name: "nftables", path: "/usr/sbin/nft" };
/** Makes a Debian root file system. */
export const MMDEBSTRAP: Wanted = { name: "mmdebstrap", path: "/usr/bin/mmdebstrap" };
/** Boots one. */
export const NSPAWN: Wanted = { name: "systemd-container", path: "/usr/bin/systemd-nspawn" };
export const NMAP: Wanted = { name: "nmap", path: "/usr/bin/nmap" };
export const LYNIS: Wanted = { name: "lynis", path: "/usr/sbin/lynis" };
export const SSH_AUDIT: Wanted = { name: "ssh-audit", path: "/usr/bin/ssh-audit" };
export const IP: Wanted = { name: "iproute2", path: "/usr/sbin/ip" };

/** Undefined when network namespaces can be made here; otherwise why not. */
export function namespaces(): string | undefined {
  const missing = ensure(IP);
  if (missing !== undefined) return missing;
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const tried = spawnSync("/usr/bin/unshare", ["--net", "/bin/true"]);
  return tried.status === 0 ? undefined : "this kernel or container allows no network namespaces";
}

/** Undefined when the program is there; otherwise why not, with what to type. */
export function ensure({ name, path }: Wanted): string | undefined {
  if (existsSync(path)) return undefined;
  if (!existsSync("/usr/bin/apt-get")) return `no ${name} at ${path}, and this is not Debian`;
  if (process.getuid?.() !== 0) return `no ${name}. Type: sudo apt-get install ${name}`;
  console.log(`Installing ${name} from Debian, which the tests need.`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", name],
  ]) {
    spawnSync("/usr/bin/apt-get", args, { stdio: ["ignore", "ignore", "inherit"], env });
  }
  return existsSync(path) ? undefined : `apt-get could not install ${name}; its reason is above`;
}
