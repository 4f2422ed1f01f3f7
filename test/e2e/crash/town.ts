/**
 * One installation that survives everything done to it: a gateway that is nobody's child but the test's, `up` started
 * again whenever it was the victim, and a person who asks again after a lost answer.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { kill } from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { startDemoGateway } from "../../../agent/host/demo/demo.ts";
import type { CommandStatus, HostRow } from "../../../protocol/contracts.ts";
import type { OperationName } from "../../../protocol/operations.ts";
import { gatewayCache } from "../gateway.ts";
import { AS_A_PROGRAM, temporaryDirectory, Up, type UpOptions } from "../installation.ts";
import { HeadlessOperator, ProblemError, type Sent } from "../operator.ts";
import { BootWatch } from "./boots.ts";
import { findVictim, type Victim } from "./processes.ts";

const ASK_AGAIN_MILLISECONDS = 100;
const PORT = 24_600;

export interface Followed {
  readonly status: CommandStatus;
  /** Submissions of the same bytes that it took beyond the first. */
  readonly resubmitted: number;
  /** True when the ledger held the command all the while and its host had no place for it. */
  readonly wasLost: boolean;
}

type Closers = (() => Promise<void> | void)[];

interface Parts {
  readonly boots: BootWatch;
  readonly operator: HeadlessOperator;
  readonly host: string;
  readonly options: UpOptions;
  readonly up: Up;
}

export class CrashTown {
  readonly boots: BootWatch;
  readonly operator: HeadlessOperator;
  readonly host: string;
  readonly #options: UpOptions;
  readonly #closers: Closers;
  #up: Up;

  private constructor({ boots, operator, host, options, up }: Parts, closers: Closers) {
    this.boots = boots;
    this.operator = operator;
    this.host = host;
    this.#options = options;
    this.#up = up;
    this.#closers = closers;
  }

  static async start(): Promise<CrashTown> {
    const closers: Closers = [];
    try {
      return new CrashTown(await build(closers), closers);
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#up.stop();
    await closeAll(this.#closers);
  }

  /** Everything said so far by the `up` that runs now: for reading a failure. */
  get lastLines(): readonly string[] {
    return this.#up.stderr.slice(-25);
  }

  /** The gateway takes requests and the host is connected. Resolves with the gateway's boot. */
  async ready(): Promise<string> {
    for (;;) {
      const ask = (): Promise<unknown> => this.operator.call("host", { path: `/api/hosts/${this.host}` });
      const { host } = (await this.#patiently(ask)) as { host: HostRow };
      if (host.connected && this.#victimsRun()) return this.boots.ready();
      await wait(ASK_AGAIN_MILLISECONDS);
    }
  }

  #victimsRun(): boolean {
    const { pid } = this.#up.child;
    return pid !== undefined && findVictim("workerd", pid) !== undefined && findVictim("agent", pid) !== undefined;
  }

  /**
   * Ends the victim once a log line names the step (of this intent, where there is one) and the moment after it came.
   * Call before what causes the line; the promise resolves with the steps that were said before the end.
   */
  async killAt(
    { step, intent }: { readonly step: string; readonly intent?: string },
    victim: Victim,
    moment: () => Promise<unknown>,
  ): Promise<readonly string[]> {
    const up = this.#up;
    const from = up.stderr.length;
    const ofIntent = (line: string): boolean => intent === undefined || line.includes(`"intent":"${intent}"`);
    const says = (line: string, name: string): boolean => line.includes(`"step":"${name}"`) && ofIntent(line);
    const pid = this.#pidOf(victim);
    const line = await up.line((text) => says(text, step) || (says(text, "refused") && step !== "refused"), from);
    if (!says(line, step)) throw new Error(`refused before the step ${step}: ${line}`);
    await moment();
    kill(pid, "SIGKILL");
    const steps = up.stderr.slice(from).filter(ofIntent);
    await this.#afterKill(victim);
    return steps.flatMap((text) => /"step":"([a-z-]+)"/.exec(text)?.[1] ?? []);
  }

  async killNow(victim: Victim): Promise<void> {
    kill(this.#pidOf(victim), "SIGKILL");
    await this.#afterKill(victim);
  }

  #pidOf(victim: Victim): number {
    const { pid } = this.#up.child;
    const found = pid === undefined ? undefined : findVictim(victim, pid);
    if (found === undefined) throw new Error(`no ${victim} runs`);
    return found;
  }

  /** workerd and the agent are started again by `up`; `up` by whoever typed it. */
  async #afterKill(victim: Victim): Promise<void> {
    if (victim !== "front") return;
    await this.#up.exited;
    this.#up = new Up(this.#options);
    await this.#up.event((said) => said.event === "ready");
  }

  /** Prepares and signs, again and again until a host has answered. */
  build(operation: OperationName): Promise<Sent> {
    return this.#patiently(() => this.operator.build(operation, this.host));
  }

  /** Follows an intent to its end. The same bytes are sent again while the edge says that it never got them. */
  async follow(sent: Sent, isAccepted: () => Promise<boolean>): Promise<Followed> {
    let resubmitted = 0;
    let wasLost = false;
    for (;;) {
      const status = await this.#patiently(() => this.#statusOf(sent));
      if (status === undefined) {
        wasLost ||= await this.#patiently(isAccepted);
        resubmitted += 1;
        await this.#patiently(() => this.operator.submit(sent));
      } else if (status.state === "receipted" || status.state === "refused") return { status, resubmitted, wasLost };
      await wait(ASK_AGAIN_MILLISECONDS);
    }
  }

  async #statusOf(sent: Sent): Promise<CommandStatus | undefined> {
    try {
      return await this.operator.status(sent, this.host);
    } catch (error) {
      if (error instanceof ProblemError && error.code === "command_unknown") return undefined;
      throw error;
    }
  }

  /** Whatever is a matter of a process that is down just now is asked again; any other problem is a finding. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!isOutage(error)) throw error;
        await wait(ASK_AGAIN_MILLISECONDS);
      }
    }
  }
}

async function build(closers: Closers): Promise<Parts> {
  const data = temporaryDirectory("crash");
  const gateway = temporaryDirectory("crash-gateway");
  closers.push(
    () => data.remove(),
    () => gateway.remove(),
  );
  const demo = await startDemoGateway({
    dataDirectory: gateway.path,
    installDirectory: gatewayCache,
    node: process.execPath,
    environment: process.env,
    agentVersion: "0.1.0",
    fetchAllowed: true,
    say: (line) => console.log(line),
    log: () => undefined,
    withActivity: false,
  });
  closers.push(() => demo.stop());
  const options = {
    dataDir: data.path,
    port: PORT,
    agentPort: PORT + 1,
    gateway: demo.url,
    // A gateway that somebody else runs: the agent finds its configuration and token as any program of this user would.
    env: {
      ...AS_A_PROGRAM,
      OPENCLAW_STATE_DIR: path.join(gateway.path, "demo", "state"),
      OPENCLAW_GATEWAY_TOKEN: readFileSync(demo.tokenFile, "utf8").trim(),
    },
  };
  const up = new Up(options);
  closers.push(async () => void (await up.stop())); // the first; a later one is stopped by its own name
  const setup = await up.event((said) => said.event === "setup");
  const operator = await HeadlessOperator.create(PORT);
  closers.push(() => operator.close());
  await operator.setUp(new URLSearchParams(new URL(String(setup["url"])).hash.slice(1)).get("seed") ?? "");
  const host = await operator.admitFirstHost();
  const boots = await BootWatch.start(demo, gateway.path);
  closers.push(() => boots.stop());
  return { boots, operator, host, options, up };
}

async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close();
}

/** No answer, or an answer that says: not now. */
export function isOutage(error: unknown): boolean {
  if (error instanceof ProblemError) {
    // An internal fault (500) is a finding, not an outage.
    return (
      error.status === 502 || error.status === 503 || error.code === "host_offline" || error.code === "host_silent"
    );
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" || code === "ECONNRESET" || code === "EPIPE";
}
