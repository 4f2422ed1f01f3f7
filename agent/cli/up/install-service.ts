/** What `clawhold up service` does: puts the options that were typed into the unit, and shows or writes it. */
import { accessSync, closeSync, constants, fsyncSync, openSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { checkBind, type BindOptions } from "../../edge/bind/asked.ts";
import { parseMetricsPlace } from "../../edge/metrics-front.ts";
import { systemCode } from "../../shared/edge-error.ts";
import { portOf, type CommandInput } from "../command.ts";
import { CliError, EXIT, usageError, type CliIo, type ExitCode } from "../io.ts";
import { readBind } from "./bind-choice.ts";
import { DEFAULT_AGENT_PORT, DEFAULT_PORT } from "./ports.ts";
import { SERVICE_DATA, SERVICE_NAME, SERVICE_PATH, serviceUnit } from "./service-unit.ts";
import { upService } from "./service.ts";

const READ_BY_OTHERS = 0o004;
/** What is not put into the command as it was typed. */
const OWN_LINES: ReadonlySet<string> = new Set(["print", "install", "tls-cert", "tls-key"]);

export function runService(input: CommandInput, io: CliIo): ExitCode {
  const isInstall = input.flag("install");
  if (isInstall === input.flag("print")) {
    throw usageError(
      "clawhold up service takes either --print or --install. Type clawhold up service --help for more.",
    );
  }
  const tlsFiles = checkOptions(input)?.tlsFiles;
  for (const path of tlsFiles === undefined ? [] : [tlsFiles.certificate, tlsFiles.key]) refuseMissing(path);
  refusePrivate(io.entry);
  refusePrivate(io.node);
  const unit = serviceUnit({ node: io.node, entry: io.entry, argv: argvOf(input), tlsFiles, ports: portsOf(input) });
  if (isInstall) install(unit);
  if (input.json) io.out(JSON.stringify({ event: "service", path: isInstall ? SERVICE_PATH : undefined, unit }));
  else if (isInstall) {
    io.out(`Wrote ${SERVICE_PATH}. Start it, and show the link that makes the workspace:`);
    io.out(`\n  systemctl daemon-reload && systemctl enable --now ${SERVICE_NAME}`);
    io.out(`  clawhold up link --data ${SERVICE_DATA}\n`);
  } else io.out(unit.trimEnd());
  return EXIT.ok;
}

/** What `clawhold up` refuses, systemd would start again for ever. */
function checkOptions(input: CommandInput): BindOptions | undefined {
  const bind = readBind(input, () => undefined);
  if (bind !== undefined) checkBind(bind);
  const metrics = input.text("metrics");
  if (metrics !== undefined) parseMetricsPlace(metrics);
  return bind;
}

/** Whether root can read it is for systemd to find out: whoever prints the unit may be somebody else. */
function refuseMissing(path: string): void {
  try {
    if (!statSync(path).isDirectory()) return;
  } catch (error) {
    if (systemCode(error) === "EACCES") return;
    if (systemCode(error) === undefined) throw error;
  }
  throw new CliError(
    "tls_files",
    `There is no file at ${path}, which systemd is to hand to the service. Put it there, or give its path with --tls-cert and --tls-key.`,
    EXIT.refused,
  );
}

/** As it was typed, so that a new option of `up` needs no line here; the certificate's files have lines of their own. */
function argvOf(input: CommandInput): readonly string[] {
  const names = Object.keys(upService.options).filter((name) => !OWN_LINES.has(name));
  const given = names.flatMap((name) => {
    const text = input.text(name);
    if (text !== undefined) return [`--${name}`, text];
    return input.flag(name) ? [`--${name}`] : [];
  });
  return given.includes("--gateway") ? given : [...given, "--gateway", "none"];
}

function portsOf(input: CommandInput): readonly number[] {
  return [portOf(input, "port", DEFAULT_PORT), portOf(input, "agent-port", DEFAULT_AGENT_PORT)];
}

/** A user that exists only while the service runs is one of the others. */
function refusePrivate(path: string): void {
  let mode: number;
  try {
    ({ mode } = statSync(path));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    mode = 0;
  }
  if ((mode & READ_BY_OTHERS) !== 0) return;
  throw new CliError(
    "program_private",
    `Other users of this machine cannot read ${path}, and the service is one of them. Install Clawhold where they can, for example in /opt/clawhold, and type this there.`,
    EXIT.refused,
  );
}

function install(unit: string): void {
  try {
    accessSync(dirname(SERVICE_PATH), constants.W_OK);
    const fd = openSync(SERVICE_PATH, "wx", 0o644);
    try {
      writeFileSync(fd, unit);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw explain(error);
  }
}

function explain(error: unknown): unknown {
  switch (systemCode(error)) {
    case "EEXIST":
      return new CliError(
        "file_exists",
        `${SERVICE_PATH} exists already and was left as it is. Compare it with clawhold up service --print, delete it, and type this again.`,
      );
    case "EACCES":
    case "EPERM":
      return new CliError("not_root", "Only root installs a service. Type this with sudo.", EXIT.refused);
    case "ENOENT":
      return new CliError(
        "no_systemd",
        "This machine has no systemd (no /etc/systemd/system). Give your service manager the command line that --print shows.",
      );
    default:
      return error;
  }
}
