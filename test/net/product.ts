/** The built program on the two machines: an edge, an agent, and a person at the edge's own machine. */
import type { Closers } from "../../agent/edge/closers.ts";
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { CommandStatus } from "../../protocol/contracts.ts";
import { HeadlessOperator, receiptOf } from "../e2e/operator.ts";
import { Program } from "./chaos/program.ts";
import { Doorway } from "./machines.ts";

const root = path.resolve(import.meta.dirname, "../..");
export const dist = process.env["CLAWHOLD_TEST_DIST"] ?? path.join(root, "dist");

export interface Installed {
  /** Undefined: this very machine. */
  readonly namespace: string | undefined;
  /** The data directory, and the home of everything it starts. */
  readonly directory: string;
}

/** A command of ours on that machine; standard output is JSON lines. */
export function clawhold({ namespace, directory }: Installed, ...words: readonly string[]): Program {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return new Program({
    ...(namespace === undefined ? {} : { namespace }),
    program: process.execPath,
    parameters: ["--no-warnings", path.join(dist, "clawhold.mjs"), ...words, "--json", "--data", directory],
    environment: { HOME: directory, CLAWHOLD_RATE_FACTOR: "1000" },
  });
}

export class RunningEdge {
  readonly up: Program;
  readonly operator: HeadlessOperator;
  readonly port: number;
  readonly agentPort: number;
  readonly installed: Installed;

  private constructor(parts: Pick<RunningEdge, "up" | "operator" | "port" | "agentPort" | "installed">) {
    this.up = parts.up;
    this.operator = parts.operator;
    this.port = parts.port;
    this.agentPort = parts.agentPort;
    this.installed = parts.installed;
  }

  /** Starts it, and makes its workspace by way of the machine's loopback. */
  static async start(installed: Installed, more: readonly string[], closers: Closers): Promise<RunningEdge> {
    const doorway = await Doorway.open();
    const { port } = doorway;
    if (installed.namespace === undefined) await doorway.close();
    else closers.push(() => doorway.close());
    const agentPort = port === 65_535 ? port - 1 : port + 1;
    const places = ["--port", String(port), "--agent-port", String(agentPort), "--gateway", "none"];
    const up = clawhold(installed, "up", ...places, ...more);
    closers.push(() => up.end());
    const setup = await up.mustSay((said) => said["event"] === "setup");
    if (installed.namespace !== undefined)
      await doorway.into(installed.namespace, path.join(installed.directory, "door.sock"));
    const operator = await HeadlessOperator.create(port);
    closers.push(() => operator.close());
    await operator.setUp(new URLSearchParams(new URL(String(setup["url"])).hash.slice(1)).get("seed") ?? "");
    await operator.admitFirstHost();
    await up.mustSay((said) => said["event"] === "admitted");
    return new RunningEdge({ up, operator, port, agentPort, installed });
  }

  async invite(): Promise<string> {
    const inviting = clawhold(this.installed, "host", "invite");
    return String((await inviting.mustSay((said) => said["event"] === "invite"))["joinFile"]);
  }

  /** Joins another machine, admits it, and resolves once its tunnel stands. */
  async admit(installed: Installed, invitation: string, closers: Closers): Promise<RunningHost> {
    const joining = clawhold(installed, "join", "--gateway", "none", "--label", "other");
    joining.give(invitation);
    const joined = await joining.mustSay((said) => said["event"] === "joined");
    await joining.exited;
    const agent = clawhold(installed, "host", "run");
    closers.push(() => agent.end("SIGKILL"));
    const host = String(joined["host"]);
    await this.operator.admitFirstHost(host);
    await agent.mustSay((said) => said["event"] === "admitted");
    return { agent, host };
  }

  /** A signed command of a person, from the question to the host's receipt. */
  async command(host: string): Promise<string | undefined> {
    return receiptOf(await this.#check(host))?.verdict;
  }

  async #check(host: string): Promise<CommandStatus> {
    const sent = await this.operator.build("host.check@1", host);
    await this.operator.submit(sent);
    return this.operator.ended(sent, host);
  }
}

export interface RunningHost {
  readonly agent: Program;
  readonly host: string;
}
