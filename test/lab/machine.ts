/**
 * A rented server without hardware: Debian with systemd as PID 1 (systemd-nspawn), a disk of its own (a layer over the
 * shared root file system, which outlives a power cut), and a network namespace for its cable. Docs: decision 0046.
 *
 * `run` starts programs inside by nsenter: argument lists, never a shell, and outside of every service's confinement.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { withDeathSignal } from "../../agent/shared/death-signal.ts";
import { labName, machineDirectory, makeControlGroup, removeMachine, removeTraces } from "./leftovers.ts";
import type { Network } from "./network.ts";
import { must, run, type Ended, type RunOptions } from "./process.ts";
import { OWNER, rootFileSystem, type Release } from "./root-file-system.ts";

const NSPAWN = "/usr/bin/systemd-nspawn";
/** nspawn's way to say that the machine wants to start again. */
const CODE_REBOOT = 133;
const START_SECONDS = 60;
const LOOK_MILLISECONDS = 20;
/** SIGRTMIN+4 of PID 1: systemd's poweroff.target. Node knows no real-time signals by name. */
const SIGNAL_POWER_OFF = "-RTMIN+4";

export interface MachinePlan {
  readonly network: Network;
  readonly server?: "host" | "next";
  readonly release?: Release;
  /** A small disk that can be filled; in memory, and kept over reboots. */
  readonly diskMegabytes?: number;
  /** Directories of ours that it sees, and cannot write. */
  readonly shown?: readonly { readonly from: string; readonly at: string }[];
}

export interface BootOptions {
  /** False: a server whose provider does not let its systemd use bpf(), like most containers that are rented. */
  readonly bpf?: boolean;
}

export interface InsideOptions extends RunOptions {
  readonly user?: string;
}

/** nspawn makes two groups below its own, always of the same names: so each machine's starts in a group of its own. */
const ENTER_GROUP = 'echo $$ > "$1/cgroup.procs" && shift && exec "$@"';
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };

export class Machine {
  readonly release: Release;
  readonly server: "host" | "next";
  readonly network: Network;
  /** What keys, console and disk of this machine are in; not visible inside. */
  readonly directory: string;
  /** Its whole file system while it is off, and all but /run and /tmp while it runs. Beware of absolute links. */
  readonly root: string;
  /** What was changed since the root file system was made, as overlayfs keeps it. */
  readonly changes: string;
  /** The owner's private key: `ssh -i`. */
  readonly ownerKey: string;
  readonly #shown: NonNullable<MachinePlan["shown"]>;
  #nspawn: ChildProcess | undefined;
  #off: Promise<number> = Promise.resolve(0);
  #init = 0;

  private constructor(plan: MachinePlan) {
    this.release = plan.release ?? defaultRelease();
    this.server = plan.server ?? "host";
    this.network = plan.network;
    this.#shown = plan.shown ?? [];
    this.directory = machineDirectory(this.server);
    this.root = path.join(this.directory, "root");
    this.changes = path.join(this.directory, "disk", "changes");
    this.ownerKey = path.join(this.directory, "owner-key");
  }

  /** A new disk; not started. */
  static async make(plan: MachinePlan): Promise<Machine> {
    const machine = new Machine(plan);
    try {
      await machine.#makeDisk(plan.diskMegabytes);
      await machine.#makeKeys();
    } catch (error) {
      await machine.remove();
      throw error;
    }
    return machine;
  }

  /** Makes one and starts it. */
  static async started(plan: MachinePlan): Promise<Machine> {
    const machine = await Machine.make(plan);
    try {
      await machine.boot();
    } catch (error) {
      await machine.remove();
      throw error;
    }
    return machine;
  }

  async #makeDisk(megabytes: number | undefined): Promise<void> {
    const lower = rootFileSystem(this.release);
    if (lower === undefined) throw new Error(`no Debian ${this.release} yet. Type: node test/lab/prepare.ts`);
    removeMachine(this.directory);
    const disk = path.join(this.directory, "disk");
    mkdirSync(disk, { recursive: true });
    if (megabytes !== undefined)
      await must(["/usr/bin/mount", "-t", "tmpfs", "-o", `size=${String(megabytes)}m,mode=755`, "tmpfs", disk]);
    const work = path.join(disk, "work");
    for (const directory of [this.changes, work, this.root]) mkdirSync(directory, { mode: 0o755 });
    const options = `lowerdir=${lower},upperdir=${this.changes},workdir=${work}`;
    await must(["/usr/bin/mount", "-t", "overlay", "-o", options, "overlay", this.root]);
  }

  async #makeKeys(): Promise<void> {
    const keygen = "/usr/bin/ssh-keygen";
    await must([keygen, "-q", "-A", "-f", this.root]);
    await must([keygen, "-q", "-t", "ed25519", "-N", "", "-C", OWNER, "-f", this.ownerKey]);
    const key = readFileSync(`${this.ownerKey}.pub`);
    for (const home of ["root", `home/${OWNER}`]) {
      const directory = path.join(this.root, home, ".ssh");
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(path.join(directory, "authorized_keys"), key, { mode: 0o600 });
    }
    const home = path.join("/home", OWNER);
    await must(["/usr/sbin/chroot", this.root, "/usr/bin/chown", "-R", `${OWNER}:${OWNER}`, home]);
    writeFileSync(path.join(this.root, "etc/hostname"), `${this.server}\n`);
    writeFileSync(path.join(this.root, "etc/hosts"), `127.0.0.1 localhost\n127.0.1.1 ${this.server}\n`);
  }

  get isOn(): boolean {
    return this.#nspawn !== undefined;
  }

  /** Resolves to systemd's own word for how it came up: "running" or "degraded". */
  async boot(options: BootOptions = {}): Promise<string> {
    if (this.#nspawn !== undefined) throw new TypeError("it runs");
    const namespace = this.network.plugIn(this.server);
    const group = makeControlGroup(this.#name);
    const inGroup = ["-c", ENTER_GROUP, "sh", group, NSPAWN, ...this.#nspawnArguments(namespace, options)];
    const [file, argv] = withDeathSignal("/bin/sh", inGroup);
    const child = spawn(file, [...argv], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      // Sysctls of the network are its own; a pure cgroup2 tree as on a server of today.
      env: {
        PATH: "/usr/sbin:/usr/bin",
        SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network",
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1",
      },
    });
    const log = createWriteStream(path.join(this.directory, "console.log"), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    this.#nspawn = child;
    this.#off = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        this.#nspawn = undefined;
        this.#init = 0;
        log.end();
        this.network.unplug(this.server);
        removeTraces(this.#name);
        resolve(code ?? -1);
      });
    });
    return this.#ready(child);
  }

  get #name(): string {
    return labName(this.server);
  }

  #nspawnArguments(namespace: string, { bpf = true }: BootOptions): readonly string[] {
    const machine = ["-D", this.root, "--boot", "--register=no", "--keep-unit", "--quiet", "--console=pipe"];
    const name = [`--machine=${this.#name}`, `--hostname=${this.server}`, "--resolv-conf=off", "--timezone=off"];
    // A real server's systemd may use bpf(): without it IPAddressDeny= and SocketBindDeny= silently do nothing (T10).
    const may = bpf ? ["--capability=all", "--system-call-filter=bpf @keyring"] : ["--capability=CAP_NET_ADMIN"];
    const shown = this.#shown.map(({ from, at }) => `--bind-ro=${from}:${at}`);
    return [...machine, ...name, ...shown, `--network-namespace-path=/run/netns/${namespace}`, ...may];
  }

  async #ready(child: ChildProcess): Promise<string> {
    const until = performance.now() + START_SECONDS * 1_000;
    while (performance.now() < until) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      if (this.#init === 0) this.#init = initOf(child.pid ?? 0);
      if (this.#init !== 0) {
        // Waits by itself for the end of the start; until systemd listens there is nobody to ask.
        const { stdout } = await this.run(["/usr/bin/systemctl", "is-system-running", "--wait"]);
        const state = stdout.trim();
        if (state === "running" || state === "degraded" || state === "maintenance") return state;
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
    const log = readFileSync(path.join(this.directory, "console.log"), "utf8");
    await this.kill();
    throw new Error(`the machine did not start:\n${log.split("\n").slice(-30).join("\n")}`);
  }

  /** A program inside, to its end. */
  run(argv: readonly string[], options: InsideOptions = {}): Promise<Ended> {
    return run(this.entering(argv, options.user), {
      ...options,
      environment: { ...ENVIRONMENT, ...options.environment },
    });
  }

  /** As `run`, of a program that must like it; resolves to its standard output. */
  must(argv: readonly string[], options: InsideOptions = {}): Promise<string> {
    return must(this.entering(argv, options.user), {
      ...options,
      environment: { ...ENVIRONMENT, ...options.environment },
    });
  }

  /** The same program as this machine outside of the lab would start it: for whoever needs the running process. */
  entering(argv: readonly string[], user?: string): readonly string[] {
    if (this.#init === 0) throw new TypeError("the machine is off");
    const as = user === undefined ? [] : ["/usr/sbin/runuser", "-u", user, "--"];
    return ["/usr/bin/nsenter", "-t", String(this.#init), "-m", "-u", "-i", "-n", "-p", "-C", "--", ...as, ...argv];
  }

  async read(file: string): Promise<string> {
    return this.must(["/usr/bin/cat", "--", file]);
  }

  /** Replaces its content in place; directories above are made. */
  async write(file: string, content: string | Uint8Array, mode = "0644"): Promise<void> {
    await this.must(["/usr/bin/mkdir", "-p", "--", path.dirname(file)]);
    await this.must(["/usr/bin/dd", `of=${file}`, "status=none"], { input: content });
    await this.must(["/usr/bin/chmod", mode, "--", file]);
  }

  async delete(...files: readonly string[]): Promise<void> {
    await this.must(["/usr/bin/rm", "-rf", "--", ...files]);
  }

  /** A directory of ours with all that is in it, links followed, root's inside. */
  async copyIn(from: string, to: string): Promise<void> {
    const { bytes, code, stderr } = await run(["/usr/bin/tar", "-C", from, "-chf", "-", "."]);
    if (code !== 0) throw new Error(stderr);
    await this.must(["/usr/bin/mkdir", "-p", to]);
    await this.must(["/usr/bin/tar", "-C", to, "--no-same-owner", "-xf", "-"], { input: bytes });
  }

  /** Resolves when it is off: how nspawn ended. */
  get off(): Promise<number> {
    return this.#off;
  }

  /** Starts again as a person would do it, and resolves when it is up. */
  async reboot(): Promise<string> {
    const { code, stderr } = await this.run(["/usr/bin/systemctl", "reboot"]);
    // It may take the program that asked for it down with everything else.
    if (code > 0) throw new Error(`systemctl reboot: ${stderr}`);
    const ended = await this.#off;
    if (ended !== CODE_REBOOT) throw new Error(`the machine went down with code ${String(ended)}, not to start again`);
    return this.boot();
  }

  /** A power cut: every process is killed at once, and memory, /run, addresses and rules are gone. */
  async kill(): Promise<void> {
    if (this.#init !== 0) process.kill(this.#init, "SIGKILL");
    else this.#nspawn?.kill("SIGKILL");
    await this.#off;
  }

  /** Off by the power button. */
  async halt(): Promise<void> {
    if (this.#init === 0) return;
    await must(["/usr/bin/kill", SIGNAL_POWER_OFF, String(this.#init)]);
    await this.#off;
  }

  /** The end of it, disk and all. */
  async remove(): Promise<void> {
    await this.kill();
    removeMachine(this.directory);
  }
}

/** CLAWHOLD_LAB_RELEASE, else Debian 12. */
export function defaultRelease(): Release {
  const named = process.env["CLAWHOLD_LAB_RELEASE"];
  return named === "trixie" ? "trixie" : "bookworm";
}

/** PID 1 of the machine: the one below nspawn that has number 1 in a namespace of its own; 0 while there is none. */
function initOf(nspawn: number): number {
  for (const pid of childrenOf(nspawn)) {
    if (/^NSpid:\s+\d+\s+1$/m.test(readStatus(pid))) return Number(pid);
    const below = initOf(Number(pid));
    if (below !== 0) return below;
  }
  return 0;
}

function childrenOf(pid: number): readonly string[] {
  try {
    const threads = readdirSync(`/proc/${String(pid)}/task`);
    return threads.flatMap((thread) => {
      return readFileSync(`/proc/${String(pid)}/task/${thread}/children`, "utf8")
        .split(" ")
        .filter(Boolean);
    });
  } catch {
    return []; // gone
  }
}

function readStatus(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return ""; // gone
  }
}
