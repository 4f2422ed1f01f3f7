/** `clawhold run`: what it takes and what it says. A pipeline's way to command, with a key that somebody granted. */
import type { Command, CommandInput } from "./command.ts";

export const run: Command = {
  name: "run",
  summary: "Run a command with an automation key, for pipelines",
  help: `Usage: clawhold run --key <file> <operation> --host <name> [--host <name>] [--arg <name>=<value>] [options]
       clawhold run --make-key <file> --edge <address> --workspace=<id> --label <text>
       clawhold run --show-key <file>

Signs one command with an automation key and waits for the hosts' signed receipts. The key is made on the machine that
uses it; an administrator grants it, in the trust log, for named operations, hosts, a rate and an end. Hosts check its
signature themselves: the edge can neither use the key nor change the command.

  --key <file>           the key file; - reads it from standard input
  --host <name>          label or id of a host; repeat it for up to 64
  --arg <name>=<value>   an argument of the operation
  --wait <seconds>       how long to wait for the receipts (default: 90)
  --ca <file>            the only certificate authorities that may vouch for the edge
  --access-token-file <file>
                         a service token of Cloudflare Access, mode 600
  --client-certificate <file>
                         what clawhold up browser-certificate --pem made, for an edge that asks for it
  --make-key <file>      make a key and show what an administrator needs to grant it
  --edge <address>       where the edge is, for --make-key
  --edge-name <name>     what a tunnelled clawhold up calls itself, for --make-key
  --workspace=<id>       the workspace's id, from somebody who knows it, for --make-key
  --label <text>         what the key is called, for --make-key
  --show-key <file>      show again what an administrator needs, from a key that exists
  --json                 one JSON object

Exit codes: 0 every host executed it, 1 it failed or was interrupted on one, 3 the edge or a host did not answer,
4 refused.`,
  options: {
    key: { type: "string" },
    host: { type: "string", multiple: true },
    arg: { type: "string", multiple: true },
    wait: { type: "string" },
    ca: { type: "string" },
    "access-token-file": { type: "string" },
    "client-certificate": { type: "string" },
    "make-key": { type: "string" },
    "show-key": { type: "string" },
    edge: { type: "string" },
    "edge-name": { type: "string" },
    workspace: { type: "string" },
    label: { type: "string" },
  },
  words: 1,
  run: async (input: CommandInput, io) => {
    const { makeKeyFile, runWithKey, showKeyFile } = await import("./run-session.ts");
    if (input.text("show-key") !== undefined) return showKeyFile(input, io);
    return input.text("make-key") === undefined ? runWithKey(input, io) : makeKeyFile(input, io);
  },
};
