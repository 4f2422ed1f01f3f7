/**
 * What mending may do to the machine: run a listed program with an argument vector, change paths. Collectors have another, smaller
 * list: they cannot change anything. Handed in, so that a test can stand in for a machine.
 */
import { MAX_OUTPUT_BYTES, runBounded } from "../posture/bounded-run.ts";
import type { Ran } from "../posture/machine.ts";
import type { Disk } from "./disk.ts";

const RUN_MILLISECONDS = 20_000;
/** A daemon that it started may keep our pipes open for ever. */
const LINGER_MILLISECONDS = 500;

const programs: ReadonlySet<string> = new Set([
  "/lib/ufw/ufw-init",
  "apt-get",
  "du",
  "fail2ban-client",
  "gpasswd",
  "ip",
  "journalctl",
  "nft",
  "passwd",
  "rm",
  "runuser",
  "ss",
  "ssh",
  "sshd",
  "sudo",
  "sync",
  "sysctl",
  "systemctl",
  "systemd-analyze",
  "systemd-run",
  "ufw",
  "useradd",
  "userdel",
]);

export interface HandsRunOptions {
  readonly milliseconds?: number;
}

export interface Hands {
  readonly isRoot: boolean;
  /** Wall clock, whole seconds. */
  readonly now: () => number;
  /** argv that starts this program again. */
  readonly self: readonly string[];
  readonly disk: Disk;
  readonly run: (argv: readonly string[], options?: HandsRunOptions) => Promise<Ran>;
  /** Own addresses that others may know: neither loopback nor link-local. */
  readonly addresses: () => readonly string[];
  /** How long a proof is waited for: a reload is over when it is over. */
  readonly patienceMilliseconds: number;
  /** By what the rules in the kernel are known again; undefined when they cannot be listed. */
  readonly rulesDigest: () => Promise<string | undefined>;
}

/** A program that had to work did not. `said`: the end of what it wrote, for the log. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly argv: readonly string[];

  constructor(argv: readonly string[], said: string) {
    super(`${argv.join(" ")}: ${said.trim().slice(-300)}`);
    this.argv = argv;
  }
}

/** Runs a program that must like it. @throws {CommandError} */
export async function must(hands: Hands, argv: readonly string[], options?: HandsRunOptions): Promise<string> {
  const ran = await hands.run(argv, options);
  if (ran.kind !== "ran") throw new CommandError(argv, ran.kind);
  if (ran.exit !== 0) throw new CommandError(argv, `exit ${String(ran.exit)}. ${ran.stderr}${ran.stdout}`);
  return ran.stdout;
}

/** Whether it ran and said yes. */
export async function says(hands: Hands, argv: readonly string[]): Promise<boolean> {
  const ran = await hands.run(argv);
  return ran.kind === "ran" && ran.exit === 0;
}

/** What it wrote; empty when it did not run. */
export async function outputOf(hands: Hands, argv: readonly string[]): Promise<string> {
  const ran = await hands.run(argv);
  return ran.kind === "ran" ? ran.stdout : "";
}

export class UnlistedCommandError extends Error {
  override readonly name = "UnlistedCommandError";
}

export function runListed(argv: readonly string[], options: HandsRunOptions = {}): Promise<Ran> {
  const [program = "", ...rest] = argv;
  if (!programs.has(program)) throw new UnlistedCommandError(`no remedy may run ${program}`);
  return runBounded([program, ...rest], {
    milliseconds: options.milliseconds ?? RUN_MILLISECONDS,
    maxBytes: MAX_OUTPUT_BYTES,
    environment: { HOME: "/root", DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_MODE: "l" },
    lingerMilliseconds: LINGER_MILLISECONDS,
  });
}
