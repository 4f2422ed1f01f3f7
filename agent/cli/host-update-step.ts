/** `clawhold host update-step`: what the services of an update start. Each step looks for itself whether it was asked for. */
import { backUnlessSettled, carryOutUpdate, settle, unitsName } from "../install/update/change.ts";
import { fetchRelease } from "../install/update/fetch.ts";
import { hostLayout } from "../host/units/layout.ts";
import { installedLayout } from "../install/manifest.ts";
import type { Command } from "./command.ts";
import { changeDeps } from "./host-back.ts";
import { EXIT, usageError, type CliIo } from "./io.ts";

const steps: Readonly<Record<string, (io: CliIo) => Promise<void>>> = {
  // As the link's user, which cannot see what root noted: the paths are the same everywhere.
  fetch: (io) => fetchRelease(hostLayout(), io.environment),
  "carry-out": async (io) => io.out(JSON.stringify({ event: "update", ended: await carryOutUpdate(changeDeps()) })),
  back: async (io) => io.out(JSON.stringify({ event: "update", ended: await backUnlessSettled(changeDeps()) })),
  settle: async (io) => io.out(JSON.stringify({ event: "update", ended: await settle(changeDeps()) })),
  units: (io) => Promise.resolve(io.out(unitsName(installedLayout()))),
};

export const hostUpdateStep: Command = {
  name: "host update-step",
  summary: "What the services of an update start; not for typing",
  help: `Usage: clawhold host update-step <fetch|carry-out|back|settle|units>

Started by clawhold-fetch.service, clawhold-update.service and clawhold-update-guard.service. Does nothing that no
verified command asked for.`,
  options: {},
  words: 1,
  run: async ({ words: [word = ""] }, io) => {
    const step = Object.hasOwn(steps, word) ? steps[word] : undefined;
    if (step === undefined) throw usageError(`There is no step ${word}.`);
    await step(io);
    return EXIT.ok;
  },
};
