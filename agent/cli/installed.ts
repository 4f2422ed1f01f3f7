/**
 * The table of commands of a host that was installed: those that look at it, and those that change it. Of an edge it has none,
 * so its program carries no database, no runtime and no dashboard.
 */
import { auditReset } from "./audit-reset.ts";
import { auditShow } from "./audit-show.ts";
import { audit } from "./audit.ts";
import type { Command } from "./command.ts";
import { doctor } from "./doctor.ts";
import { hostBack } from "./host-back.ts";
import { hostInstall } from "./host-install.ts";
import { hostUninstall } from "./host-uninstall.ts";
import { hostUpdateStep } from "./host-update-step.ts";
import { hostWordsCommand } from "./host-words.ts";
import { join } from "./join.ts";
import { status } from "./status.ts";
import { trustExport } from "./trust-export.ts";
import { trustImport } from "./trust-import.ts";
import { trustReset } from "./trust-reset.ts";
import { trustShow } from "./trust-show.ts";

export const installedCommands: readonly Command[] = [
  status,
  doctor,
  audit,
  auditShow,
  auditReset,
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
