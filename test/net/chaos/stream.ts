/**
 * A stream of honest commands under faults: each host is asked, signed for and sent to, one command after the other, by
 * a person who does not wait for ever and who sends the same bytes again when an answer was lost.
 */
import { setTimeout as wait } from "node:timers/promises";
import { fromBase64url } from "../../../protocol/bytes.ts";
import type { CommandStatus } from "../../../protocol/contracts.ts";
import { intentCodec, submissionCodec } from "../../../protocol/messages.ts";
import type { OperationName } from "../../../protocol/operations.ts";
import { ProblemError, type HeadlessOperator, type Sent } from "../../e2e/operator.ts";
import type { Random } from "./random.ts";

const LOOK_MILLISECONDS = 250;
/** Then the person goes on, and looks at this command again at the end. */
const PATIENCE_MILLISECONDS = 3_000;
const PAUSE_MILLISECONDS = 300;
/** Somebody who was refused because something is down just now. */
const OUTAGE_MILLISECONDS = 250;
/** Share of commands whose very bytes are sent a second time although nothing went wrong. */
const AGAIN_SHARE = 0.15;

/** One command, as the person who sent it knows it. */
export interface Command {
  readonly sent: Sent;
  readonly host: string;
  readonly operation: OperationName;
  /** The boot of the gateway that it was signed for. */
  readonly boot: string | undefined;
  /** The edge answered that it has it. */
  acknowledged: boolean;
  /** The edge answered the first time that nothing was done. The person believes it and leaves it at that. */
  isDenied: boolean;
  /** Times the same bytes were sent beyond the first. */
  again: number;
  /** The first end that the edge told, and the newest. */
  first: CommandStatus | undefined;
  last: CommandStatus | undefined;
}

export interface Stream {
  readonly commands: readonly Command[];
  /** Answers that were none: code of the problem or of the connection, and how often. */
  readonly outages: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export interface StreamPlan {
  readonly operator: HeadlessOperator;
  readonly hosts: readonly string[];
  readonly random: Random;
  /** Sees each command before it is sent. */
  readonly onCommand?: (intent: string) => void;
}

export function startStream(plan: StreamPlan): Stream {
  const person = new Person(plan);
  const loops = plan.hosts.map((host) => person.command(host));
  return {
    commands: person.commands,
    outages: person.outages,
    stop: async () => {
      person.isStopped = true;
      await Promise.all(loops);
    },
  };
}

class Person {
  readonly commands: Command[] = [];
  readonly outages = new Map<string, number>();
  isStopped = false;
  readonly #plan: StreamPlan;

  constructor(plan: StreamPlan) {
    this.#plan = plan;
  }

  async command(host: string): Promise<void> {
    const { random } = this.#plan;
    while (!this.isStopped) {
      const sent = await this.#patiently(() => this.#build(host));
      if (sent === undefined) continue;
      const command = commandOf(sent);
      this.commands.push(command);
      await this.#send(command);
      await this.#watch(command);
      if (!command.isDenied && random.chance(AGAIN_SHARE)) {
        command.again += 1;
        await this.#send(command);
      }
      await wait(random.whole(PAUSE_MILLISECONDS));
    }
  }

  #build(host: string): Promise<Sent> {
    const operation: OperationName = this.#plan.random.chance(0.5) ? "gateway.restart@1" : "host.check@1";
    return this.#plan.operator.build(operation, host);
  }

  async #send(command: Command): Promise<void> {
    const status = await this.#patiently(async () => {
      try {
        return await this.#plan.operator.submit(command.sent);
      } catch (error) {
        if (command.again === 0 && isDenial(error)) command.isDenied = true;
        throw error;
      }
    });
    if (status === undefined) return;
    command.acknowledged = true;
    note(command, status);
  }

  async #watch(command: Command): Promise<void> {
    const until = performance.now() + PATIENCE_MILLISECONDS;
    while (!this.isStopped && command.last === undefined && performance.now() < until) {
      await wait(LOOK_MILLISECONDS);
      await look(this.#plan.operator, command, this.outages);
      if (command.acknowledged || command.isDenied || performance.now() + LOOK_MILLISECONDS > until) continue;
      command.again += 1;
      await this.#send(command);
    }
  }

  /** Undefined when whoever was asked could not answer now. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      count(this.outages, outageOf(error));
      await wait(OUTAGE_MILLISECONDS);
      return undefined;
    }
  }
}

function commandOf(sent: Sent): Command {
  const intent = intentCodec.decode(fromBase64url(submissionCodec.decode(fromBase64url(sent.submission)).intent));
  const [target] = intent.targets;
  if (target === undefined) throw new TypeError("an intent without a target");
  return {
    sent,
    host: target.host,
    operation: intent.operation as OperationName,
    boot: target.expect.gatewayBoot,
    acknowledged: false,
    isDenied: false,
    again: 0,
    first: undefined,
    last: undefined,
  };
}

/** Asks once what became of a command. False when the edge has never heard of it. */
export async function look(
  operator: HeadlessOperator,
  command: Command,
  outages: Map<string, number>,
): Promise<boolean | undefined> {
  try {
    note(command, await operator.status(command.sent, command.host));
    return true;
  } catch (error) {
    if (error instanceof ProblemError && error.code === "command_unknown") return false;
    count(outages, outageOf(error));
    return undefined;
  }
}

function note(command: Command, status: CommandStatus): void {
  if (status.state !== "receipted" && status.state !== "refused") return;
  command.first ??= status;
  command.last = status;
}

function count(outages: Map<string, number>, code: string): void {
  outages.set(code, (outages.get(code) ?? 0) + 1);
}

/** Their sentences say that nothing was done. */
function isDenial(error: unknown): boolean {
  return error instanceof ProblemError && (error.code === "storage_full" || error.code === "ledger_unavailable");
}

/** What a bad network, a dead process and a full disk may answer. Anything else is no outage and ends the run. */
export function outageOf(error: unknown): string {
  if (error instanceof ProblemError) {
    // The front's own words, while nobody is behind it, are no problem of the API's.
    return `${String(error.status)} ${error.code === "not_a_problem" ? "front" : error.code}`;
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED" || code === "ECONNRESET" || code === "EPIPE" || code === "ENOENT") return code;
  throw error;
}
