/**
 * The real agent as a process of its own: the built program, `host run`, on a state directory that says it joined the
 * attacker's edge. The suite hands it nothing but what a joined host has; it is watched from outside only.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { toBase64url } from "../../protocol/bytes.ts";
import { AGENT_FLAGS } from "../../agent/cli/up/agent-process.ts";
import { openHostState, type HostFile, type HostState, type TlsFile } from "../../agent/host/state.ts";
import { seedOf } from "../fixtures/keys.ts";
import type { Happenings, LogLine } from "./happenings.ts";

export interface AgentFacts {
  readonly host: HostFile;
  readonly tls: TlsFile;
}

/** A data directory as joining leaves it, with the host keys of the fixtures. */
export class AgentDirectory {
  readonly path: string;
  #authorityFile: string | undefined;

  constructor(directory = mkdtempSync(path.join(tmpdir(), "clawhold-attack-"))) {
    this.path = directory;
  }

  write({ host, tls }: AgentFacts): void {
    const state = this.#state;
    state.saveHost(host);
    state.saveTls(tls);
    const keys = { v: 1, hostSeed: toBase64url(seedOf("host")), cosignSeed: toBase64url(seedOf("host cosign")) };
    writeFileSync(state.files.keys, `${JSON.stringify(keys)}\n`, { mode: 0o600 });
  }

  /** As joining left it: no newer pair, in use or waiting. */
  setPair(tls: TlsFile): void {
    const state = this.#state;
    state.saveTls(tls);
    state.saveNextTls(undefined);
  }

  get pair(): TlsFile | undefined {
    return this.#state.tls();
  }

  get #state(): HostState {
    return openHostState(path.join(this.path, "host"));
  }

  /** The owner of the machine writes the deny list; an empty one denies nothing. */
  deny(operations: readonly string[]): void {
    const file = path.join(this.path, "host", "warden", "deny");
    rmSync(file, { force: true }); // a mode that an attack left behind goes with it
    writeFileSync(file, operations.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  }

  /** As on a host that has seen no trust log yet. */
  forgetTrust(): void {
    rmSync(this.#trustFile, { force: true });
  }

  /** As if the system knew this authority, as it knows the public ones. */
  trustSystemwide(authority: string): void {
    this.#authorityFile = path.join(this.path, "system-authority.pem");
    writeFileSync(this.#authorityFile, authority);
  }

  /** What the agent's process is started with. */
  get environment(): Readonly<Record<string, string>> {
    const file = this.#authorityFile;
    return file === undefined ? {} : { NODE_EXTRA_CA_CERTS: file };
  }

  holdsTrust(): boolean {
    return existsSync(this.#trustFile) && statSync(this.#trustFile).size > 0;
  }

  get #trustFile(): string {
    return path.join(this.path, "host", "warden", "trust.jsonl");
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** An agent that runs, in however many processes. */
export interface RunningAgent {
  end(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

export class AgentProcess implements RunningAgent {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  constructor(program: string, directory: AgentDirectory, happenings: Happenings) {
    const home = path.join(directory.path, "home");
    mkdirSync(home, { recursive: true });
    this.#child = spawn(
      process.execPath,
      [...AGENT_FLAGS, program, "host", "run", "--json", "--data", directory.path],
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: { PATH: process.env["PATH"] ?? "", HOME: home, ...directory.environment },
      },
    );
    const { stderr } = this.#child;
    if (stderr === null) throw new TypeError("no pipe");
    createInterface({ input: stderr }).on("line", (text) => happenings.push({ kind: "log", line: readLine(text) }));
    // A suite that dies takes its agents along.
    const kill = (): void => void this.#child.kill("SIGKILL");
    process.once("exit", kill);
    this.#exited = new Promise((resolve) => {
      this.#child.on("exit", (code, signal) => {
        process.off("exit", kill);
        happenings.push({ kind: "ended", exit: code ?? signal ?? "unknown" });
        resolve();
      });
    });
  }

  /** `SIGKILL`: as a crash, with nothing written down on the way out. */
  async end(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }
}

/** Log lines are flat JSON; anything else (a stack trace) is kept so that a failure can be read. */
function readLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { event: "not_json", text };
  }
}
