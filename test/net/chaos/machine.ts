/**
 * One host of a chaos run: a gateway that outlives everything, and the installed agent over a state directory on a
 * small disk, started again whenever it ended, as a service manager would.
 */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { CommandStep } from "../../../agent/host/log.ts";
import { smallDisk, type SmallDisk } from "../../e2e/faults/small-disk.ts";
import { namespaceOf } from "./network.ts";
import { Program } from "./program.ts";

const DISK_MEGABYTES = 8;
const RESTART_MILLISECONDS = 500;
const CANARY = path.join(import.meta.dirname, "canary.ts");

/** What a host did, as its own side effects tell it. */
export interface Effects {
  /** Intents, each time one began to run. */
  readonly executions: string[];
  /** Boots of the gateway, each time somebody asked for the end of one. */
  readonly restarts: string[];
}

export interface MachinePlan {
  readonly name: string;
  readonly directory: string;
  /** The built program. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
}

export class Machine {
  readonly name: string;
  readonly host: string;
  readonly directory: string;
  readonly disk: SmallDisk;
  readonly effects: Effects = { executions: [], restarts: [] };
  /** Ends of the agent that nobody asked for. */
  ends: string[] = [];
  readonly #plan: MachinePlan;
  readonly #canary: Program;
  readonly #watchers = new Set<(line: string) => void>();
  #agent: Program | undefined;
  #isStopped = false;

  private constructor(plan: MachinePlan, parts: { host: string; disk: SmallDisk; canary: Program }) {
    this.name = plan.name;
    this.directory = plan.directory;
    this.host = parts.host;
    this.disk = parts.disk;
    this.#plan = plan;
    this.#canary = parts.canary;
  }

  /** Joins with the words of an invitation. The agent does not run yet. */
  static async join(plan: MachinePlan, invitation: string): Promise<Machine> {
    mkdirSync(plan.directory, { recursive: true, mode: 0o700 });
    const disk = smallDisk(DISK_MEGABYTES, plan.directory);
    if (disk === undefined) throw new Error("a small disk could not be mounted");
    const namespace = namespaceOf(plan.name);
    const canary = new Program({ namespace, program: process.execPath, parameters: ["--no-warnings", CANARY] });
    try {
      const { url } = await canary.mustSay((said) => said["event"] === "ready");
      const joining = new Program({
        namespace,
        program: process.execPath,
        parameters: ["--no-warnings", plan.program, "join", "--json", ...joinOptions(plan, String(url))],
        environment: environmentOf(plan),
      });
      joining.give(invitation);
      const joined = await joining.mustSay((said) => said["event"] === "joined");
      await joining.exited;
      return new Machine(plan, { host: String(joined["host"]), disk, canary });
    } catch (error) {
      await canary.end("SIGKILL");
      disk.remove();
      throw error;
    }
  }

  start(): void {
    const agent = new Program({
      namespace: namespaceOf(this.name),
      program: process.execPath,
      parameters: ["--no-warnings", this.#plan.program, "host", "run", "--json", "--data", this.directory],
      environment: environmentOf(this.#plan),
      onLog: (line) => this.#note(line),
    });
    this.#agent = agent;
    void agent.exited.then((how) => this.#ended(agent, how));
  }

  /** It was not the fault's doing unless `#agent` is already another. */
  async #ended(agent: Program, how: string): Promise<void> {
    if (this.#agent !== agent || this.#isStopped) return;
    this.ends.push(`${how}: ${agent.lastWords}`);
    this.#agent = undefined;
    await wait(RESTART_MILLISECONDS);
    if (this.#agent === undefined && !this.#isStopped) this.start();
  }

  #note(line: string): void {
    const intent = /"step":"executing","intent":"([^"]+)"/.exec(line)?.[1];
    if (intent !== undefined) this.effects.executions.push(intent);
    for (const watcher of this.#watchers) watcher(line);
  }

  /** Resolves when some command next takes this step here, or when none does for a while. */
  step(step: CommandStep, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const watcher = (line: string): void => {
        if (line.includes(`"step":"${step}"`)) over();
      };
      const over = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      const timer = setTimeout(over, milliseconds);
      this.#watchers.add(watcher);
    });
  }

  async kill(pauseMilliseconds: number): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.end("SIGKILL");
    await wait(pauseMilliseconds);
    if (!this.#isStopped) this.start();
  }

  async freeze(milliseconds: number): Promise<void> {
    const agent = this.#agent;
    agent?.signal("SIGSTOP");
    await wait(milliseconds);
    agent?.signal("SIGCONT");
  }

  async fillDisk(milliseconds: number): Promise<void> {
    this.disk.fill();
    await wait(milliseconds);
    this.disk.free();
  }

  get lastLines(): readonly string[] {
    return this.#agent?.log.slice(-15) ?? [];
  }

  /** The agent is gone for good; what the gateway counted is complete. */
  async halt(): Promise<void> {
    this.#isStopped = true;
    this.#agent?.signal("SIGCONT");
    await this.#agent?.end();
    for (const { event, boot } of this.#canary.said) {
      if (event === "restart") this.effects.restarts.push(String(boot));
    }
    await this.#canary.end("SIGKILL");
  }

  remove(): void {
    this.disk.remove();
  }
}

function joinOptions({ directory, name }: MachinePlan, gateway: string): readonly string[] {
  return ["--data", directory, "--gateway", gateway, "--label", name];
}

function environmentOf({ directory, environment }: MachinePlan): Readonly<Record<string, string>> {
  return { HOME: directory, ...environment };
}
