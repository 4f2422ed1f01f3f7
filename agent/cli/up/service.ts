/** `clawhold up service`: what it takes and what it says about itself. What it does is loaded when it is typed. */
import type { Command } from "../command.ts";
import { up } from "./up.ts";

/** Where the edge of the service keeps its data, and how link and secret stay out of the journal, is not for the caller. */
const { data: _data, "no-link": _noLink, ...serviceOptions } = up.options;

const OPTIONS_A_LINE = 6;

function optionLines(names: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += OPTIONS_A_LINE) {
    const some = names.slice(at, at + OPTIONS_A_LINE);
    lines.push(`  ${some.map((name) => `--${name}`).join(", ")}`);
  }
  return lines.join(",\n");
}

export const upService: Command = {
  name: "up service",
  summary: "Print or install a systemd unit for an edge that runs by itself",
  help: `Usage: clawhold up service (--print | --install) [options of clawhold up]

A unit that starts this installation's clawhold up as a user of its own, which exists only while it runs, with nothing
but its own directory to write in (/var/lib/clawhold-edge). It holds no secret. After it was installed:

  systemctl daemon-reload && systemctl enable --now clawhold-edge
  clawhold up link --data /var/lib/clawhold-edge

  --print               show the unit
  --install             write it to /etc/systemd/system/clawhold-edge.service; as root
  --json                one JSON object on standard output

Options of clawhold up that go into the unit; its --help says what they do. The gateway is none unless you say
otherwise: an OpenClaw here belongs to another user.

${optionLines(Object.keys(serviceOptions))}`,
  options: { ...serviceOptions, print: { type: "boolean" }, install: { type: "boolean" } },
  run: async (input, io) => {
    const { runService } = await import("./install-service.ts");
    return runService(input, io);
  },
};
