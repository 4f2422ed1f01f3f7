/**
 * Everything the commands need from the process around them, as one value: only `process-io.ts` touches the process itself,
 * so every command runs in a test as it runs in a terminal.
 */

export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, refused: 4 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface CliIo {
  /** One line on standard output. */
  out(line: string): void;
  /** One line on standard error. */
  err(line: string): void;
  /** All of standard input, at most `maxBytes`. */
  readInput(maxBytes: number): Promise<Uint8Array>;
  /** Asks on the terminal; undefined when there is none. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** How wide the terminal is that standard output goes to; absent where it goes elsewhere. */
  readonly columns?: number;
  /** Resolves when the person or the system asks us to end. */
  readonly stopped: Promise<void>;
  /** Called whenever the system asks us to look at our files again (SIGUSR1; SIGHUP where there is no terminal). */
  onReload?(listener: () => void): void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly hostname: string;
  readonly pid: number;
  readonly uid: number;
  readonly version: string;
  /** The Node that runs us, and the file that it runs. */
  readonly node: string;
  readonly entry: string;
  /** What the build put beside the entry. */
  readonly bundle: {
    /** The agent's own program, smaller in memory than `entry`. */
    readonly agent: string;
    readonly worker: string;
    readonly web: string;
    readonly migrations: string;
    /** The directory with what another machine needs to become a host. */
    readonly release: string;
  };
}

/** A command cannot go on. The message is for the person who typed it. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: string;
  readonly exit: ExitCode;

  constructor(code: string, message: string, exit: ExitCode = EXIT.failed) {
    super(message);
    this.code = code;
    this.exit = exit;
  }
}

export function usageError(message: string): CliError {
  return new CliError("usage", message, EXIT.usage);
}
