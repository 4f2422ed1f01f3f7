/** `clawhold up service`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import type { Command } from "../command.ts";
import { up } from "./up.ts";

/** Where the edge of the service keeps its data, and how link and secret stay out of the journal, is not for the caller. */
const { data: _data, "no-link": _noLink, ...serviceOptions } = up.options;

export const upService: Command = {
  name: "up service",
  summary: "Print or install a systemd unit for an edge that runs by itself",
  help: `Usage: clawhold up service (--print | --install) [options of clawhold up]

A unit that starts this installation's clawhold up as a user of its own, which exists only while it runs, with nothing but
its own directory to write in (/var/lib/clawhold-edge). It holds no secret. After it was installed:

  systemctl daemon-reload && systemctl enable --now clawhold-edge
  clawhold up link --data /var/lib/clawhold-edge

  --print               show the unit
  --install             write it to /etc/systemd/system/clawhold-edge.service; as root
  --port, --agent-port, --bind, --metrics and the others of clawhold up, except --data
                        --gateway is none unless you say otherwise: an OpenClaw here belongs to another user
  --json                one JSON object on standard output`,
  options: { ...serviceOptions, print: { type: "boolean" }, install: { type: "boolean" } },
  run: async (input, io) => {
    const { runService } = await import("./install-service.ts");
    return runService(input, io);
  },
};
