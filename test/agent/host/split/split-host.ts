/**
 * A host as it is installed: link, reader and warden as three processes with three users, below a directory of its own. The
 * part of systemd is played by `systemd-socket-activate`, which starts a process when somebody speaks to its socket; the
 * warden has a network namespace with nothing in it, as PrivateNetwork= gives it. Needs root.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { AGENT_FLAGS } from "../../../../agent/cli/up/agent-process.ts";
import { hostLayout, USERS, type HostLayout } from "../../../../agent/host/units/layout.ts";
import { ownership } from "../../../../agent/host/units/ownership.ts";

const ACTIVATE = "/usr/bin/systemd-socket-activate";
const QUIET_SECONDS = 4;
/** Nobody on this machine has these. */
export const LINK_UID = 61_001;
export const READER_UID = 61_002;

const UIDS: Readonly<Record<string, number>> = {
  [USERS.warden]: 0,
  [USERS.link]: LINK_UID,
  [USERS.reader]: READER_UID,
};

/** Whether this machine can play it. */
export function canSplit(): boolean {
  return process.getuid?.() === 0 && existsSync(ACTIVATE) && spawnSync("unshare", ["--net", "true"]).status === 0;
}

export type LogLine = Readonly<Record<string, unknown>>;
export type Role = "link" | "reader" | "warden";

export interface SplitOptions {
  /** The built agent. */
  readonly program: string;
  /** Where the gateway listens; absent: there is none. */
  readonly gatewayPort?: number;
  readonly onLog: (line: LogLine, role: Role) => void;
  readonly environment?: Readonly<Record<string, string>>;
  readonly isLinkAbsent?: boolean;
}

/** The directory tree of a host that has not joined yet. */
export function makeRoot(): string {
  const root = mkdtempSync(path.join(tmpdir(), "clawhold-split-"));
  chmodSync(root, 0o711);
  const layout = hostLayout({ root });
  for (const directory of [layout.data, layout.state, layout.run, layout.wardenRuntime])
    mkdirSync(directory, { recursive: true, mode: 0o755 });
  for (const directory of [layout.data, layout.state]) chmodSync(directory, 0o711);
  chmodSync(layout.wardenRuntime, 0o700);
  return root;
}

/** Makes what is there belong to whom it is to belong. */
export function settleOwners(layout: HostLayout): void {
  for (const { path: at, kind, owner, group, mode } of ownership(layout)) {
    if (!existsSync(at)) {
      if (kind === "file") continue;
      mkdirSync(at, { recursive: true });
    }
    chownSync(at, UIDS[owner] ?? 0, UIDS[group] ?? 0);
    chmodSync(at, mode);
  }
}

export class SplitHost {
  readonly layout: HostLayout;
  readonly #options: SplitOptions;
  readonly #root: string;
  readonly #children = new Map<Role, ChildProcess>();
  #forwarder: Server | undefined;
  #isEnded = false;

  constructor(root: string, options: SplitOptions) {
    this.#root = root;
    this.#options = options;
    this.layout = hostLayout({ root });
  }

  /** Sockets first, then the link, as the units order it. */
  async start(): Promise<void> {
    const { layout } = this;
    settleOwners(layout);
    const { gatewayPort } = this.#options;
    if (gatewayPort !== undefined) this.#forwarder = await forward(layout.gatewaySocket, gatewayPort);
    await Promise.all([
      this.#activated("warden", [
        { at: layout.wardenSocket, name: "link", uid: 0, gid: LINK_UID, mode: 0o660 },
        { at: layout.doorSocket, name: "door", uid: 0, gid: 0, mode: 0o600 },
      ]),
      this.#activated("reader", [
        { at: layout.readerSocket, name: "readings", uid: 0, gid: 0, mode: 0o600 },
        { at: layout.telemetrySocket, name: "telemetry", uid: READER_UID, gid: LINK_UID, mode: 0o660 },
      ]),
    ]);
    if (this.#options.isLinkAbsent !== true) this.#keepLink();
  }

  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.#isEnded = true;
    const ending = [...this.#children.values()].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill(signal);
      await gone;
    });
    await Promise.all(ending);
    this.#forwarder?.close();
  }

  #keepLink(): void {
    const child = this.#spawn("link", asUser(LINK_UID));
    child.once("exit", () => {
      if (!this.#isEnded) setTimeout(() => !this.#isEnded && this.#keepLink(), 500);
    });
  }

  /** Listens, starts the process at the first word, and listens again when it has ended. */
  async #activated(role: "warden" | "reader", sockets: readonly Listening[]): Promise<void> {
    for (const { at } of sockets) rmSync(at, { force: true });
    const listens = sockets.flatMap(({ at }) => ["--listen", at]);
    const names = sockets.map(({ name }) => name).join(":");
    const before = role === "warden" ? ["unshare", "--net", "--"] : asUser(READER_UID);
    const argv = [...WITH_US, ACTIVATE, ...listens, `--fdname=${names}`, ...this.#passed(), ...before];
    const child = this.#spawn(role, argv);
    child.once("exit", () => {
      if (!this.#isEnded) void this.#activated(role, sockets);
    });
    for (const { at, uid, gid, mode } of sockets) {
      while (!existsSync(at)) {
        if (child.exitCode !== null) throw new Error(`split: ${role} ended before it listened`);
        await wait(5);
      }
      chownSync(at, uid, gid);
      chmodSync(at, mode);
    }
  }

  /** It hands on nothing of our environment by itself. */
  #passed(): readonly string[] {
    return Object.keys(this.#environment).map((name) => `--setenv=${name}`);
  }

  get #environment(): Readonly<Record<string, string>> {
    return { PATH: process.env["PATH"] ?? "", HOME: this.#root, ...this.#options.environment };
  }

  #spawn(role: Role, before: readonly string[]): ChildProcess {
    const { program, onLog } = this.#options;
    const argv: readonly string[] = [
      ...before,
      process.execPath,
      ...AGENT_FLAGS,
      program,
      "host",
      role,
      "--root",
      this.#root,
      ...(role === "warden" ? ["--quiet", String(QUIET_SECONDS)] : []),
    ];
    const [first = "", ...rest] = argv;
    const child = spawn(first, rest, { stdio: ["ignore", "ignore", "pipe"], env: this.#environment });
    this.#children.set(role, child);
    const kill = (): void => void child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on("line", (text) => {
        const line = readLine(text);
        if (line !== undefined) onLog(line, role);
      });
    return child;
  }
}

interface Listening {
  readonly at: string;
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** A suite that is cut short takes its processes along. */
const WITH_US = ["setpriv", "--pdeathsig=KILL", "--"];

function asUser(uid: number): readonly string[] {
  return [
    ...WITH_US.slice(0, -1),
    `--reuid=${String(uid)}`,
    `--regid=${String(uid)}`,
    "--clear-groups",
    "--no-new-privs",
    "--",
  ];
}

/** In the place of systemd-socket-proxyd. */
async function forward(at: string, port: number): Promise<Server> {
  rmSync(at, { force: true });
  const server = createServer((socket) => {
    const far = connect(port, "127.0.0.1");
    socket.pipe(far).pipe(socket);
    socket.on("error", () => far.destroy());
    far.on("error", () => socket.destroy());
    socket.on("close", () => far.destroy());
    far.on("close", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(at, resolve));
  chmodSync(at, 0o600);
  return server;
}

/** What systemd-socket-activate itself says is no word of ours. */
function readLine(text: string): LogLine | undefined {
  if (!text.startsWith("{")) return text.includes("rror") ? { event: "not_json", text } : undefined;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { event: "not_json", text };
  }
}
