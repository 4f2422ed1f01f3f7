/** `clawhold ui --json` as a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";

/** The built program; another folder lets two people test in one checkout. */
const dist = process.env["CLAWHOLD_TEST_DIST"] ?? path.resolve(import.meta.dirname, "../../dist");
const PATIENCE_MS = 60_000;

export interface UiEvent {
  readonly event: string;
  readonly [key: string]: unknown;
}

export class RunningUi {
  readonly events: UiEvent[] = [];
  readonly stderr: string[] = [];
  readonly exited: Promise<number>;
  readonly #child: ChildProcess;

  constructor(args: readonly string[]) {
    const argv = ["--no-warnings", path.join(dist, "clawhold.mjs"), "ui", "--json", ...args];
    this.#child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "pipe"] });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new TypeError("no pipes");
    // `close`: its last words have been read too.
    this.exited = new Promise((resolve) => this.#child.on("close", (code) => resolve(code ?? -1)));
    createInterface({ input: stdout }).on("line", (line) => this.events.push(JSON.parse(line) as UiEvent));
    createInterface({ input: stderr }).on("line", (line) => this.stderr.push(line));
  }

  /** The first event of this name, said before or after the call. */
  async event(name: string): Promise<UiEvent> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.events.find(({ event }) => event === name);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || performance.now() > until)
        throw new Error(
          `ui did not say ${name}:\n${[...this.events.map((one) => JSON.stringify(one)), ...this.stderr].join("\n")}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    return this.exited;
  }
}
