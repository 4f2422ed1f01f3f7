/** The table of commands of the whole program. What runs them, and says what stopped them, is dispatch.ts. */
import { audit } from "./audit.ts";
import { auditCheck } from "./audit-check.ts";
import { auditReset } from "./audit-reset.ts";
import { auditShow } from "./audit-show.ts";
import type { Command } from "./command.ts";
import { runCommands } from "./dispatch.ts";
import { doctor } from "./doctor.ts";
import { hostAdd } from "./host-add.ts";
import { hostInvite } from "./host-invite.ts";
import { hostRun } from "./host-run.ts";
import { hostWordsCommand } from "./host-words.ts";
import type { CliIo, ExitCode } from "./io.ts";
import { join } from "./join.ts";
import { run } from "./run.ts";
import { status } from "./status.ts";
import { trustExport } from "./trust-export.ts";
import { trustImport } from "./trust-import.ts";
import { trustReset } from "./trust-reset.ts";
import { trustShow } from "./trust-show.ts";
import { ui } from "./ui.ts";
import { browserCertificate } from "./up/browser-certificate.ts";
import { tailscalePolicy } from "./up/tailscale-policy.ts";
import { upBackup } from "./up/backup.ts";
import { upLink } from "./up/link.ts";
import { upNewKey } from "./up/new-key.ts";
import { upRestore } from "./up/restore.ts";
import { upService } from "./up/service.ts";
import { up } from "./up/up.ts";
import { verify } from "./verify.ts";

export const commands: readonly Command[] = [
  up,
  upLink,
  upNewKey,
  upService,
  upBackup,
  upRestore,
  browserCertificate,
  tailscalePolicy,
  ui,
  join,
  hostRun,
  hostWordsCommand,
  hostAdd,
  hostInvite,
  status,
  doctor,
  trustShow,
  trustExport,
  trustImport,
  trustReset,
  audit,
  auditShow,
  auditCheck,
  auditReset,
  verify,
  run,
];

export function runCli(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommands(argv, io, commands);
}
