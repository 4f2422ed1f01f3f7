/** `clawhold host uninstall`: takes a host away from its machine, and leaves nothing behind. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync } from "node:fs";
import { hostname } from "node:os";
import { toBase64url } from "../../protocol/bytes.ts";
import { NONCE_BYTES } from "../../protocol/limits.ts";
import { sayFarewell } from "../host/link/say-farewell.ts";
import { finishReset, markReset } from "../host/reset.ts";
import { openHostState } from "../host/state.ts";
import type { HostLayout } from "../host/units/layout.ts";
import { InstallError } from "../install/install-error.ts";
import { installedLayout } from "../install/manifest.ts";
import { linuxSystem } from "../install/system.ts";
import { uninstallHost } from "../install/uninstall.ts";
import type { Command, CommandInput } from "./command.ts";
import { CliError, EXIT, usageError, type CliIo } from "./io.ts";

export const hostUninstall: Command = {
  name: "host uninstall",
  summary: "Take the host away from this machine, with everything it made",
  help: `Usage: clawhold host uninstall [--yes] [--json]

As root. Puts back what remedies changed, ends the services, tells the edge with the last word of this host's key, and
removes everything that the installation made: users, units, /opt/clawhold, /var/lib/clawhold, /etc/clawhold and
the command clawhold itself. The gateway is not touched. Its receipts are with the edge and go with them; the ones here go.

It asks you to type the name of this machine.

  --yes          do not ask
  --leave-fixes  what a remedy changed and somebody changed again since is left as it is, instead of ending here
  --json         one JSON object a line`,
  options: { yes: { type: "boolean" }, "leave-fixes": { type: "boolean" } },
  run: async (input, io) => {
    if (io.uid !== 0)
      throw new InstallError("not_root", "Only root removes a host. Become root (sudo -i, or su -), then try again.");
    await confirm(input, io);
    const layout = installedLayout();
    const { isTold } = await uninstallHost({
      layout,
      system: linuxSystem,
      rollBack: () => rollBack(layout, input, io),
      sayFarewell: () => tellEdge(layout, io),
      say: (step) => io.out(input.json ? JSON.stringify({ event: "step", step }) : `  ${step}`),
    });
    const end = isTold
      ? "Removed. The edge has recorded it; an administrator should remove the host on its page."
      : "Removed. The edge could not be told: say it to your administrators, who should remove the host on its page.";
    io.out(input.json ? JSON.stringify({ event: "uninstalled", told: isTold }) : end);
    return EXIT.ok;
  },
};

async function confirm(input: CommandInput, io: CliIo): Promise<void> {
  if (input.flag("yes")) return;
  if (io.ask === undefined)
    throw usageError("Nobody can be asked here. Give --yes to remove the host without a question.");
  io.err("This host's keys, its journal and its place in the workspace are deleted; nothing brings them back.");
  const typed = await io.ask(`Type the name of this machine (${hostname()}) to remove it: `);
  if (typed.trim() === hostname()) return;
  throw new CliError("not_confirmed", "That is not the name of this machine, so nothing was changed.", EXIT.refused);
}

/** The program that changed something knows how it was. */
async function rollBack({ posture, postureState }: HostLayout, input: CommandInput, io: CliIo): Promise<void> {
  const program = [io.node, "--no-warnings", posture, "rollback-all", "--directory", postureState];
  const { code, out } = await linuxSystem.run(program);
  if (code === 0) return;
  if (input.flag("leave-fixes")) return io.err(`Left as they are: ${out.split("\n").join(", ")}`);
  throw new InstallError(
    "step_failed",
    `These fixes could not be put back, because somebody changed the same files since, so nothing was removed: ${out.slice(-300)}. Put them right by hand, or type clawhold host uninstall --leave-fixes.`,
  );
}

/** The agent has ended: keys, journal and lock are free. */
async function tellEdge(layout: HostLayout, io: CliIo): Promise<boolean> {
  if (!existsSync(layout.hostFile)) return false;
  // Others could look into these while the services ran; what opens them now wants them private.
  chmodSync(layout.state, 0o700);
  chmodSync(layout.hostFile, 0o600);
  const state = openHostState(layout.state);
  const host = state.host();
  if (host === undefined) return false;
  const lock = state.lock(() => new Date());
  try {
    const now = Math.floor(Date.now() / 1_000);
    markReset(state, host.workspace, now);
    const { isTold } = await finishReset(state, {
      now,
      log: (line) => io.err(JSON.stringify(line)),
      tell: (words) =>
        sayFarewell(words, { nonce: () => toBase64url(randomBytes(NONCE_BYTES)), environment: io.environment }),
    });
    return isTold;
  } finally {
    lock.release();
  }
}
