/** WireGuard without a kernel module, and OpenVPN, between the two machines: each end started and ended on its own. */
import { existsSync, writeFileSync } from "node:fs";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { withDeathSignal } from "../../agent/shared/death-signal.ts";
import { inNamespace, interfaceOf, ip, MACHINES, namespaceOf, UNDERLAY, type MachineName } from "./machines.ts";

export interface Vpn {
  readonly name: string;
  /** On the edge's machine. */
  readonly interface: string;
  readonly addresses: Readonly<Record<MachineName, string>>;
  /** Of the edge's machine, where this VPN carries it. */
  readonly v6: string | undefined;
  up(machine: MachineName): Promise<void>;
  down(machine: MachineName): Promise<void>;
}

type Ends = Partial<Record<MachineName, ChildProcess>>;

function other(machine: MachineName): MachineName {
  return machine === "edge" ? "host" : "edge";
}

export function wireguard(directory: string): Vpn {
  const addresses = { edge: "10.9.0.1", host: "10.9.0.2" };
  const keys = Object.fromEntries(MACHINES.map((name) => [name, wireguardKeys(directory, name)])) as Readonly<
    Record<MachineName, { readonly file: string; readonly publicKey: string }>
  >;
  const ends: Ends = {};
  return {
    name: "WireGuard",
    interface: interfaceOf("wg", "edge"),
    addresses,
    v6: "fd09::1",
    async up(machine) {
      const device = interfaceOf("wg", machine);
      const namespace = namespaceOf(machine);
      ends[machine] = start(namespace, "/usr/bin/wireguard-go", ["-f", device]);
      await until(() => existsSync(`/var/run/wireguard/${device}.sock`));
      const peer = other(machine);
      const us = ["private-key", keys[machine].file, "listen-port", "51820"];
      const them = ["peer", keys[peer].publicKey, "endpoint", `${UNDERLAY[peer]}:51820`];
      const inside = `${addresses[peer]}/32,fd09::/64`;
      inNamespace(namespace, "/usr/bin/wg", "set", device, ...us, ...them, "allowed-ips", inside);
      ip("-n", namespace, "address", "add", `${addresses[machine]}/24`, "dev", device);
      ip("-n", namespace, "address", "add", machine === "edge" ? "fd09::1/64" : "fd09::2/64", "dev", device, "nodad");
      ip("-n", namespace, "link", "set", device, "up");
    },
    down: (machine) => stop(ends, machine),
  };
}

function wireguardKeys(directory: string, name: string): { readonly file: string; readonly publicKey: string } {
  const key = inNamespace(undefined, "/usr/bin/wg", "genkey");
  const file = path.join(directory, `${name}.wg`);
  writeFileSync(file, key, { mode: 0o600 });
  const { stdout } = spawnSync("/usr/bin/wg", ["pubkey"], { input: key, encoding: "utf8" });
  return { file, publicKey: stdout.trim() };
}

/** Two certificates, each pinned by its fingerprint at the other end; no authority. */
export function openvpn(directory: string): Vpn {
  const addresses = { edge: "10.8.0.1", host: "10.8.0.2" };
  const fingerprints = Object.fromEntries(MACHINES.map((name) => [name, openvpnPair(directory, name)])) as Readonly<
    Record<MachineName, string>
  >;
  const ends: Ends = {};
  return {
    name: "OpenVPN",
    interface: interfaceOf("tun", "edge"),
    addresses,
    v6: undefined,
    async up(machine) {
      const peer = other(machine);
      const device = interfaceOf("tun", machine);
      const role = machine === "edge" ? ["--tls-server", "--dh", "none"] : ["--tls-client"];
      const line = [
        "--dev",
        device,
        "--dev-type",
        "tun",
        "--proto",
        "udp",
        "--port",
        "1194",
        "--remote",
        UNDERLAY[peer],
      ];
      const pair = ["--cert", path.join(directory, `${machine}.crt`), "--key", path.join(directory, `${machine}.key`)];
      const trust = ["--peer-fingerprint", fingerprints[peer], "--data-ciphers", "AES-256-GCM", "--reneg-sec", "0"];
      const lives = ["--ping", "1", "--ping-restart", "3", "--connect-retry", "1", "2", "--verb", "1"];
      const inside = ["--ifconfig", addresses[machine], addresses[peer]];
      const words = [...line, ...inside, ...role, ...pair, ...trust, ...lives];
      ends[machine] = start(namespaceOf(machine), "/usr/sbin/openvpn", words);
      await until(() => hasAddress(namespaceOf(machine), device));
    },
    down: (machine) => stop(ends, machine),
  };
}

function openvpnPair(directory: string, name: string): string {
  const certificate = path.join(directory, `${name}.crt`);
  const key = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-keyout",
    path.join(directory, `${name}.key`),
  ];
  inNamespace(
    undefined,
    "/usr/bin/openssl",
    "req",
    "-x509",
    ...key,
    "-out",
    certificate,
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
  );
  const shown = inNamespace(
    undefined,
    "/usr/bin/openssl",
    "x509",
    "-in",
    certificate,
    "-noout",
    "-fingerprint",
    "-sha256",
  );
  return shown.split("=")[1]?.trim() ?? "";
}

function hasAddress(namespace: string, device: string): boolean {
  const { stdout } = spawnSync("/usr/sbin/ip", ["-n", namespace, "-o", "-4", "address", "show", "dev", device, "up"], {
    encoding: "utf8",
  });
  return stdout.includes("inet ");
}

function start(namespace: string, program: string, parameters: readonly string[]): ChildProcess {
  const entered = [`--net=/run/netns/${namespace}`, program, ...parameters];
  const [file, rest] = withDeathSignal("/usr/bin/nsenter", entered);
  return spawn(file, [...rest], { stdio: "ignore", env: { PATH: process.env["PATH"] ?? "" } });
}

async function stop(ends: Ends, machine: MachineName): Promise<void> {
  const child = ends[machine];
  delete ends[machine];
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await over;
}

export async function until(check: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!check()) {
    if (performance.now() > end) throw new Error("waited in vain for a VPN");
    await wait(20);
  }
}
