/** `clawhold up`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import { dataOption, type Command } from "../command.ts";
import { bindHelp, bindOptions } from "./bind-choice.ts";
import { DEFAULT_AGENT_PORT, DEFAULT_PORT } from "./ports.ts";

export const up: Command = {
  name: "up",
  summary: "Run the edge and the agent on this machine, and print the dashboard's address",
  help: `Usage: clawhold up [options]

Runs Clawhold on this machine: the dashboard, the control plane behind it, and the agent beside this machine's OpenClaw
gateway. The first start prints a link that makes the workspace; it works once and for 15 minutes.

  --data <directory>    where everything is kept (default: $XDG_DATA_HOME/clawhold or ~/.local/share/clawhold)
  --port <number>       the dashboard's port on 127.0.0.1 and ::1 (default: ${String(DEFAULT_PORT)})
  --agent-port <number> the port that agents dial (default: ${String(DEFAULT_AGENT_PORT)})
  --gateway <url>       the gateway of this machine, e.g. ws://127.0.0.1:18789
  --gateway demo        fetch the pinned OpenClaw from npm (about 650 MB) and run it with throw-away state
  --gateway none        watch no gateway
                        without the option: the gateway that runs here; if none does, you are asked on a terminal,
                        and otherwise nothing is fetched
${bindHelp}
  --metrics <address>   Prometheus metrics, /livez and /readyz on an address of loopback, e.g. 127.0.0.1:9464
  --no-link             say no setup link; clawhold up link shows one. For service managers, which keep what is said
  --json                one JSON object a line on standard output, log lines on standard error

Press Ctrl-C to stop.`,
  options: {
    ...dataOption,
    port: { type: "string" },
    "agent-port": { type: "string" },
    gateway: { type: "string" },
    metrics: { type: "string" },
    "no-link": { type: "boolean" },
    ...bindOptions,
  },
  run: async (input, io) => {
    const { runUp } = await import("./session.ts");
    return runUp(input, io);
  },
};
