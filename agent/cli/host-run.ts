/** `clawhold host run`: the agent of this machine in the foreground, as `clawhold up` or a service manager starts it. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { toBase64url } from "../../protocol/bytes.ts";
import { NONCE_BYTES } from "../../protocol/limits.ts";
import { runAgent, type AgentEvent, type RunDeps } from "../host/run.ts";
import { existingHostState } from "../host/state.ts";
import { dataOption, hostDirectoryOf, type Command } from "./command.ts";
import { EXIT, type CliIo } from "./io.ts";

export const hostRun: Command = {
  name: "host run",
  summary: "Run the agent of this machine in the foreground",
  help: `Usage: clawhold host run [--data <directory>] [--json]

Runs the agent of a host that has joined: it dials out to the edge, reports the gateway's figures, and carries out
commands that a person's own passkey signed. clawhold up does this by itself for the machine it runs on.

  --data <directory>   where the state of this installation lies
  --json               one JSON object a line on standard output

Log lines go to standard error, one JSON object each. It ends on SIGTERM or Ctrl-C, after the command that is running.`,
  options: dataOption,
  run: async (input, io) => {
    const say = (event: AgentEvent): void => {
      if (input.json) io.out(JSON.stringify(event));
      else for (const line of sentences(event)) io.out(line);
    };
    const agent = await runAgent(existingHostState(hostDirectoryOf(input, io)), runDeps(io, say));
    try {
      await Promise.race([io.stopped, agent.failed]);
    } finally {
      await agent.stop();
    }
    return EXIT.ok;
  },
};

function runDeps(io: CliIo, say: (event: AgentEvent) => void): RunDeps {
  return {
    agentVersion: io.version,
    pid: io.pid,
    ownUid: io.uid,
    environment: io.environment,
    homeDirectory: io.homeDirectory,
    posture: postureProgram(io),
    clock: { wall: () => Date.now(), monotonic: () => performance.now() },
    random: () => Math.random(),
    nonce: () => toBase64url(randomBytes(NONCE_BYTES)),
    wait: (milliseconds) => wait(milliseconds, undefined, { ref: false }),
    log: (line) => io.err(JSON.stringify(line)),
    say,
  };
}

/** The build puts it beside the agent; run from its sources an agent has none. */
function postureProgram({ node, entry }: CliIo): readonly string[] | undefined {
  const program = join(dirname(entry), "posture.cjs");
  return existsSync(program) ? [node, "--no-warnings", program] : undefined;
}

export const FOREIGN_KEY =
  "The trust log names this host with a witness key that is not its own, so it obeys nobody. To use this machine as a new host, type clawhold trust reset, then join it anew.";

export const FROZEN =
  "Two histories of the workspace are claimed, so this host obeys neither; revocations still count. See which with clawhold trust show; an administrator resolves it on the page People, in the signer.";

/** What a person reads. */
export function sentences(event: AgentEvent): readonly string[] {
  switch (event.event) {
    case "started":
      return [`This is host ${event.host}. It dials ${event.edge}.`];
    case "words":
      return [
        "This host waits to be admitted. Until then it obeys nobody. Compare these six words with the ones on the page:",
        "",
        `  ${event.words.join(" ")}`,
        "",
      ];
    case "admitted":
      return ["This host is admitted to the workspace."];
    case "removed":
      return [
        "An administrator removed this host from the workspace, and it obeys nobody any more. To use the machine again as a new host, type clawhold trust reset, then join it anew.",
      ];
    case "foreign-key":
      return [FOREIGN_KEY];
    case "frozen":
      return [FROZEN];
    case "thawed":
      return ["The fork is resolved. This host obeys the one history that was kept."];
    case "error":
      return [event.message];
    case "tunnel":
      return [event.state === "connected" ? "Connected to the edge." : event.problem];
  }
}
