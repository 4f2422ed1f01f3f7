/** `clawhold ui`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import { dataOption, type Command } from "./command.ts";
import { DEFAULT_PORT } from "./up/ports.ts";

export const ui: Command = {
  name: "ui",
  summary: "Serve the dashboard on this machine, in front of an edge elsewhere",
  help: `Usage: clawhold ui --edge <address> [--workspace=<id>] [options]

Makes this machine a signer: the dashboard comes from the installed package and not from the edge, so what you see is
what you sign. The edge only carries messages. The first time, give the workspace's id, from somebody who knows it; this
machine then remembers it, and the newest list of keys it has seen, and says so when the edge shows an older one.

  --edge <address>       https://name, or http://clawhold.localhost:<port> for an edge tunnelled to this machine;
                         may be left out when this machine remembers exactly one
  --workspace=<id>       the workspace's id; clawhold status shows it on the edge's machine and on every host
  --setup                found the first workspace of an edge, with the setup link of npm run deploy
  --port <number>        the dashboard's port on 127.0.0.1 and ::1 (default: ${String(DEFAULT_PORT)})
  --edge-name <name>     what a tunnelled clawhold up calls itself, when it has another port there than here,
                         e.g. clawhold.localhost:4470
  --ca <file>            the only certificate authorities that may vouch for the edge (default: this system's)
  --access-token-file <file>
                         a service token of Cloudflare Access, mode 600: {"clientId": "...", "clientSecret": "..."}
  --client-certificate <file>
                         what clawhold up browser-certificate --pem made, for an edge that asks for it
  --data <directory>     where this machine keeps what it remembers
  --no-open              do not open the browser
  --json                 one JSON object a line on standard output, log lines on standard error

Press Ctrl-C to stop.`,
  options: {
    ...dataOption,
    edge: { type: "string" },
    workspace: { type: "string" },
    setup: { type: "boolean" },
    port: { type: "string" },
    "edge-name": { type: "string" },
    ca: { type: "string" },
    "access-token-file": { type: "string" },
    "client-certificate": { type: "string" },
    "no-open": { type: "boolean" },
  },
  run: async (input, io) => {
    const { runUi } = await import("./ui-session.ts");
    return runUi(input, io);
  },
};
