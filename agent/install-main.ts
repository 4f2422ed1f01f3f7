/**
 * `clawhold.cjs`: what a person types on a host that was installed. Of the whole program it has the commands of a host, and none
 * of an edge: no database, no runtime, no dashboard.
 */
import { runCommands } from "./cli/dispatch.ts";
import { hostBack } from "./cli/host-back.ts";
import { hostInstall } from "./cli/host-install.ts";
import { hostUninstall } from "./cli/host-uninstall.ts";
import { hostUpdateStep } from "./cli/host-update-step.ts";
import { hostWordsCommand } from "./cli/host-words.ts";
import { join } from "./cli/join.ts";
import { status } from "./cli/status.ts";
import { trustExport } from "./cli/trust-export.ts";
import { trustImport } from "./cli/trust-import.ts";
import { trustReset } from "./cli/trust-reset.ts";
import { trustShow } from "./cli/trust-show.ts";
import { processIo } from "./process-io.ts";

const [, entry = "", ...argv] = process.argv;
const commands = [
  status,
  hostWordsCommand,
  hostInstall,
  hostBack,
  hostUninstall,
  hostUpdateStep,
  join,
  trustShow,
  trustExport,
  trustImport,
  trustReset,
];

void runCommands(argv, processIo(entry), commands).then((code) => process.exit(code));
