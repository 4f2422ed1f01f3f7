/** `clawhold host back`: the version of the agent before this one, at once. */
import { setTimeout as wait } from "node:timers/promises";
import { InstallError } from "../install/install-error.ts";
import { installedLayout } from "../install/manifest.ts";
import { linuxSystem } from "../install/system.ts";
import { back, type ChangeDeps } from "../install/update/change.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./io.ts";

export function changeDeps(): ChangeDeps {
  return {
    layout: installedLayout(),
    system: linuxSystem,
    wait: (milliseconds) => wait(milliseconds),
    now: () => Math.floor(Date.now() / 1_000),
  };
}

export const hostBack: Command = {
  name: "host back",
  summary: "Go back to the version before this one",
  help: `Usage: clawhold host back [--json]

As root, on a host that was installed: the version before runs again, and this one is kept as the way forward. An update
whose new version does not reach the edge does this by itself.

  --json   one JSON object`,
  options: {},
  run: async (input, io) => {
    if (io.uid !== 0)
      throw new InstallError(
        "not_root",
        "Only root changes the version. Become root (sudo -i, or su -), then try again.",
      );
    const version = await back(changeDeps());
    io.out(input.json ? JSON.stringify({ event: "back", version }) : `Version ${version} runs again.`);
    return EXIT.ok;
  },
};
